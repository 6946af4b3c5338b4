"""Metrics of what sites hold for users, as the store that all replicas share has it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.phases import TERMINAL, SessionPhase
from aggregator.domain.sites import Site
from aggregator.domain.tallies import SiteHoldings
from aggregator.observability.instruments import Section

FOLLOWED: Final = tuple(
    phase
    for phase in SessionPhase
    if phase not in TERMINAL and phase is not SessionPhase.INITIAL
)
"""The phases that a session goes through before it ends."""


class HeldMetrics:
    """Shows the latest census, and counts offers that nobody wanted."""

    def __init__(self, section: Section) -> None:
        self._configured: frozenset[str] = frozenset()
        self._shown: set[str] = set()
        self._reservations = section.gauge(
            "reservations_open",
            "Offers of the site that wait for their users, in the store that all "
            "replicas share.",
            "site",
        )
        self._expired = section.counter(
            "offers_expired_unused",
            "Offers of the site that clients were given and that expired with nobody "
            "having accepted, rejected or released them. Each is counted by one "
            "replica.",
            "site",
        )
        self._sessions = section.gauge(
            "sessions",
            "Sessions at the site that haven't ended, by the phase they were last seen "
            "in; OFFERED where nobody knows whether the site accepted.",
            "site",
            "phase",
        )
        self._staleness = section.gauge(
            "session_staleness_seconds",
            "How long ago the session at the site was read that wasn't for the longest "
            "time, of those that haven't ended; within a minute.",
            "site",
        )
        self._routes = section.gauge(
            "route_table_rows",
            "Offers and sessions in the store; counted every 5 minutes.",
        )

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.HoldingsCounted: self._holdings_counted,
            events.OffersExpired: self._offers_expired,
            events.RoutesCounted: self._routes_counted,
        }

    def configure(self, sites: Iterable[Site]) -> None:
        """Have ``sites`` in every scrape; others as long as they hold something."""
        self._configured = frozenset(site.name for site in sites)
        for site in self._configured:
            self._expired.labels(site)
        for site in self._configured - self._shown:
            self._show(site, SiteHoldings(), None)

    def _holdings_counted(self, event: events.HoldingsCounted) -> None:
        for site in self._configured | event.by_site.keys():
            self._show(site, event.by_site.get(site, SiteHoldings()), event.moment)
        for site in self._shown - self._configured - event.by_site.keys():
            self._forget(site)

    def _show(self, site: str, held: SiteHoldings, moment: datetime | None) -> None:
        self._shown.add(site)
        self._reservations.labels(site).set(held.open_reservations)
        for phase in FOLLOWED:
            self._sessions.labels(site, phase.value).set(held.sessions.get(phase, 0))
        age = 0.0
        if moment is not None and held.oldest_reading is not None:
            age = max(0.0, (moment - held.oldest_reading).total_seconds())
        self._staleness.labels(site).set(age)

    def _forget(self, site: str) -> None:
        self._shown.discard(site)
        with suppress(KeyError):
            self._reservations.remove(site)
            self._staleness.remove(site)
            for phase in FOLLOWED:
                self._sessions.remove(site, phase.value)

    def _offers_expired(self, event: events.OffersExpired) -> None:
        self._expired.labels(event.site).inc(event.count)

    def _routes_counted(self, event: events.RoutesCounted) -> None:
        self._routes.set(event.count)
