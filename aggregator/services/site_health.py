"""Health of sites: evidence from real requests, from probes where there is none.

What a site counts as is what was decided of it (it is disabled, drained or in a
downtime), else what its answers say. Evidence is collected in either case.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from aggregator.domain.breaker import BreakerRules, BreakerState
from aggregator.domain.drains import Drain
from aggregator.domain.events import (
    Operation,
    SiteEjected,
    SiteState,
    SiteStateChanged,
)
from aggregator.domain.outcomes import SITE_FAULTS, Outcome
from aggregator.domain.ranking.knowledge import SiteFacts
from aggregator.domain.site_conditions import (
    Imposed,
    SiteReport,
    SyntheticReading,
    imposed_on,
)
from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from aggregator.ports.sites import ProbeReading
from aggregator.ports.telemetry import Telemetry
from aggregator.services.evidence import Evidence
from aggregator.services.limits import HealthLimits

_SILENT_ON_HEALTH: Final = frozenset(
    {Outcome.CANCELLED, Outcome.BUSY, Outcome.THROTTLED}
)
_DECIDED: Final = frozenset(
    {SiteState.DISABLED, SiteState.DRAINED, SiteState.MAINTENANCE}
)


def _never_drained(_: str) -> Drain | None:
    return None


class SiteHealth:
    """What is known of every configured site's health.

    Args:
        limits: When a site counts as healthy.
        clock: For what operators see in times of day.
        telemetry: Is told of every change of a site's state.
        drain_of: Returns the drain of a site, in force or not.
    """

    def __init__(
        self,
        limits: HealthLimits,
        clock: Clock,
        telemetry: Telemetry,
        drain_of: Callable[[str], Drain | None] = _never_drained,
    ) -> None:
        self._limits = limits
        self._rules = BreakerRules(
            limits.errors, limits.base_ejection, limits.longest_ejection
        )
        self._clock = clock
        self._telemetry = telemetry
        self._drain_of = drain_of
        self._sites: dict[str, Site] = {}
        self._evidence: dict[str, Evidence] = {}

    def configure(self, sites: Iterable[Site]) -> None:
        """Begin to know ``sites``: each has a state from the first moment.

        What was known of a site that is somewhere else now, or was switched off,
        says nothing any more.
        """
        before, self._sites = self._sites, {site.name: site for site in sites}
        for name, site in self._sites.items():
            known = before.get(name)
            if known is not None and (
                known.url != site.url or (site.enabled and not known.enabled)
            ):
                self._evidence[name] = self._no_evidence()
            self._tell(name, again=True)

    def refresh(self) -> None:
        """Tell which sites' states changed with the time of day."""
        for name in self._sites:
            self._tell(name)

    def admits(self, site: str) -> bool:
        """Whether the site's breaker lets a request for offers through."""
        return self._of(site).breaker.admits(_monotonic(), self._rules)

    def imposed(self, site: Site) -> Imposed | None:
        """Return what was decided of the site for now, None where nothing was."""
        return imposed_on(site, self._drain_of(site.name), self._clock.now())

    def began(self, site: str) -> None:
        """Take note that a call to the site began."""
        evidence = self._of(site)
        evidence.breaker = evidence.breaker.began(_monotonic())

    def ended(self, site: str) -> None:
        """Take note that a call to the site is over, whether or not it was made."""
        evidence = self._of(site)
        evidence.breaker = evidence.breaker.gave_up()

    def note(self, site: str, operation: Operation, outcome: Outcome, why: str) -> None:
        """Take note of how a call to the site ended."""
        evidence = self._of(site)
        if outcome in _SILENT_ON_HEALTH:
            evidence.breaker = evidence.breaker.gave_up()
        elif outcome in SITE_FAULTS:
            self._note_failure(site, evidence, outcome, f"{operation}: {why}")
        else:
            self._note_success(evidence)
        self._tell(site)

    def note_probe(self, site: str, reading: ProbeReading) -> None:
        """Take note of a probe. A passing one never ends an ejection."""
        evidence = self._current(site)
        evidence.note_probe(
            reading,
            self._clock.now(),
            success=reading.outcome not in SITE_FAULTS,
            up_after=self._limits.up_after,
            down_after=self._limits.down_after,
        )
        self._tell(site)

    def note_dialect(self, site: str, dialect: str) -> None:
        """Keep the dialect that the site was found to speak."""
        self._of(site).dialect = dialect

    def note_synthetic(self, site: str, reading: SyntheticReading) -> None:
        """Keep how the latest end-to-end probe ended; its calls told the rest."""
        self._of(site).synthetic = reading

    def state(self, site: str) -> SiteState:
        """Return what the site counts as now."""
        imposed = self._imposed(site)
        return self._current(site).state if imposed is None else imposed.state

    def report(self, site: str) -> SiteReport:
        """Return all that is known of the site."""
        evidence = self._current(site)
        imposed = self._imposed(site)
        breaker = evidence.breaker
        now = _monotonic()
        return SiteReport(
            site=site,
            state=evidence.state if imposed is None else imposed.state,
            why=evidence.why if imposed is None else imposed.reason,
            since=_since(evidence, imposed),
            until=None if imposed is None else imposed.until,
            health=evidence.state,
            health_why=evidence.why,
            last_success=evidence.last_success,
            last_error=evidence.last_error,
            last_error_code=evidence.last_error_code,
            last_error_at=evidence.last_error_at,
            breaker=breaker.state(now),
            consecutive_errors=evidence.errors_in_a_row,
            ejections=breaker.ejections,
            next_trial_in=(
                max(0.0, breaker.open_until - now)
                if breaker.open_until is not None
                else None
            ),
            clock_skew=evidence.clock_skew,
            version=evidence.version,
            dialect=evidence.dialect,
            certificate_expires=evidence.certificate_expires,
            synthetic=evidence.synthetic,
        )

    def facts(self, site: Site) -> SiteFacts:
        """Return what ranking reads of the site."""
        evidence = self._of(site.name)
        evidence.fade(_monotonic(), self._limits.window)
        return SiteFacts(site, self.state(site.name), evidence.failures, evidence.calls)

    def _imposed(self, site: str) -> Imposed | None:
        configured = self._sites.get(site)
        return None if configured is None else self.imposed(configured)

    def _note_success(self, evidence: Evidence) -> None:
        evidence.breaker = evidence.breaker.succeeded(self._rules)
        evidence.last_success = now = self._clock.now()
        evidence.count(failed=False, now=_monotonic(), window=self._limits.window)
        if all(evidence.breaker.recent):
            evidence.enter(SiteState.UP, "requests are answered", now)
        else:
            evidence.enter(SiteState.DEGRADED, "some recent requests failed", now)

    def _note_failure(
        self, site: str, evidence: Evidence, outcome: Outcome, why: str
    ) -> None:
        now = self._clock.now()
        evidence.count(failed=True, now=_monotonic(), window=self._limits.window)
        evidence.remember_error(outcome, why, now)
        before = evidence.breaker.ejections
        evidence.breaker = evidence.breaker.failed(_monotonic(), self._rules)
        if evidence.breaker.ejections > before:
            self._telemetry.record(SiteEjected(site, outcome))
        ejected = evidence.breaker.open_until is not None
        evidence.enter(SiteState.EJECTED if ejected else SiteState.DEGRADED, why, now)

    def _current(self, site: str) -> Evidence:
        """Return the evidence, an ejection that has ended by now being half open."""
        evidence = self._of(site)
        if (
            evidence.state is SiteState.EJECTED
            and evidence.breaker.state(_monotonic()) is BreakerState.HALF_OPEN
        ):
            why = "waiting for one trial request"
            evidence.enter(SiteState.HALF_OPEN, why, self._clock.now())
            self._tell(site)
        return evidence

    def _tell(self, site: str, *, again: bool = False) -> None:
        if site not in self._sites:
            return
        evidence = self._current(site)
        imposed = self._imposed(site)
        state = evidence.state if imposed is None else imposed.state
        if evidence.told is state and not again:
            return
        if imposed is None and evidence.told in _DECIDED:
            evidence.free_since = self._clock.now()
        evidence.told = state
        why = evidence.why if imposed is None else imposed.reason
        self._telemetry.record(SiteStateChanged(site, state, why))

    def _of(self, site: str) -> Evidence:
        evidence = self._evidence.get(site)
        if evidence is None:
            evidence = self._evidence[site] = self._no_evidence()
        return evidence

    def _no_evidence(self) -> Evidence:
        return Evidence(since=self._clock.now(), decayed_at=_monotonic())


def _since(evidence: Evidence, imposed: Imposed | None) -> datetime:
    if imposed is not None and imposed.since is not None:
        return imposed.since
    if evidence.free_since is None:
        return evidence.since
    return max(evidence.since, evidence.free_since)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
