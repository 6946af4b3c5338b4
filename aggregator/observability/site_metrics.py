"""Metrics of the sites: how they are, and how calls to them end."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.events import Operation, SiteState
from aggregator.domain.outcomes import CREDENTIALS_WANTED, SITE_FAULTS, Outcome
from aggregator.domain.sites import Required, Site
from aggregator.observability.instruments import Section, exemplar_of

SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds for durations of calls and answers."""

_USABLE: Final = frozenset({SiteState.UP, SiteState.DEGRADED, SiteState.HALF_OPEN})
_SUCCESSES: Final = frozenset({Outcome.OK, Outcome.NO_OFFER})
_LONGEST_VERSION: Final = 64


class SiteMetrics:
    """Counts what happens to sites; every configured one is there from the start."""

    def __init__(self, section: Section, now: Callable[[], datetime]) -> None:
        self._now = now
        self._info_of: dict[str, tuple[str, ...]] = {}
        self._create_states(section)
        self._create_calls(section)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.SiteCalled: self._called,
            events.SiteInFlight: self._in_flight_changed,
            events.SiteProbed: self._probed,
            events.SiteStateChanged: self._state_changed,
            events.SiteEjected: self._ejected,
        }

    def configure(self, sites: Collection[Site]) -> None:
        """Show ``sites``, and no others, in every scrape from now on.

        What was counted of a site that is gone stays; how it is doesn't.
        """
        for gone in self._info_of.keys() - {site.name for site in sites}:
            self._forget(gone)
        for site in sites:
            self._required.labels(site.name).set(site.required is Required.ALWAYS)
            self._in_downtime.labels(site.name).set_function(
                partial(self._is_in_downtime, site)
            )
            if site.name not in self._info_of:
                self._in_flight.labels(site.name).set(0)
                self._show_state(site.name, SiteState.UNKNOWN)
            self._show_info(
                site.name, (site.node, site.name, site.adapter, site.dialect, "")
            )
            self._create_children(site.name)

    def _forget(self, site: str) -> None:
        self._info.remove(site, *self._info_of.pop(site))
        for state in SiteState:
            self._state.remove(site, state.value)
        for gauge in (
            self._up,
            self._required,
            self._in_downtime,
            self._in_flight,
            self._clock_skew,
            self._certificate_expires,
            self._last_success,
        ):
            with suppress(KeyError):
                gauge.remove(site)

    def _create_states(self, section: Section) -> None:
        self._up = section.gauge(
            "site_up", "1 if requests for offers can go to the site, else 0.", "site"
        )
        self._state = section.gauge(
            "site_state", "1 for the state that the site is in.", "site", "state"
        )
        self._required = section.gauge(
            "site_required", "1 if every fan-out waits for the site.", "site"
        )
        self._in_downtime = section.gauge(
            "site_in_downtime",
            "1 if the site is in a downtime now, of the configuration or the registry.",
            "site",
        )
        self._info = section.gauge(
            "site_info",
            "Always 1. How the site is configured, and what it speaks and runs.",
            "site",
            "parent_node_name",
            "parent_site_name",
            "adapter",
            "dialect",
            "version",
        )
        self._clock_skew = section.gauge(
            "site_clock_skew_seconds",
            "Seconds by which the site's clock was ahead of ours at the last probe "
            "that told.",
            "site",
        )
        self._certificate_expires = section.gauge(
            "site_cert_expiry_timestamp_seconds",
            "When the site's TLS certificate ends, as Unix time; https sites only.",
            "site",
        )
        self._last_success = section.gauge(
            "site_last_success_timestamp_seconds",
            "When a call to the site last succeeded, as Unix time.",
            "site",
        )
        self._ejections = section.counter(
            "site_ejections",
            "How often the site was ejected, by the last failure before it.",
            "site",
            "reason",
        )

    def _create_calls(self, section: Section) -> None:
        self._calls = section.counter(
            "site_requests", "Calls to the site that ended.", "site", "op", "outcome"
        )
        self._seconds = section.histogram(
            "site_request_duration_seconds",
            "How long calls to the site took.",
            SECONDS,
            "site",
            "op",
        )
        self._in_flight = section.gauge(
            "site_inflight", "Calls to the site that are open now.", "site"
        )

    def _create_children(self, site: str) -> None:
        """Have series at 0, so that the first failure already shows in a rate."""
        for operation in Operation:
            self._seconds.labels(site, operation.value)
            for outcome in _expected(operation):
                self._calls.labels(site, operation.value, outcome.value)
        for reason in SITE_FAULTS:
            self._ejections.labels(site, reason.value)

    def _is_in_downtime(self, site: Site) -> float:
        return float(site.downtime_at(self._now()) is not None)

    def _show_info(self, site: str, labels: tuple[str, ...]) -> None:
        before = self._info_of.get(site)
        if before == labels:
            return
        self._info_of[site] = labels
        self._info.labels(site, *labels).set(1)
        if before is not None:
            self._info.remove(site, *before)

    def _show_state(self, site: str, state: SiteState) -> None:
        self._up.labels(site).set(state in _USABLE)
        for each in SiteState:
            self._state.labels(site, each.value).set(each is state)

    def _called(self, event: events.SiteCalled) -> None:
        operation = event.operation.value
        self._calls.labels(event.site, operation, event.outcome.value).inc()
        self._seconds.labels(event.site, operation).observe(
            event.seconds, exemplar_of(event.span)
        )
        if event.outcome in _SUCCESSES and event.site in self._info_of:
            self._last_success.labels(event.site).set(self._now().timestamp())

    def _in_flight_changed(self, event: events.SiteInFlight) -> None:
        if event.site in self._info_of:
            self._in_flight.labels(event.site).set(event.calls)

    def _probed(self, event: events.SiteProbed) -> None:
        known = self._info_of.get(event.site)
        if known is None:
            return
        if event.clock_skew is not None:
            self._clock_skew.labels(event.site).set(event.clock_skew)
        if event.certificate_expires is not None:
            self._certificate_expires.labels(event.site).set(
                event.certificate_expires.timestamp()
            )
        *configured, dialect, version = known
        seen = event.version[:_LONGEST_VERSION]
        labels = (*configured, event.dialect or dialect, seen or version)
        self._show_info(event.site, labels)

    def _state_changed(self, event: events.SiteStateChanged) -> None:
        if event.site in self._info_of:
            self._show_state(event.site, event.state)

    def _ejected(self, event: events.SiteEjected) -> None:
        self._ejections.labels(event.site, event.reason.value).inc()


def _expected(operation: Operation) -> frozenset[Outcome]:
    usual = {Outcome.OK, *SITE_FAULTS, *CREDENTIALS_WANTED}
    if operation is Operation.REQUEST:
        usual.add(Outcome.NO_OFFER)
    return frozenset(usual)
