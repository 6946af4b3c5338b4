"""Metrics of token issuers: what they answer when tokens for sites are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from aggregator.domain import events
from aggregator.domain.sites import CredentialsMode, ReleaseCredentials, Site
from aggregator.observability.instruments import Section
from aggregator.observability.side_calls import SIDE_CALL_OUTCOMES, SIDE_CALL_SECONDS


class TokenMetrics:
    """Counts calls to token issuers."""

    def __init__(self, section: Section) -> None:
        self._requests = section.counter(
            "token_requests",
            "Calls to token issuers that ended; tokens that are remembered need none.",
            "grant",
            "outcome",
        )
        self._seconds = section.histogram(
            "token_request_duration_seconds",
            "How long calls to token issuers took.",
            SIDE_CALL_SECONDS,
            "grant",
        )

    def configure(self, sites: Iterable[Site]) -> None:
        """Have what can happen at ``sites`` in every scrape, from the first on."""
        for grant in {grant for site in sites for grant in _grants(site)}:
            self._seconds.labels(grant.value)
            for outcome in SIDE_CALL_OUTCOMES:
                self._requests.labels(grant.value, outcome.value)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {events.TokenAsked: self._asked}

    def _asked(self, event: events.TokenAsked) -> None:
        self._requests.labels(event.grant.value, event.outcome.value).inc()
        self._seconds.labels(event.grant.value).observe(event.seconds)


def _grants(site: Site) -> Iterator[events.TokenGrant]:
    if site.credentials is CredentialsMode.EXCHANGE:
        yield events.TokenGrant.EXCHANGE
    if site.credentials is CredentialsMode.CLIENT_CREDENTIALS or (
        site.release_credentials is ReleaseCredentials.CLIENT_CREDENTIALS
    ):
        yield events.TokenGrant.CLIENT_CREDENTIALS
