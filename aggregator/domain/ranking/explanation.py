"""The result of ranking, and why it is as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aggregator.domain.offers import Offer


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
        notes: Assumptions that were made, in words.
    """

    offered_start: float
    data_ready: float
    start: float
    bytes_to_move: int = 0
    bytes_total: int = 0
    files_to_move: int = 0
    confidence: Confidence = Confidence.HIGH
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """An offer in its place.

    Attributes:
        rank: From 1, the best.
        delay: The effective delay in seconds, by which offers are ordered.
        seconds: The part of ``delay`` that each weigher contributed, by its name.
        reason: Why it stands there, as one sentence for the user.
    """

    offer: Offer
    rank: int
    delay: float
    bucket: int
    seconds: Mapping[str, float]
    estimate: Estimate
    reason: str


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
        raise NotImplementedError
