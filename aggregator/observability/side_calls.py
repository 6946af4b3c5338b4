"""Side calls: those to services beside the sites: catalogues and token issuers."""

from typing import Final

from aggregator.domain.outcomes import Outcome

SIDE_CALL_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets of how long such a call takes."""

SIDE_CALL_OUTCOMES: Final = (
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
"""The ways in which such a call can end."""
