"""Metrics of token issuers: what they answer when tokens for sites are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode, ReleaseCredentials, Site
from aggregator.observability.instruments import Section

SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

TOKEN_OUTCOMES: Final = (
    Outcome.OK,
    Outcome.REFUSED_4XX,
    Outcome.UNAUTHORIZED,
    Outcome.FORBIDDEN,
    Outcome.MISCONFIGURED,
    Outcome.THROTTLED,
    Outcome.ERROR_5XX,
    Outcome.CONNECT_ERROR,
    Outcome.TIMEOUT,
    Outcome.BAD_PAYLOAD,
    Outcome.TOO_LARGE,
    Outcome.CANCELLED,
)
"""The ways in which a call to a token issuer can end."""


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
            SECONDS,
            "grant",
        )

    def configure(self, sites: Iterable[Site]) -> None:
        """Have what can happen at ``sites`` in every scrape, from the first on."""
        for grant in {grant for site in sites for grant in _grants(site)}:
            self._seconds.labels(grant.value)
            for outcome in TOKEN_OUTCOMES:
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
