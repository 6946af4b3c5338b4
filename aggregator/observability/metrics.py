"""Metrics: every event that is told to ``ports.Telemetry``, counted for Prometheus.

Labels are closed sets: sites from the configuration, and enumerations of the domain.
No user, uuid or dataset is ever a label. Histograms have at most 10 buckets and no
outcome, for the product of both would make one scrape block the event loop.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from aggregator.domain.events import Event
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.sites import Site
from aggregator.observability.catalogue_metrics import CatalogueMetrics
from aggregator.observability.instruments import Section
from aggregator.observability.ranking_metrics import RankingMetrics
from aggregator.observability.service_metrics import FanOutMetrics, ServiceMetrics
from aggregator.observability.session_metrics import SessionMetrics
from aggregator.observability.site_metrics import SiteMetrics
from aggregator.observability.token_metrics import TokenMetrics
from aggregator.services.limits import BudgetLimits, FanOutLimits


class Metrics:
    """Counts events in a registry of its own.

    Args:
        version: Of the service, as it is shown.
        now: Returns the present moment, in UTC.

    Attributes:
        sections: What metrics there are, in the order of the reference page.
    """

    def __init__(self, version: str, now: Callable[[], datetime]) -> None:
        # A second series per counter and histogram, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.sections = tuple(
            Section(title, self.registry)
            for title in (
                "Sites",
                "Fan-outs",
                "Offers and ranking",
                "Replica catalogues",
                "Token issuers",
                "Acceptances, releases and sessions",
                "The service",
            )
        )
        (
            sites,
            fan_outs,
            ranking,
            catalogues,
            tokens,
            sessions,
            service,
        ) = self.sections
        self._sites = SiteMetrics(sites, now)
        self._fan_outs = FanOutMetrics(fan_outs)
        self._ranking = RankingMetrics(ranking)
        self._catalogues = CatalogueMetrics(catalogues)
        self._tokens = TokenMetrics(tokens)
        self._sessions = SessionMetrics(sessions)
        self._service = ServiceMetrics(service, version, now)
        ProcessCollector(registry=self.registry)
        self._handlers: defaultdict[type, list[Callable[[Any], None]]]
        self._handlers = defaultdict(list)
        for part in (
            self._sites,
            self._fan_outs,
            self._ranking,
            self._catalogues,
            self._tokens,
            self._sessions,
            self._service,
        ):
            for event, count in part.handlers().items():
                self._handlers[event].append(count)

    def record(self, event: Event) -> None:
        """Count ``event``."""
        for count in self._handlers[type(event)]:
            count(event)

    def configure(
        self,
        sites: Collection[Site],
        policies: Collection[Policy],
        fan_outs: FanOutLimits,
        budget: BudgetLimits,
    ) -> None:
        """Have every configured site in every scrape, from the first on."""
        self._sites.configure(sites)
        self._fan_outs.configure(sites, fan_outs)
        self._ranking.configure(sites, policies)
        self._tokens.configure(sites)
        self._sessions.configure(sites, budget)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition that suits the ``Accept`` header, and its type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
