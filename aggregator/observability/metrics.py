"""Metrics: every event that is told to ``ports.Telemetry``, counted for Prometheus.

Labels are closed sets: sites from the configuration, and enumerations of the domain.
No user, uuid or dataset is ever a label. Histograms have at most 10 buckets and no
outcome, for the product of both would make one scrape block the event loop.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from aggregator.domain import events
from aggregator.domain.events import Event, Operation, SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Required, Site

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAGS: Final = (1, 5, 15, 60, 300, 900, 3600)
_RANKS: Final = (1, 2, 3, 5, 10, 20)
_START_ERRORS: Final = (-3600, -600, -60, 0, 60, 300, 600, 1800, 3600)
_USABLE: Final = frozenset({SiteState.UP, SiteState.DEGRADED, SiteState.HALF_OPEN})


class Metrics:
    """Counts events in a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._create_site_metrics()
        self._create_offer_metrics()
        self._create_service_metrics()
        self._gauge("build_info", "The version that runs.", ["version"]).labels(
            version
        ).set(1)
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.SiteCalled: self._site_called,
            events.SiteInFlight: self._site_in_flight,
            events.SiteStateChanged: self._site_state_changed,
            events.SiteEjected: self._site_ejected,
            events.FanOutFinished: self._fan_out_finished,
            events.OffersReceived: self._offers_received,
            events.OffersReturned: self._offers_returned,
            events.OffersFiltered: self._offers_filtered,
            events.LateAnswered: self._late_answered,
            events.AcceptFinished: self._accept_finished,
            events.AmbiguousAccepts: self._ambiguous_accepts,
            events.ReleaseTried: self._release_tried,
            events.ReleasesQueued: self._releases_queued,
            events.StartObserved: self._start_observed,
            events.CatalogueAsked: self._catalogue_asked,
            events.HttpAnswered: self._http_answered,
            events.Reloaded: self._reloaded,
        }

    def record(self, event: Event) -> None:
        """Count ``event``."""
        self._handlers[type(event)](event)

    def configure(self, sites: Iterable[Site]) -> None:
        """Have every configured site in every scrape, from the first on."""
        for site in sites:
            required = site.required is not Required.NEVER
            self._site_required.labels(site.name).set(required)
            self._site_info.labels(
                site.name, site.node, site.name, site.adapter, site.dialect
            ).set(1)
            self._site_inflight.labels(site.name).set(0)
            self._show_state(site.name, SiteState.UNKNOWN)
            for operation in Operation:
                self._site_seconds.labels(site.name, operation.value)
            self._offers_received_total.labels(site.name)
            self._offers_returned_total.labels(site.name)
            self._offers_won_total.labels(site.name)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition that suits the ``Accept`` header, and its type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _create_site_metrics(self) -> None:
        self._site_up = self._gauge(
            "site_up", "1 if requests can go to the site, else 0.", ["site"]
        )
        self._site_state = self._gauge(
            "site_state", "1 for the state the site is in.", ["site", "state"]
        )
        self._site_required = self._gauge(
            "site_required", "1 if fan-outs may have to wait for the site.", ["site"]
        )
        self._site_info = self._gauge(
            "site_info",
            "How the site is configured.",
            ["site", "parent_node_name", "parent_site_name", "adapter", "dialect"],
        )
        self._site_requests = self._counter(
            "site_requests", "Calls to the site that ended.", ["site", "op", "outcome"]
        )
        self._site_seconds = self._histogram(
            "site_request_duration_seconds",
            "How long calls to the site took.",
            ["site", "op"],
            _SECONDS,
        )
        self._site_inflight = self._gauge(
            "site_inflight", "Calls to the site that are open.", ["site"]
        )
        self._site_ejections = self._counter(
            "site_ejections", "How often the site was ejected.", ["site", "reason"]
        )
        self._site_last_success = self._gauge(
            "site_last_success_timestamp_seconds",
            "When a call to the site last succeeded.",
            ["site"],
        )

    def _create_offer_metrics(self) -> None:
        self._offers_received_total = self._counter(
            "offers_received", "Offers that the site made.", ["site"]
        )
        self._offers_returned_total = self._counter(
            "offers_returned", "Offers of the site that clients were given.", ["site"]
        )
        self._offers_filtered_total = self._counter(
            "offers_filtered", "Offers that a filter took out.", ["filter"]
        )
        self._offers_won_total = self._counter(
            "offers_won", "Offers of the site that were accepted.", ["site"]
        )
        self._offer_rank = self._histogram(
            "offer_rank", "The ranks that the site's offers got.", ["site"], _RANKS
        )
        self._accepts = self._counter(
            "accepts", "Acceptances by how they ended.", ["site", "outcome"]
        )
        self._accept_ambiguous = self._gauge(
            "accept_ambiguous", "Acceptances whose outcome isn't known now.", []
        )
        self._releases = self._counter(
            "loser_releases", "Attempts to release offers.", ["site", "outcome"]
        )
        self._release_lag = self._histogram(
            "loser_release_lag_seconds",
            "How long after it was due a release was done.",
            [],
            _LAGS,
        )
        self._release_backlog = self._gauge(
            "loser_release_backlog", "Releases that wait in the queue.", []
        )
        self._ets_error = self._histogram(
            "ets_error_seconds",
            "Observed start less estimated start.",
            ["site"],
            _START_ERRORS,
        )

    def _create_service_metrics(self) -> None:
        self._fanouts = self._counter(
            "fanouts", "Fan-outs by completeness.", ["completeness"]
        )
        for completeness in events.Completeness:
            self._fanouts.labels(completeness.value)
        self._fanout_seconds = self._histogram(
            "fanout_duration_seconds", "How long fan-outs took.", [], _SECONDS
        )
        self._fanout_sites = self._counter(
            "fanout_sites", "Sites over all fan-outs, by what they did.", ["result"]
        )
        self._late_answers = self._counter(
            "late_answers", "Answers that came after the client's.", ["site", "joined"]
        )
        self._lookups = self._counter(
            "locality_lookups", "Replica lookups.", ["catalogue", "outcome"]
        )
        self._lookup_seconds = self._histogram(
            "locality_lookup_duration_seconds",
            "How long replica lookups took.",
            ["catalogue"],
            _SECONDS,
        )
        self._http_requests = self._counter(
            "http_requests", "Requests that we answered.", ["method", "route", "code"]
        )
        self._http_seconds = self._histogram(
            "http_request_duration_seconds",
            "How long it took to answer.",
            ["route"],
            _SECONDS,
        )
        self._reload_success = self._gauge(
            "configuration_reload_success", "1 if the last reading was good.", []
        )
        self._reload_time = self._gauge(
            "configuration_reload_timestamp_seconds", "When it was last read.", []
        )

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"metabroker_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(f"metabroker_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, labels: list[str], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(
            f"metabroker_{name}",
            text,
            labels,
            buckets=buckets,
            registry=self.registry,
        )

    def _show_state(self, site: str, state: SiteState) -> None:
        self._site_up.labels(site).set(state in _USABLE)
        for each in SiteState:
            self._site_state.labels(site, each.value).set(each is state)

    def _site_called(self, event: events.SiteCalled) -> None:
        operation = event.operation.value
        self._site_requests.labels(event.site, operation, event.outcome.value).inc()
        self._site_seconds.labels(event.site, operation).observe(event.seconds)
        if event.outcome in {Outcome.OK, Outcome.NO_OFFER}:
            self._site_last_success.labels(event.site).set_to_current_time()

    def _site_in_flight(self, event: events.SiteInFlight) -> None:
        self._site_inflight.labels(event.site).set(event.calls)

    def _site_state_changed(self, event: events.SiteStateChanged) -> None:
        self._show_state(event.site, event.state)

    def _site_ejected(self, event: events.SiteEjected) -> None:
        self._site_ejections.labels(event.site, event.reason.value).inc()

    def _fan_out_finished(self, event: events.FanOutFinished) -> None:
        self._fanouts.labels(event.completeness.value).inc()
        self._fanout_seconds.observe(event.seconds)
        self._fanout_sites.labels("answered").inc(event.answered)
        self._fanout_sites.labels("missing").inc(event.asked - event.answered)
        self._fanout_sites.labels("not_asked").inc(event.not_asked)

    def _offers_received(self, event: events.OffersReceived) -> None:
        self._offers_received_total.labels(event.site).inc(event.count)

    def _offers_returned(self, event: events.OffersReturned) -> None:
        self._offers_returned_total.labels(event.site).inc(len(event.ranks))
        for rank in event.ranks:
            self._offer_rank.labels(event.site).observe(rank)

    def _offers_filtered(self, event: events.OffersFiltered) -> None:
        self._offers_filtered_total.labels(event.filter).inc(event.count)

    def _late_answered(self, event: events.LateAnswered) -> None:
        self._late_answers.labels(event.site, str(event.joined).lower()).inc()

    def _accept_finished(self, event: events.AcceptFinished) -> None:
        self._accepts.labels(event.site, event.outcome.value).inc()
        if event.outcome in _WON:
            self._offers_won_total.labels(event.site).inc()

    def _ambiguous_accepts(self, event: events.AmbiguousAccepts) -> None:
        self._accept_ambiguous.set(event.count)

    def _release_tried(self, event: events.ReleaseTried) -> None:
        self._releases.labels(event.site, event.outcome.value).inc()
        if event.outcome is events.ReleaseOutcome.RELEASED:
            self._release_lag.observe(event.lag)

    def _releases_queued(self, event: events.ReleasesQueued) -> None:
        self._release_backlog.set(event.count)

    def _start_observed(self, event: events.StartObserved) -> None:
        self._ets_error.labels(event.site).observe(event.error)

    def _catalogue_asked(self, event: events.CatalogueAsked) -> None:
        self._lookups.labels(event.catalogue, event.outcome).inc()
        self._lookup_seconds.labels(event.catalogue).observe(event.seconds)

    def _http_answered(self, event: events.HttpAnswered) -> None:
        method = event.method if event.method in _METHODS else "other"
        self._http_requests.labels(method, event.route, str(event.status)).inc()
        self._http_seconds.labels(event.route).observe(event.seconds)

    def _reloaded(self, event: events.Reloaded) -> None:
        self._reload_success.set(event.success)
        self._reload_time.set_to_current_time()


_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"})
_WON: Final = frozenset(
    {
        events.AcceptOutcome.ACCEPTED,
        events.AcceptOutcome.RECONCILED_ACCEPTED,
        events.AcceptOutcome.ADOPTED,
    }
)
