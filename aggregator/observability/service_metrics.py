"""Metrics of the service itself: fan-outs, answers to clients, configuration."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.outcomes import NOT_ASKED
from aggregator.domain.sites import Site
from aggregator.observability.instruments import Section, exemplar_of
from aggregator.observability.site_metrics import SECONDS
from aggregator.services.limits import FanOutLimits

_RESULTS: Final = ("answered", "missing", "not_asked")
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"})
_FAILURES: Final = (500, 503, 504)


class FanOutMetrics:
    """Counts requests on their way around the sites."""

    def __init__(self, section: Section) -> None:
        self._finished = section.counter(
            "fanouts",
            "Fan-outs that were answered, by how much of the federation is in the "
            "answer.",
            "completeness",
        )
        self._seconds = section.histogram(
            "fanout_duration_seconds", "How long clients waited for a fan-out.", SECONDS
        )
        self._sites = section.counter(
            "fanout_sites", "Sites over all fan-outs, by what they did.", "result"
        )
        self._late = section.counter(
            "late_answers",
            "Answers that came after the client had its own.",
            "site",
            "joined",
        )
        self._not_asked = section.counter(
            "site_not_asked",
            "Requests for offers that didn't go to the site.",
            "site",
            "reason",
        )
        self._under_way = section.gauge(
            "fanouts_inflight", "Fan-outs that clients wait for now."
        )
        self._shed = section.counter(
            "fanouts_shed",
            "Requests refused because too much was asked at once, by all or one user.",
            "scope",
        )
        self._limit = section.gauge(
            "fanouts_limit", "The most fan-outs that may be under way at once."
        )
        self._deadline = section.gauge(
            "fanout_deadline_seconds",
            "How long a client waits at most that doesn't say how long.",
        )
        for completeness in events.Completeness:
            self._finished.labels(completeness.value)
        for scope in events.ShedScope:
            self._shed.labels(scope.value)
        for result in _RESULTS:
            self._sites.labels(result)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.FanOutFinished: self._fan_out_finished,
            events.FanOutsUnderWay: self._number_changed,
            events.FanOutShed: self._fan_out_shed,
            events.LateAnswered: self._late_answered,
            events.SiteNotAsked: self._site_not_asked,
        }

    def configure(self, sites: Iterable[Site], limits: FanOutLimits) -> None:
        """Show ``limits``, and have series at 0 for ``sites``."""
        self._limit.set(limits.concurrent)
        self._deadline.set(limits.deadline)
        for site in sites:
            for joined in ("true", "false"):
                self._late.labels(site.name, joined)
            for reason in NOT_ASKED:
                self._not_asked.labels(site.name, reason.value)

    def _fan_out_finished(self, event: events.FanOutFinished) -> None:
        self._finished.labels(event.completeness.value).inc()
        self._seconds.observe(event.seconds)
        counts = (event.answered, event.asked - event.answered, event.not_asked)
        for result, count in zip(_RESULTS, counts, strict=True):
            self._sites.labels(result).inc(count)

    def _number_changed(self, event: events.FanOutsUnderWay) -> None:
        self._under_way.set(event.count)

    def _fan_out_shed(self, event: events.FanOutShed) -> None:
        self._shed.labels(event.scope.value).inc()

    def _late_answered(self, event: events.LateAnswered) -> None:
        self._late.labels(event.site, str(event.joined).lower()).inc()

    def _site_not_asked(self, event: events.SiteNotAsked) -> None:
        self._not_asked.labels(event.site, event.reason.value).inc()


class ServiceMetrics:
    """Counts our own answers, and says what runs with which configuration."""

    def __init__(
        self, section: Section, version: str, now: Callable[[], datetime]
    ) -> None:
        self._now = now
        self._requests = section.counter(
            "http_requests", "Requests that we answered.", "method", "route", "code"
        )
        self._shown: set[tuple[str, str]] = set()
        self._seconds = section.histogram(
            "http_request_duration_seconds",
            "How long it took to answer.",
            SECONDS,
            "route",
        )
        self._reload_success = section.gauge(
            "configuration_reload_success",
            "1 if the configuration was good when it was last read.",
        )
        self._reload_time = section.gauge(
            "configuration_reload_timestamp_seconds",
            "When the configuration was last read, as Unix time.",
        )
        self._registry_reads = section.counter(
            "registry_reads", "Readings of the site registry.", "result"
        )
        self._registry_time = section.gauge(
            "registry_last_success_timestamp_seconds",
            "When the site registry was last read, as Unix time.",
        )
        self._registry_sites = section.gauge(
            "registry_sites", "Configured sites of which the site registry tells."
        )
        self._registry_faults = section.gauge(
            "registry_faults",
            "What in the site registry's last answer could not be understood.",
        )
        build = section.gauge("build_info", "Always 1. What runs.", "version")
        build.labels(version).set(1)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.HttpAnswered: self._http_answered,
            events.Reloaded: self._reloaded,
            events.RegistryRead: self._registry_read,
        }

    def _http_answered(self, event: events.HttpAnswered) -> None:
        method = event.method if event.method in _METHODS else "other"
        route = event.route.rstrip("/") or "/"
        if (method, route) not in self._shown:
            # At 0 from the first request on, so that the first failure shows.
            for failure in _FAILURES:
                self._requests.labels(method, route, str(failure))
            self._shown.add((method, route))
        self._requests.labels(method, route, str(event.status)).inc()
        self._seconds.labels(route).observe(event.seconds, exemplar_of(event.span))

    def _reloaded(self, event: events.Reloaded) -> None:
        self._reload_success.set(event.success)
        self._reload_time.set(self._now().timestamp())

    def _registry_read(self, event: events.RegistryRead) -> None:
        self._registry_reads.labels("ok" if event.success else "failed").inc()
        self._registry_sites.set(event.sites)
        if event.success:
            self._registry_faults.set(event.faults)
            self._registry_time.set(self._now().timestamp())
