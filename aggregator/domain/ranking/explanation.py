"""The result of ranking, and why it is as it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from aggregator.domain.offers import Offer
from aggregator.domain.schedules import format_instant

_DECIMALS: Final = 3


class Confidence(StrEnum):
    """How well an estimate is founded."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Estimate:
    """When an offer's session can really start, and what that rests on.

    All times in seconds from the moment of ranking.

    Attributes:
        offered_start: When the site says that the session is available.
        data_ready: When the data that are missing at the site will be there; 0
            where nothing is missing.
        start: The estimated time to start (ETS): the later of the two.
        bytes_to_move: Bytes that have no replica at the site.
        bytes_total: Bytes of all data of the request.
        start_known: Whether the site said when the session is available.
        bytes_from_tape: Bytes to recall, from the site's own tape or another's.
        sources: The RSEs from which data would move.
        notes: Assumptions that were made, in words.
        lateness: Seconds by which the site's sessions usually start after the start
            that it says; 0 where the policy doesn't count that.
    """

    offered_start: float
    data_ready: float
    start: float
    bytes_to_move: int = 0
    bytes_total: int = 0
    files_to_move: int = 0
    bytes_from_tape: int = 0
    sources: tuple[str, ...] = ()
    start_known: bool = True
    confidence: Confidence = Confidence.HIGH
    notes: tuple[str, ...] = ()
    lateness: float = 0.0


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """An offer in its place.

    Attributes:
        rank: From 1, the best.
        delay: The effective delay in seconds, by which offers are ordered.
        seconds: The part of ``delay`` that each weigher contributed, by its name.
        reason: Why it stands there, as one sentence for the user.
        concessions: Objections of filters in spite of which it was kept.
        ahead_by: What puts it before the next one: ``filters`` that only the next
            one fails, ``delay``, or a key of order or tie-break; empty for the last.
    """

    offer: Offer
    rank: int
    delay: float
    bucket: int
    seconds: Mapping[str, float]
    estimate: Estimate
    reason: str
    concessions: tuple[str, ...] = ()
    ahead_by: str = ""


@dataclass(frozen=True, slots=True)
class DroppedOffer:
    """An offer that a filter, or the trimming, took out."""

    offer: Offer
    filter: str
    reason: str


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many offers stood before and after one filter."""

    filter: str
    before: int
    after: int
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """Which policy decided: enough to explain and replay the decision."""

    name: str
    revision: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Offers in order, best first, and the whole explanation."""

    policy: PolicyIdentity
    moment: datetime
    ranked: tuple[RankedOffer, ...]
    dropped: tuple[DroppedOffer, ...] = ()
    funnel: tuple[FunnelStep, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    def as_document(self) -> dict[str, Any]:
        """Return the explanation as plain data, for JSON and for the store."""
        return {
            "policy": asdict(self.policy),
            "moment": format_instant(self.moment),
            "funnel": [asdict(step) for step in self.funnel],
            "offers": [_ranked(one) for one in self.ranked],
            "dropped": [_dropped(one) for one in self.dropped],
            "notes": list(self.notes),
        }


def _ranked(one: RankedOffer) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "site": one.offer.site,
        "session": one.offer.session,
        "delay_s": _rounded(one.delay),
        "bucket": one.bucket,
        "seconds": {key: _rounded(part) for key, part in one.seconds.items()},
        "estimate": _estimate(one.estimate),
        "reason": one.reason,
        "concessions": list(one.concessions),
        "ahead_by": one.ahead_by,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "offered_start_s": _rounded(estimate.offered_start),
        "start_known": estimate.start_known,
        "lateness_s": _rounded(estimate.lateness),
        "data_ready_s": _rounded(estimate.data_ready),
        "start_s": _rounded(estimate.start),
        "bytes_to_move": estimate.bytes_to_move,
        "bytes_total": estimate.bytes_total,
        "bytes_from_tape": estimate.bytes_from_tape,
        "files_to_move": estimate.files_to_move,
        "sources": list(estimate.sources),
        "confidence": estimate.confidence.value,
        "notes": list(estimate.notes),
    }


def _dropped(one: DroppedOffer) -> dict[str, Any]:
    return {
        "site": one.offer.site,
        "session": one.offer.session,
        "filter": one.filter,
        "reason": one.reason,
    }


def _rounded(seconds: float) -> float:
    return round(seconds, _DECIMALS)
