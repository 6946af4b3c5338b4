"""Metrics of offers and their ranking: who offers, who wins, and is it honest."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.events import AcceptOutcome
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.sites import Site
from aggregator.observability.instruments import Section

RANKS: Final = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
START_ERRORS: Final = (-3600.0, -1800.0, -600.0, -60.0, 60.0, 600.0, 1800.0, 3600.0)
REGRETS: Final = (0.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0)

_WON: Final = frozenset(
    {
        AcceptOutcome.ACCEPTED,
        AcceptOutcome.RECONCILED_ACCEPTED,
        AcceptOutcome.ADOPTED,
    }
)
_SHA256_SHOWN: Final = 12


class RankingMetrics:
    """Counts offers from their sites to the one that is accepted."""

    def __init__(self, section: Section) -> None:
        self._received = section.counter(
            "offers_received", "Offers that the site made.", "site"
        )
        self._filtered = section.counter(
            "offers_filtered",
            "Offers that a filter of the ranking policy, or its trimming, took out.",
            "filter",
        )
        self._returned = section.counter(
            "offers_returned", "Offers of the site that clients were given.", "site"
        )
        self._won = section.counter(
            "offers_won", "Offers of the site that were accepted.", "site"
        )
        self._rank = section.histogram(
            "offer_rank",
            "The ranks that the site's offers were given at; 1 is the best.",
            RANKS,
            "site",
        )
        self._accepted_rank = section.histogram(
            "accepted_rank",
            "The ranks of the offers that were accepted.",
            RANKS,
        )
        self._start_error = section.histogram(
            "ets_error_seconds",
            "Start of a session as it was seen, less the start that ranking "
            "estimated (ETS): above 0 it started late.",
            START_ERRORS,
            "site",
        )
        self._regret = section.histogram(
            "rank_regret_seconds",
            "Seconds by which a session started later than the earliest start that "
            "was estimated of another offer of its set, which its user could have "
            "accepted instead; 0 where none was earlier.",
            REGRETS,
        )
        self._lookups = section.counter(
            "locality_lookups",
            "Datasets that were looked up in the replica catalogue.",
            "outcome",
        )
        self._lateness = section.gauge(
            "start_lateness_seconds",
            "Median of the start of the site's sessions as it was seen, less the start "
            "that the site promised; recent ones count more, and 5 of no error.",
            "site",
        )
        self._lateness_starts = section.gauge(
            "start_lateness_sessions",
            "Accepted sessions of the last 28 days whose start was seen (and compared "
            "with the promised one), or never seen.",
            "site",
            "seen",
        )
        self._used = section.gauge(
            "used_core_hours",
            "Core-hours that accepted sessions used of the site, halved every 7 days: "
            "what fair_share weighs.",
            "site",
        )
        self._policy = section.gauge(
            "policy_info",
            "Always 1. A ranking policy that is in use.",
            "name",
            "revision",
            "sha256",
        )
        for outcome in events.LookupOutcome:
            self._lookups.labels(outcome.value)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.OffersReceived: self._offers_received,
            events.OffersFiltered: self._offers_filtered,
            events.OffersReturned: self._offers_returned,
            events.AcceptFinished: self._accept_finished,
            events.StartObserved: self._start_observed,
            events.RegretObserved: self._regret_observed,
            events.SiteCalibrated: self._site_calibrated,
            events.SiteUsed: self._site_used,
            events.DataLookedUp: self._data_looked_up,
        }

    def configure(self, sites: Iterable[Site], policies: Iterable[Policy]) -> None:
        """Have series at 0 for what ``sites`` and ``policies`` can do."""
        for site in sites:
            self._received.labels(site.name)
            self._returned.labels(site.name)
            self._won.labels(site.name)
            self._rank.labels(site.name)
            self._start_error.labels(site.name)
        # Of sites that are still there it is learned anew within a minute.
        self._lateness.clear()
        self._lateness_starts.clear()
        self._used.clear()
        self._policy.clear()
        for policy in policies:
            identity = policy.identity
            self._policy.labels(
                identity.name, str(identity.revision), identity.sha256[:_SHA256_SHOWN]
            ).set(1)
            for each in policy.filters:
                self._filtered.labels(each.name)

    def _offers_received(self, event: events.OffersReceived) -> None:
        self._received.labels(event.site).inc(event.count)

    def _offers_filtered(self, event: events.OffersFiltered) -> None:
        self._filtered.labels(event.filter).inc(event.count)

    def _offers_returned(self, event: events.OffersReturned) -> None:
        self._returned.labels(event.site).inc(len(event.ranks))
        for rank in event.ranks:
            self._rank.labels(event.site).observe(rank)

    def _accept_finished(self, event: events.AcceptFinished) -> None:
        if event.outcome in _WON:
            self._won.labels(event.site).inc()
            self._accepted_rank.observe(event.rank)

    def _start_observed(self, event: events.StartObserved) -> None:
        self._start_error.labels(event.site).observe(event.error)

    def _regret_observed(self, event: events.RegretObserved) -> None:
        self._regret.observe(event.seconds)

    def _site_calibrated(self, event: events.SiteCalibrated) -> None:
        self._lateness.labels(event.site).set(event.lateness)
        self._lateness_starts.labels(event.site, "yes").set(event.starts)
        self._lateness_starts.labels(event.site, "no").set(event.censored)

    def _site_used(self, event: events.SiteUsed) -> None:
        self._used.labels(event.site).set(event.core_hours)

    def _data_looked_up(self, event: events.DataLookedUp) -> None:
        self._lookups.labels(event.outcome.value).inc(event.count)
