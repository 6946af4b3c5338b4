"""Health of sites: evidence from real requests, from probes where there is none."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.domain.breaker import Breaker, BreakerRules, BreakerState
from aggregator.domain.events import (
    Operation,
    SiteEjected,
    SiteState,
    SiteStateChanged,
)
from aggregator.domain.outcomes import SITE_FAULTS, Outcome
from aggregator.domain.ranking.knowledge import SiteFacts
from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from aggregator.ports.telemetry import Telemetry
from aggregator.services.limits import HealthLimits

_NOT_FOR_PROBES_TO_END = frozenset(
    {SiteState.EJECTED, SiteState.HALF_OPEN, SiteState.DISABLED}
)
_SILENT_ON_HEALTH = frozenset({Outcome.CANCELLED, Outcome.BUSY, Outcome.THROTTLED})


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What is known of one site's health.

    Attributes:
        since: Since when it has been in its state.
        why: What put it there, in words.
        last_error: The last thing that went wrong, empty where nothing did.
        clock_skew: Seconds by which its clock is ahead of ours, None if unknown.
    """

    site: str
    state: SiteState
    why: str
    since: datetime
    last_success: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    consecutive_errors: int = 0
    ejections: int = 0
    next_trial_in: float | None = None
    clock_skew: float | None = None
    version: str = ""


@dataclass(slots=True)
class _Evidence:
    since: datetime
    breaker: Breaker = field(default_factory=Breaker)
    state: SiteState = SiteState.UNKNOWN
    why: str = "not asked yet"
    probes: int = 0  # successful ones in a row; negative for failed ones
    last_success: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    failures: float = 0.0
    calls: float = 0.0
    decayed_at: float = 0.0
    clock_skew: float | None = None
    version: str = ""


