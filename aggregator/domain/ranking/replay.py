"""Replay: all that a decision rested on as plain data, and the decision made again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from aggregator.domain.offers import Offer
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.explanation import Ranking
from aggregator.domain.ranking.intake import admitted, admitted_request
from aggregator.domain.ranking.knowledge import Knowledge, Links
from aggregator.domain.ranking.locality import Lake, datasets
from aggregator.domain.ranking.plain import from_plain, to_plain
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import format_instant, parse_instant

T = TypeVar("T")


def replay_inputs(
    request: ExecutionRequest,
    request_id: str,
    offers: Sequence[Offer],
    knowledge: Knowledge,
    now: datetime,
    shown: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return the inputs of one ranking as plain data, for JSON and for the store.

    Payloads are left out, as ranking doesn't read them, and of the knowledge what is
    of neither the offers' sites nor the places of the request's data.
    """
    return {
        "request": to_plain(admitted_request(request)),
        "request_id": request_id,
        "offers": [to_plain(admitted(offer)) for offer in offers],
        "knowledge": to_plain(_relevant(knowledge, request, offers)),
        "now": format_instant(now),
        "shown": sorted(shown),
    }


def replayed(policy: Policy, inputs: Mapping[str, Any]) -> Ranking:
    """Return how a policy, be it another one, ranks recorded inputs.

    Args:
        policy: What decides.
        inputs: What ``replay_inputs`` returned.

    Raises:
        ValueError: The inputs aren't such a document.
    """
    try:
        return rank(
            policy,
            from_plain(ExecutionRequest, inputs["request"]),
            str(inputs["request_id"]),
            [from_plain(Offer, offer) for offer in inputs["offers"]],
            from_plain(Knowledge, inputs["knowledge"]),
            parse_instant(inputs["now"]),
            frozenset(inputs["shown"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not the inputs of a ranking: {error!r}") from error


def _relevant(
    knowledge: Knowledge, request: ExecutionRequest, offers: Sequence[Offer]
) -> Knowledge:
    lake = Lake(knowledge)
    targets = {offer.site for offer in offers}
    rses = {
        replica.rse
        for offer in {offer.data: offer for offer in offers}.values()
        for dataset in datasets(request, offer, knowledge)
        for replica in dataset.replicas
    }
    sources = {site for rse in rses for site in lake.readers(rse)}
    wanted = {item.did for item in request.data}
    return replace(
        knowledge,
        sites={
            name: facts
            for name, facts in knowledge.sites.items()
            if name in targets | sources
        },
        located={
            did: located for did, located in knowledge.located.items() if did in wanted
        },
        links=_between(knowledge.links, sources | rses, targets),
    )


def _between(links: Links, sources: set[str], targets: set[str]) -> Links:
    senders = sources | {links.rse(name) for name in sources}
    return replace(
        links,
        table=_joining(links.table, senders, targets),
        distances=_joining(links.distances, senders, targets),
        measured=_joining(links.measured, senders, targets),
        rse_sites={
            rse: sites
            for rse, sites in links.rse_sites.items()
            if (sources | targets) & set(sites)
        },
    )


def _joining(
    pairs: Mapping[tuple[str, str], T], sources: set[str], targets: set[str]
) -> dict[tuple[str, str], T]:
    return {
        (source, target): entry
        for (source, target), entry in pairs.items()
        if source in sources and target in targets
    }
