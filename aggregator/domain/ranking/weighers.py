"""Weighers: what makes an offer worse, in seconds of effective delay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from aggregator.domain.ranking.bounds import finite, not_negative, positive
from aggregator.domain.ranking.components import Candidate, Situation, Weigher
from aggregator.domain.ranking.quotes import ANY_TYPE, Bound, quoted
from aggregator.domain.ranking.staging import GIGA


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeToStart(Weigher):
    """The estimated time to start: when the session can begin and has its data.

    Attributes:
        rate: Seconds of delay per second of waiting.
    """

    name: ClassVar[str] = "time_to_start"

    rate: float = 1.0

    def __post_init__(self) -> None:
        not_negative(rate=self.rate)

    @property
    def seconds_per_unit(self) -> float:
        """The rate."""
        return self.rate

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return the estimated time to start, in seconds."""
        return candidate.estimate.start


@dataclass(frozen=True, kw_only=True, slots=True)
class DataMoved(Weigher):
    """The bytes that would have to move to the site: courtesy to the network.

    The time that this takes is part of ``time_to_start`` already.

    Attributes:
        rate_s_per_gb: Seconds of delay per 10^9 bytes; 0 turns it off.
    """

    name: ClassVar[str] = "data_moved"

    rate_s_per_gb: float = 0.2

    def __post_init__(self) -> None:
        not_negative(rate_s_per_gb=self.rate_s_per_gb)

    @property
    def seconds_per_unit(self) -> float:
        """The rate."""
        return self.rate_s_per_gb

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return what has to move, in 10^9 bytes."""
        return candidate.estimate.bytes_to_move / GIGA


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost(Weigher):
    """What an offer costs, by its quotes of one type.

    Attributes:
        type: The type's URI, such as ``urn:ivoa:calycopis:cost:monetary``; ``*``
            sums all types, whatever their units.
        bound: Which end of a quote counts.
        rate_s_per_unit: Seconds of delay that one unit of cost is worth.
        missing: The units that an offer without a quote counts as.
    """

    name: ClassVar[str] = "cost"

    type: str = ANY_TYPE
    bound: Bound = "max"
    rate_s_per_unit: float = 600.0
    missing: float = 1.0

    def __post_init__(self) -> None:
        not_negative(rate_s_per_unit=self.rate_s_per_unit, missing=self.missing)

    @property
    def seconds_per_unit(self) -> float:
        """The rate."""
        return self.rate_s_per_unit

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return the cost, in the units of its type."""
        cost = quoted(candidate.offer.costs, self.type, self.bound)
        return self.missing if cost is None else cost


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric(Weigher):
    """A metric of an offer, such as energy or performance, by its type.

    Attributes:
        type: The type's URI, such as
            ``urn:ivoa:calycopis:metric:compute-performance``.
        bound: Which end of a quote counts.
        rate_s_per_unit: Seconds of delay per unit; negative where more is better.
        missing: The units that an offer without a quote counts as.
    """

    name: ClassVar[str] = "metric"

    type: str
    rate_s_per_unit: float
    bound: Bound = "max"
    missing: float = 0.0

    def __post_init__(self) -> None:
        finite(rate_s_per_unit=self.rate_s_per_unit, missing=self.missing)

    @property
    def seconds_per_unit(self) -> float:
        """The rate."""
        return self.rate_s_per_unit

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return the metric, in the units of its type."""
        metric = quoted(candidate.offer.metrics, self.type, self.bound)
        return self.missing if metric is None else metric


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureRisk(Weigher):
    """The probability that the site fails, times what a new attempt would take.

    The probability is the mean of a Beta distribution: of the failures seen in the
    recent past, and of those supposed of a site that nobody has tried yet.

    Attributes:
        retry_s: Seconds that a failed start costs.
        prior: Failures and successes that every site begins with.
    """

    name: ClassVar[str] = "failure_risk"

    retry_s: float = 1800.0
    prior: tuple[float, float] = (1.0, 19.0)

    def __post_init__(self) -> None:
        not_negative(retry_s=self.retry_s)
        for amount in self.prior:
            positive(prior=amount)

    @property
    def seconds_per_unit(self) -> float:
        """What a certain failure costs."""
        return self.retry_s

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return the probability of a failure."""
        failures = candidate.facts.failures
        calls = max(candidate.facts.calls, failures)
        return (failures + self.prior[0]) / (calls + sum(self.prior))


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference(Weigher):
    """Seconds that the operator adds for single sites, or takes off.

    The home sites of users are preferred by ``home_site``.

    Attributes:
        sites: Seconds by the site's name; negative is preferred.
        other_sites_s: Seconds for every site that isn't named.
    """

    name: ClassVar[str] = "preference"

    sites: Mapping[str, float] = field(default_factory=dict)
    other_sites_s: float = 0.0

    def __post_init__(self) -> None:
        finite(**self.sites)
        finite(other_sites_s=self.other_sites_s)

    @property
    def seconds_per_unit(self) -> float:
        """One: preferences are written in seconds."""
        return 1.0

    def quantity(self, candidate: Candidate, _: Situation, /) -> float:
        """Return the seconds for the offer's site."""
        return self.sites.get(candidate.offer.site, self.other_sites_s)
