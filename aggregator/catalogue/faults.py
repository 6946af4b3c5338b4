"""How a call to a catalogue failed: every exception and status is a closed outcome."""

from typing import Final

import aiohttp
import structlog
from aiohttp.http_exceptions import HttpProcessingError

from aggregator.credentials.secrets import SecretMissing
from aggregator.domain.outcomes import Outcome

_log = structlog.get_logger(__name__)

_OF_STATUS: Final = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    408: Outcome.TIMEOUT,
    429: Outcome.THROTTLED,
}


class CatalogueFailed(Exception):
    """A call to a catalogue brought nothing; never leaves this package."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


def outcome_of_error(error: Exception) -> Outcome:
    """Return what ``error``, raised by a call, says of the catalogue."""
    if isinstance(error, CatalogueFailed):
        return error.outcome
    if isinstance(error, aiohttp.InvalidURL | SecretMissing):
        return Outcome.MISCONFIGURED
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return Outcome.CONNECT_ERROR
    if not isinstance(error, aiohttp.ClientError | HttpProcessingError | ValueError):
        _log.error("catalogue_call_broke", error=type(error).__name__)
    return Outcome.BAD_PAYLOAD


def outcome_of_status(status: int) -> Outcome:
    """Return the outcome of a call that was answered with a ``status`` but 200."""
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if 400 <= status < 500:  # noqa: PLR2004 - the classes of HTTP statuses
        return Outcome.REFUSED_4XX
    if 500 <= status < 600:  # noqa: PLR2004 - the classes of HTTP statuses
        return Outcome.ERROR_5XX
    return Outcome.MISCONFIGURED
