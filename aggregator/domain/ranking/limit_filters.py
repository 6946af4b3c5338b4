"""Filters that hold an offer against limits of the request or of the policy."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from aggregator.domain.humane import humane_duration, humane_size
from aggregator.domain.offers import Amount, Quote
from aggregator.domain.ranking.bounds import not_negative
from aggregator.domain.ranking.components import Candidate, Filter, Situation
from aggregator.domain.ranking.quotes import Bound, quoted
from aggregator.domain.ranking.staging import GIGA


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLimit(Filter):
    """Drops offers that cost more than the request allows, type by type.

    Attributes:
        bound: Which end of an offer's quote is held against the limit.
        missing: What becomes of an offer that quotes nothing of the type.
    """

    name: ClassVar[str] = "cost_limit"

    bound: Bound = "max"
    missing: Literal["keep", "drop"] = "keep"

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return which limit the offer breaks."""
        for limit in situation.request.costs:
            quote = quoted(candidate.offer.costs, limit.type, self.bound)
            if limit.max is None:
                continue
            if quote is None:
                if self.missing == "drop":
                    return f"quotes no {_short(limit)}"
            elif quote > limit.max:
                return f"{_short(limit)} {quote:g}, more than {limit.max:g}"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRequirement(Filter):
    """Drops offers that perform worse than the request needs, type by type.

    Attributes:
        bound: Which end of an offer's quote is held against the requirement.
        missing: What becomes of an offer that quotes nothing of the type.
    """

    name: ClassVar[str] = "metric_requirement"

    bound: Bound = "min"
    missing: Literal["keep", "drop"] = "keep"

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return which requirement the offer doesn't meet."""
        for need in situation.request.metrics:
            quote = quoted(candidate.offer.metrics, need.type, self.bound)
            if need.min is None:
                continue
            if quote is None:
                if self.missing == "drop":
                    return f"quotes no {_short(need)}"
            elif quote < need.min:
                return f"{_short(need)} {quote:g}, less than {need.min:g}"
        return None


def _short(quote: Quote) -> str:
    return quote.type.rstrip("/").replace("/", ":").rpartition(":")[2] or "value"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline(Filter):
    """Drops offers whose estimated start isn't in the interval that was asked for.

    A request without such an interval lets every offer pass.

    Attributes:
        tolerance_s: By how much a start may lie outside of it.
    """

    name: ClassVar[str] = "deadline"

    tolerance_s: float = 0.0

    def __post_init__(self) -> None:
        not_negative(tolerance_s=self.tolerance_s)

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return by how much the offer starts too early or too late."""
        wanted = situation.request.start
        if wanted is None:
            return None
        start = candidate.estimate.start
        early = (wanted.earliest - situation.now).total_seconds() - start
        late = start - max(0.0, (wanted.latest - situation.now).total_seconds())
        if late > self.tolerance_s:
            return f"starts {humane_duration(late)} too late"
        if early > self.tolerance_s:
            return f"starts {humane_duration(early)} too early"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class MaxMove(Filter):
    """Drops offers for which too much data would have to move to the site.

    Attributes:
        gb: Limit of 10^9 bytes; unset is none.
        files: Limit of files; unset is none.
    """

    name: ClassVar[str] = "max_move"

    gb: float | None = None
    files: int | None = None

    def __post_init__(self) -> None:
        not_negative(gb=self.gb, files=self.files)
        if self.gb is None and self.files is None:
            raise ValueError("max_move needs gb or files")

    def objection(self, candidate: Candidate, _: Situation, /) -> str | None:
        """Return how much would have to move."""
        estimate = candidate.estimate
        if self.gb is not None and estimate.bytes_to_move > self.gb * GIGA:
            moved = humane_size(estimate.bytes_to_move)
            return f"{moved} to move, more than {self.gb:g} GB"
        if self.files is not None and estimate.files_to_move > self.files:
            return f"{estimate.files_to_move} files to move, more than {self.files}"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability(Filter):
    """Drops offers with fewer cores or less memory than the request needs.

    What an offer doesn't say is not held against it, and of a range that it offers
    its upper end counts: only what clearly doesn't fit is dropped.
    """

    name: ClassVar[str] = "capability"

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return what the offer has too little of."""
        offer, request = candidate.offer, situation.request
        for asked, offered, unit in (
            (request.cores, offer.cores, "cores"),
            (request.memory, offer.memory, "GiB of memory"),
        ):
            most = _most(offered)
            if asked.min is not None and most is not None and most < asked.min:
                return f"{most} {unit}, fewer than {asked.min}"
        return None


def _most(offered: Amount) -> int | None:
    return offered.min if offered.max is None else offered.max
