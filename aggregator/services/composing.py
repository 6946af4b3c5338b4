"""Composing an offer set from what the sites brought: merge, rank, explain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aggregator.domain.answers import funnel_messages, request_notes, site_messages
from aggregator.domain.merging import merge
from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import SiteAnswer
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.explanation import Ranking
from aggregator.domain.ranking.knowledge import Knowledge, UserFacts
from aggregator.domain.ranking.policy import Policy, choose
from aggregator.domain.ranking.replay import replay_inputs
from aggregator.domain.records import OfferSet, Release
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import SiteKind
from aggregator.ports.snapshot import Federation
from aggregator.services.caller import Caller
from aggregator.services.fan_out import FanOut
from aggregator.services.site_health import SiteHealth


@dataclass(frozen=True, slots=True)
class Composed:
    """A set to keep, and what to do about the offers that aren't in it.

    Attributes:
        inputs: Returns what the ranking rested on as plain data, which takes longer
            than the ranking itself.
    """

    offer_set: OfferSet
    ranking: Ranking
    inputs: Callable[[], Mapping[str, Any]]
    releases: tuple[Release, ...]
    estimated_starts: Mapping[str, datetime]


def compose(
    fan_out: FanOut,
    before: OfferSet,
    arrived: Sequence[SiteAnswer],
    *,
    taken: Mapping[str, str],
    health: SiteHealth,
    now: datetime,
) -> Composed:
    """Return ``before`` grown by the answers that ``arrived``.

    Args:
        fan_out: Where the answers come from.
        before: The set as it was shown; a new one has no offers.
        arrived: The answers to take in.
        taken: Uuids that sessions of other sets have, and at which sites these are.
        health: What is known of the sites' health.
        now: The moment of ranking.
    """
    federation = fan_out.federation
    merged = merge(
        arrived,
        known=before.offers,
        taken=taken,
        metabrokers=[
            name
            for name, site in federation.sites.items()
            if site.site.kind is SiteKind.METABROKER
        ],
    )
    inputs = (
        fan_out.request,
        fan_out.uuid,
        merged.offers,
        _knowledge(fan_out, health),
        now,
        frozenset(offer.session for offer in before.offers),
    )
    policy = policy_for(federation, fan_out.request, fan_out.caller)
    ranking = rank(policy, *inputs)
    answers = fan_out.all_answers()
    ranking = replace(ranking, notes=(*ranking.notes, *request_notes(answers)))
    ranked = tuple(one.offer for one in ranking.ranked)
    offer_set = replace(
        before,
        offers=(*ranked, *_shown_and_expired(before, ranked)),
        answers=tuple(
            replace(answer, offers=(), surplus=(), offer_count=len(answer.offers))
            for answer in answers
        ),
        messages=(*site_messages(answers, now), *funnel_messages(ranking.funnel, now)),
        ranking=ranking.as_document(),
    )
    return Composed(
        offer_set,
        ranking,
        partial(replay_inputs, *inputs),
        releases=(
            *(
                release(dropped.offer, dropped.reason, now)
                for dropped in ranking.dropped
                if not dropped.offer.has_expired(now)
            ),
            *(
                release(offer, "it was offered though nothing was asked for", now)
                for answer in arrived
                for offer in answer.surplus
            ),
        ),
        estimated_starts={
            ranked.offer.session: now + timedelta(seconds=ranked.estimate.start)
            for ranked in ranking.ranked
        },
    )


def _knowledge(fan_out: FanOut, health: SiteHealth) -> Knowledge:
    federation, learned = fan_out.federation, fan_out.learned
    user, kind = fan_out.caller.principal, fan_out.request.executable_kind
    return Knowledge(
        sites={
            name: learned.facts(health.facts(site.site), kind, user)
            for name, site in federation.sites.items()
        },
        located=fan_out.located,
        links=learned.link_knowledge(federation.links),
        user=UserFacts(tuple(sorted(user.groups)), user.home_site),
        core_hours=learned.usages.in_all(federation.sites.keys()),
    )


def policy_for(
    federation: Federation, request: ExecutionRequest, caller: Caller
) -> Policy:
    """Return the policy that serves a request, which its client may have chosen.

    Raises:
        UnknownPolicy: The client may not choose the one that it asked for.
    """
    groups = caller.principal.groups
    return choose(federation.policies, request, groups, caller.policy)


def _shown_and_expired(before: OfferSet, ranked: Sequence[Offer]) -> Iterator[Offer]:
    """Yield offers that were shown once: they stay, though ranking dropped them."""
    sessions = {offer.session for offer in ranked}
    return (offer for offer in before.offers if offer.session not in sessions)


def release(offer: Offer, reason: str, now: datetime) -> Release:
    """Return the release of an offer that its site is to be told isn't taken."""
    return Release(
        site=offer.site,
        session=offer.site_session,
        reason=reason,
        queued=now,
        expires=offer.expires,
    )
