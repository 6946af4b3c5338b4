"""The ranking engine: filters, estimates, weighers, order, tie-break, trimming."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest

from aggregator.domain.offers import Offer
from aggregator.domain.ranking.components import Candidate, Filter, Situation
from aggregator.domain.ranking.estimates import Estimator
from aggregator.domain.ranking.explanation import (
    DroppedOffer,
    RankedOffer,
    Ranking,
)
from aggregator.domain.ranking.intake import admitted, admitted_request
from aggregator.domain.ranking.knowledge import Knowledge, SiteFacts
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.ranking.ordering import Scales, Weighed, ahead_by, trim
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.ranking.sentences import reason
from aggregator.domain.ranking.sifting import Taken, sift
from aggregator.domain.ranking.site_filters import Expired
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import Site


def rank(
    policy: Policy,
    request: ExecutionRequest,
    request_id: str,
    offers: Sequence[Offer],
    knowledge: Knowledge,
    now: datetime,
    shown: frozenset[str] = frozenset(),
) -> Ranking:
    """Put offers in order, best first, and say why.

    The result is the same for the same inputs, whatever the order of ``offers``, and
    nothing that is computed for one offer depends on another. What has expired is
    always taken out.

    Args:
        policy: What decides.
        request: What the offers answer.
        request_id: The uuid of the offer set: it decides between equals.
        offers: All offers, of all sites; no two have the same ``session``.
        knowledge: What is known of sites, replicas and links.
        now: The moment of ranking, from which all seconds count.
        shown: Sessions that the client has seen already: these are taken out only
            once they have expired, but stand behind those that pass all filters
            where they no longer do.
    """
    situation = Situation(
        request=admitted_request(request),
        request_id=request_id,
        knowledge=knowledge,
        lake=Lake(knowledge, policy.estimate.data.link_sources, now),
        now=now,
    )
    originals = {(offer.site, offer.session): offer for offer in offers}
    candidates = _candidates(policy, originals, situation)
    sifted = sift(_with_expiry(policy.filters), candidates, situation, shown)
    scales = Scales(policy, situation)
    weighed = [scales.weigh(passed) for passed in sifted.passed]
    trimmed = trim(sorted(weighed, key=_sort_key), policy.trim, shown)
    return Ranking(
        policy=policy.identity,
        moment=now,
        ranked=tuple(_ranked(policy, trimmed.kept, originals)),
        dropped=tuple(_dropped((*sifted.taken, *trimmed.taken), originals)),
        funnel=(*sifted.funnel, *trimmed.funnel),
        notes=sifted.notes,
    )


_Originals = Mapping[tuple[str, str], Offer]
"""The offers as they came, by site and session, payload included."""


def _candidates(
    policy: Policy, originals: _Originals, situation: Situation
) -> list[Candidate]:
    estimator = Estimator(policy.estimate, situation)
    candidates: list[Candidate] = []
    for _, original in sorted(originals.items()):
        offer = admitted(original)
        facts = _facts(situation.knowledge, offer.site)
        candidates.append(Candidate(offer, facts, estimator.estimate(offer, facts)))
    return candidates


def _facts(knowledge: Knowledge, site: str) -> SiteFacts:
    return knowledge.sites.get(site) or SiteFacts(Site(name=site, url=""))


def _with_expiry(filters: Sequence[Filter]) -> Sequence[Filter]:
    if any(isinstance(one, Expired) for one in filters):
        return filters
    return (Expired(min_validity_s=0), *filters)


def _sort_key(weighed: Weighed) -> tuple[float | str, ...]:
    return weighed.sort_key


def _ranked(
    policy: Policy, ordered: Sequence[Weighed], originals: _Originals
) -> Iterable[RankedOffer]:
    for position, (weighed, behind) in enumerate(
        zip_longest(ordered, ordered[1:]), start=1
    ):
        passed, estimate = weighed.passed, weighed.passed.candidate.estimate
        yield RankedOffer(
            offer=_original(passed.candidate, originals),
            rank=position,
            delay=weighed.delay,
            bucket=weighed.bucket,
            seconds=weighed.seconds,
            estimate=estimate,
            reason=reason(
                estimate,
                weighed.delay,
                weighed.seconds,
                passed.concessions,
                weighed.remarks,
            ),
            concessions=passed.concessions,
            ahead_by="" if behind is None else ahead_by(policy, weighed, behind),
        )


def _dropped(taken: Iterable[Taken], originals: _Originals) -> Iterable[DroppedOffer]:
    for one in taken:
        yield DroppedOffer(_original(one.candidate, originals), one.filter, one.reason)


def _original(candidate: Candidate, originals: _Originals) -> Offer:
    return originals[candidate.offer.site, candidate.offer.session]
