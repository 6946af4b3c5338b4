"""Filters that judge the reservation and the site behind an offer."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from aggregator.domain.humane import humane_duration
from aggregator.domain.ranking.bounds import not_negative
from aggregator.domain.ranking.components import Candidate, Filter, Situation
from aggregator.domain.schedules import format_instant
from aggregator.domain.sites import Downtime

State = Literal[
    "unknown",
    "up",
    "degraded",
    "down",
    "ejected",
    "half_open",
    "drained",
    "maintenance",
    "disabled",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expired(Filter):
    """Drops offers that have expired, or will before a user can take them.

    An offer without an expiry passes. Can't be relaxed: no site takes such an offer.

    Attributes:
        min_validity_s: How long an offer must still be valid.
    """

    name: ClassVar[str] = "expired"

    min_validity_s: float = 60.0

    def __post_init__(self) -> None:
        not_negative(min_validity_s=self.min_validity_s)
        if self.on_empty == "relax":
            raise ValueError("expired can't be relaxed: no site takes such an offer")

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return why the offer can't be taken any more."""
        expires = candidate.offer.expires
        if expires is None:
            return None
        if expires <= situation.now:
            return f"expired at {format_instant(expires)}"
        left = (expires - situation.now).total_seconds()
        if left >= self.min_validity_s:
            return None
        return f"expires in {humane_duration(left)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Health(Filter):
    """Drops offers of sites in a state that promises nothing good.

    Attributes:
        exclude: The states: ``down`` (probes fail), ``ejected`` (its breaker is
            open), ``half_open`` (being tried again), ``degraded``, ``unknown``,
            ``up``, and by the operator's will ``drained``, ``maintenance``,
            ``disabled``.
    """

    name: ClassVar[str] = "health"

    exclude: tuple[State, ...] = ("down", "ejected", "drained")

    def objection(self, candidate: Candidate, _: Situation, /) -> str | None:
        """Return the site's state, where that is excluded."""
        state = candidate.facts.state
        return f"the site is {state.value}" if state.value in self.exclude else None


@dataclass(frozen=True, kw_only=True, slots=True)
class InDowntime(Filter):
    """Drops offers whose execution would overlap with a downtime of their site.

    The execution lasts as long as the request asks for, else as long as the offer
    lasts, from the estimated start.

    Attributes:
        overlap_with: ``execution``, or only its ``start``.
    """

    name: ClassVar[str] = "downtime"

    overlap_with: Literal["execution", "start"] = "execution"

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return the downtime that is in the way."""
        start = candidate.estimate.start
        end = start + self._duration(candidate, situation)
        for downtime in candidate.facts.site.downtimes:
            begins = (downtime.start - situation.now).total_seconds()
            ends = (downtime.end - situation.now).total_seconds()
            if begins <= start < ends or start < begins < end:
                return _described(downtime)
        return None

    def _duration(self, candidate: Candidate, situation: Situation, /) -> float:
        if self.overlap_with == "start":
            return 0.0
        asked = situation.request.duration
        return (candidate.offer.available or 0.0) if asked is None else asked


def _described(downtime: Downtime) -> str:
    start, end = format_instant(downtime.start), format_instant(downtime.end)
    reason = f" ({downtime.reason})" if downtime.reason else ""
    return f"the site is down from {start} to {end}{reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteList(Filter):
    """Drops offers of sites that are denied, or not among those allowed.

    Attributes:
        allow: Names of sites; none means every site.
        deny: Names of sites; this wins over ``allow``.
    """

    name: ClassVar[str] = "site_list"

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def objection(self, candidate: Candidate, _: Situation, /) -> str | None:
        """Return on which list the site is, or isn't."""
        site = candidate.offer.site
        if site in self.deny:
            return f"{site} is denied by the policy"
        if self.allow and site not in self.allow:
            return f"{site} is not among the sites that the policy allows"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequiredRse(Filter):
    """Drops offers of sites that don't read the storage elements asked for.

    Attributes:
        rses: Names of RSEs, their aliases included.
        match: Whether a site must read ``any`` or ``all`` of them locally.
    """

    name: ClassVar[str] = "required_rse"

    rses: tuple[str, ...] = field(default=())
    match: Literal["any", "all"] = "any"

    def __post_init__(self) -> None:
        if not self.rses:
            raise ValueError("required_rse needs rses")

    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return which storage elements the site doesn't read."""
        site, lake = candidate.offer.site, situation.lake
        missing = [rse for rse in self.rses if site not in lake.readers(rse)]
        if not missing or (self.match == "any" and len(missing) < len(self.rses)):
            return None
        return f"the site doesn't read {', '.join(missing)}"
