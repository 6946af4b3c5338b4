"""How a call to a site failed: every exception and status becomes a closed outcome."""

import os
import ssl
from dataclasses import dataclass
from typing import Final

import aiohttp
import structlog
from aiohttp.http_exceptions import HttpProcessingError

from aggregator.domain.events import Operation
from aggregator.domain.outcomes import Outcome

_log = structlog.get_logger(__name__)

_LONGEST_DETAIL: Final = 300
_SHORTENED: Final = "..."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call to a site brought nothing.

    Attributes:
        detail: What was wrong, in words for the user.
        retry_after: Seconds after which the site asked to be tried again.
        status: The HTTP status by which the site refused the call itself; None
            where it may have carried it out.
    """

    outcome: Outcome
    detail: str
    retry_after: float | None = None
    status: int | None = None


class CallFailed(Exception):
    """A call to a site can't go on; never leaves this package."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(outcome, plain(detail))


def plain(text: str) -> str:
    """Return ``text`` on one line, without control characters, not too long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(printable.split())
    if len(line) <= _LONGEST_DETAIL:
        return line
    return line[: _LONGEST_DETAIL - len(_SHORTENED)] + _SHORTENED


def _tls_reason(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return cause.reason.replace("_", " ").lower()
    return "the handshake failed"


def _system_reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return "no reason given" if number is None else os.strerror(number).lower()


_OF_EXCEPTION: Final = (
    (
        aiohttp.ConnectionTimeoutError,
        Outcome.CONNECT_ERROR,
        "no connection within the connect timeout",
    ),
    (TimeoutError, Outcome.TIMEOUT, "no complete answer before the deadline"),
    (aiohttp.InvalidURL, Outcome.MISCONFIGURED, "the configured URL can't be used"),
    (
        aiohttp.NonHttpUrlClientError,
        Outcome.MISCONFIGURED,
        "the configured URL isn't one of HTTP",
    ),
    (
        aiohttp.ClientPayloadError,
        Outcome.BAD_PAYLOAD,
        "the answer broke off, or its encoding is wrong",
    ),
    (
        aiohttp.ClientResponseError,
        Outcome.BAD_PAYLOAD,
        "the answer isn't well-formed HTTP",
    ),
    (HttpProcessingError, Outcome.BAD_PAYLOAD, "the answer isn't well-formed HTTP"),
    (
        aiohttp.ClientConnectorDNSError,
        Outcome.CONNECT_ERROR,
        "the name of its host can't be resolved",
    ),
    (
        aiohttp.ClientConnectorCertificateError,
        Outcome.CONNECT_ERROR,
        "its TLS certificate was refused: {tls}",
    ),
    (aiohttp.ClientSSLError, Outcome.CONNECT_ERROR, "no TLS connection: {tls}"),
    (aiohttp.ClientConnectorError, Outcome.CONNECT_ERROR, "no connection: {system}"),
    (
        aiohttp.ServerDisconnectedError,
        Outcome.CONNECT_ERROR,
        "the connection was closed without an answer",
    ),
    (OSError, Outcome.CONNECT_ERROR, "the connection broke: {system}"),
    (aiohttp.ClientConnectionError, Outcome.CONNECT_ERROR, "the connection broke"),
)
"""What each exception means, the narrower ones before the wider."""


def _classify(error: Exception) -> tuple[Outcome, str]:
    for kind, outcome, detail in _OF_EXCEPTION:
        if isinstance(error, kind):
            return outcome, detail.format(
                tls=_tls_reason(error), system=_system_reason(error)
            )
    _log.error("site_call_broke", error=type(error).__name__)
    return Outcome.CONNECT_ERROR, "the call failed inside the meta-broker"


def failure_of(error: Exception) -> Failure:
    """Return what ``error``, raised by a call, says of the site."""
    if isinstance(error, CallFailed):
        return error.failure
    outcome, detail = _classify(error)
    return Failure(outcome, plain(detail))


_OF_STATUS: Final = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    405: Outcome.MISCONFIGURED,
    406: Outcome.MISCONFIGURED,
    408: Outcome.TIMEOUT,
    415: Outcome.MISCONFIGURED,
    421: Outcome.MISCONFIGURED,
    426: Outcome.MISCONFIGURED,
    429: Outcome.THROTTLED,
    508: Outcome.LOOP,
}
_OF_SESSION_STATUS: Final = {404: Outcome.NOT_FOUND, 410: Outcome.NOT_FOUND}
_ON_SESSIONS: Final = frozenset({Operation.SESSION, Operation.UPDATE})


def outcome_of_status(status: int, operation: Operation) -> Outcome:
    """Return the outcome of a call that was answered with a failing ``status``."""
    if outcome := _OF_STATUS.get(status):
        return outcome
    if operation in _ON_SESSIONS and status in _OF_SESSION_STATUS:
        return _OF_SESSION_STATUS[status]
    if status in {404, 410}:
        return Outcome.MISCONFIGURED
    if 400 <= status < 500:  # noqa: PLR2004 - the classes of HTTP statuses
        return Outcome.REFUSED_4XX
    if 500 <= status < 600:  # noqa: PLR2004 - the classes of HTTP statuses
        return Outcome.ERROR_5XX
    return Outcome.BAD_PAYLOAD