class SiteHealth:
    """What is known of every configured site's health."""

    def __init__(
        self, limits: HealthLimits, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._limits = limits
        self._rules = BreakerRules(
            limits.errors, limits.base_ejection, limits.longest_ejection
        )
        self._clock = clock
        self._telemetry = telemetry
        self._evidence: dict[str, _Evidence] = {}

    def configure(self, sites: Iterable[Site]) -> None:
        """Begin to know ``sites``: each has a state from the first moment."""
        for site in sites:
            evidence = self._of(site.name)
            if not site.enabled:
                self._enter(site.name, SiteState.DISABLED, "disabled by configuration")
            elif evidence.state is SiteState.DISABLED:
                self._enter(site.name, SiteState.UNKNOWN, "enabled again")
            else:
                self._tell(site.name, evidence)

    def admits(self, site: str) -> bool:
        """Whether the site's breaker lets a request for offers through."""
        return self._of(site).breaker.admits(_monotonic(), self._rules)

    def began(self, site: str) -> None:
        """Take note that a call to the site began."""
        evidence = self._of(site)
        evidence.breaker = evidence.breaker.began(_monotonic())

    def note(self, site: str, operation: Operation, outcome: Outcome, why: str) -> None:
        """Take note of how a call to the site ended."""
        evidence = self._of(site)
        if outcome in _SILENT_ON_HEALTH:
            evidence.breaker = evidence.breaker.gave_up()
        elif outcome in SITE_FAULTS:
            self._note_failure(site, evidence, outcome, f"{operation}: {why}")
        else:
            self._note_success(site, evidence)

    def note_probe(
        self, site: str, *, success: bool, why: str, skew: float | None, version: str
    ) -> None:
        """Take note of a probe. A passing one never ends an ejection.

        A probe doesn't take the way of real requests, so that it says nothing of
        those; the half-open trial does.
        """
        evidence = self._of(site)
        evidence.probes = _in_a_row(evidence.probes, success=success)
        evidence.clock_skew = skew if success else evidence.clock_skew
        evidence.version = version or evidence.version
        if not success:
            self._remember_error(evidence, f"probe: {why}")
        if self.state(site) in _NOT_FOR_PROBES_TO_END:
            return
        if evidence.probes >= self._limits.up_after or (
            success and evidence.state is SiteState.UNKNOWN
        ):
            if evidence.state is not SiteState.DEGRADED:
                self._enter(site, SiteState.UP, "probes answer")
        elif evidence.probes <= -self._limits.down_after:
            self._enter(site, SiteState.DOWN, why)

    def state(self, site: str) -> SiteState:
        """Return the site's state now."""
        evidence = self._of(site)
        half_open = BreakerState.HALF_OPEN
        if (
            evidence.state is SiteState.EJECTED
            and evidence.breaker.state(_monotonic()) is half_open
        ):
            self._enter(site, SiteState.HALF_OPEN, "waiting for one trial request")
        return self._of(site).state

    def report(self, site: str) -> SiteReport:
        """Return all that is known of the site's health."""
        state = self.state(site)
        evidence = self._of(site)
        breaker = evidence.breaker
        return SiteReport(
            site=site,
            state=state,
            why=evidence.why,
            since=evidence.since,
            last_success=evidence.last_success,
            last_error=evidence.last_error,
            last_error_at=evidence.last_error_at,
            consecutive_errors=_trailing_failures(breaker.recent),
            ejections=breaker.ejections,
            next_trial_in=(
                max(0.0, breaker.open_until - _monotonic())
                if breaker.open_until is not None
                else None
            ),
            clock_skew=evidence.clock_skew,
            version=evidence.version,
        )

    def facts(self, site: Site) -> SiteFacts:
        """Return what ranking reads of the site."""
        evidence = self._of(site.name)
        self._decay(evidence)
        return SiteFacts(site, self.state(site.name), evidence.failures, evidence.calls)

    def _note_success(self, site: str, evidence: _Evidence) -> None:
        evidence.breaker = evidence.breaker.succeeded(self._rules)
        evidence.last_success = self._clock.now()
        self._decay(evidence)
        evidence.calls += 1
        if evidence.state is SiteState.DISABLED:
            return
        if all(evidence.breaker.recent):
            self._enter(site, SiteState.UP, "requests are answered")
        else:
            self._enter(site, SiteState.DEGRADED, "some recent requests failed")

    def _note_failure(
        self, site: str, evidence: _Evidence, outcome: Outcome, why: str
    ) -> None:
        self._decay(evidence)
        evidence.calls += 1
        evidence.failures += 1
        self._remember_error(evidence, why)
        before = evidence.breaker.ejections
        evidence.breaker = evidence.breaker.failed(_monotonic(), self._rules)
        if evidence.breaker.ejections > before:
            self._telemetry.record(SiteEjected(site, outcome))
        if evidence.state is SiteState.DISABLED:
            return
        if evidence.breaker.open_until is not None:
            self._enter(site, SiteState.EJECTED, why)
        else:
            self._enter(site, SiteState.DEGRADED, why)

    def _remember_error(self, evidence: _Evidence, why: str) -> None:
        evidence.last_error = why
        evidence.last_error_at = self._clock.now()

    def _decay(self, evidence: _Evidence) -> None:
        now = _monotonic()
        factor = math.exp((evidence.decayed_at - now) / self._limits.window)
        evidence.failures *= factor
        evidence.calls *= factor
        evidence.decayed_at = now

    def _enter(self, site: str, state: SiteState, why: str) -> None:
        evidence = self._of(site)
        if evidence.state is state:
            return
        evidence.state, evidence.why = state, why
        evidence.since = self._clock.now()
        self._tell(site, evidence)

    def _tell(self, site: str, evidence: _Evidence) -> None:
        self._telemetry.record(SiteStateChanged(site, evidence.state, evidence.why))

    def _of(self, site: str) -> _Evidence:
        evidence = self._evidence.get(site)
        if evidence is None:
            evidence = _Evidence(since=self._clock.now(), decayed_at=_monotonic())
            self._evidence[site] = evidence
        return evidence


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


def _in_a_row(count: int, *, success: bool) -> int:
    if success:
        return count + 1 if count > 0 else 1
    return count - 1 if count < 0 else -1


def _trailing_failures(recent: tuple[bool, ...]) -> int:
    count = 0
    for succeeded in reversed(recent):
        if succeeded:
            break
        count += 1
    return count
