"""Metrics of acceptances, of releases, and of the sessions that came of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.phases import TERMINAL
from aggregator.domain.sites import Site
from aggregator.observability.held_metrics import HeldMetrics
from aggregator.observability.instruments import Section
from aggregator.services.limits import BudgetLimits

LAGS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class SessionMetrics:
    """Counts what becomes of offers once users decide."""

    def __init__(self, section: Section) -> None:
        self._accepts = section.counter(
            "accepts",
            "Acceptances, by how they ended; one that was ambiguous is counted as "
            "such and by its end.",
            "site",
            "outcome",
        )
        self._ambiguous = section.gauge(
            "accept_ambiguous",
            "Acceptances that this replica works on and whose outcome nobody knows.",
        )
        self._held = HeldMetrics(section)
        self._reservations_limit = section.gauge(
            "reservations_limit", "The most offers that may wait for their users."
        )
        self._releases = section.counter(
            "loser_releases",
            "Attempts to tell a site that an offer won't be taken.",
            "site",
            "outcome",
        )
        self._release_lag = section.histogram(
            "loser_release_lag_seconds",
            "How long after it was queued a release was done.",
            LAGS,
        )
        self._backlog = section.gauge(
            "loser_release_backlog",
            "Releases that wait in the queue, which all replicas share.",
        )
        self._phases = section.counter(
            "session_phases",
            "Sessions that were first seen in the phase after their offer.",
            "site",
            "phase",
        )

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.AcceptFinished: self._accept_finished,
            events.AmbiguousAccepts: self._ambiguity_changed,
            **self._held.handlers(),
            events.ReleaseTried: self._release_tried,
            events.ReleasesQueued: self._backlog_changed,
            events.SessionPhaseSeen: self._phase_seen,
        }

    def configure(self, sites: Iterable[Site], limits: BudgetLimits) -> None:
        """Show ``limits``, and have series at 0 for the offers of ``sites``."""
        self._reservations_limit.set(limits.in_all)
        sites = tuple(sites)
        self._held.configure(sites)
        for site in sites:
            for accepted in events.AcceptOutcome:
                self._accepts.labels(site.name, accepted.value)
            for released in events.ReleaseOutcome:
                self._releases.labels(site.name, released.value)
            for phase in TERMINAL:
                self._phases.labels(site.name, phase.value)

    def _accept_finished(self, event: events.AcceptFinished) -> None:
        self._accepts.labels(event.site, event.outcome.value).inc()

    def _ambiguity_changed(self, event: events.AmbiguousAccepts) -> None:
        self._ambiguous.set(event.count)

    def _release_tried(self, event: events.ReleaseTried) -> None:
        self._releases.labels(event.site, event.outcome.value).inc()
        if event.outcome is events.ReleaseOutcome.RELEASED:
            self._release_lag.observe(event.lag)

    def _backlog_changed(self, event: events.ReleasesQueued) -> None:
        self._backlog.set(event.count)

    def _phase_seen(self, event: events.SessionPhaseSeen) -> None:
        self._phases.labels(event.site, event.phase.value).inc()
