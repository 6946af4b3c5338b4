"""Outcomes: how one site's part of a fan-out, or one call to a site, ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from aggregator.domain.offers import Offer
from aggregator.domain.phases import SessionPhase


class Outcome(StrEnum):
    """The closed set of ways in which a call to a site can end.

    A site that was asked answered (``ok``, ``no_offer``, ``refused_4xx``), said
    that it doesn't know the session (``not_found``), or didn't answer (the rest
    up to ``pending``). A site that wasn't asked says why (from ``breaker_open``).
    """

    OK = "ok"
    NO_OFFER = "no_offer"
    REFUSED_4XX = "refused_4xx"
    NOT_FOUND = "not_found"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    MISCONFIGURED = "misconfigured"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of an outcome
    THROTTLED = "throttled"
    ERROR_5XX = "error_5xx"
    CONNECT_ERROR = "connect_error"
    TIMEOUT = "timeout"
    BAD_PAYLOAD = "bad_payload"
    TOO_LARGE = "too_large"
    LOOP = "loop"
    CANCELLED = "cancelled"
    PENDING = "pending"
    BREAKER_OPEN = "breaker_open"
    DRAINED = "drained"
    DOWNTIME = "downtime"
    DISABLED = "disabled"
    INCAPABLE = "incapable"
    BUSY = "busy"


NOT_ASKED: Final = frozenset(
    {
        Outcome.BREAKER_OPEN,
        Outcome.DRAINED,
        Outcome.DOWNTIME,
        Outcome.DISABLED,
        Outcome.INCAPABLE,
        Outcome.BUSY,
        Outcome.LOOP,
    }
)
"""Outcomes of a site to which the request didn't go; they don't forbid a NO."""

REFUSALS: Final = frozenset({Outcome.NO_OFFER, Outcome.REFUSED_4XX})
"""Outcomes by which a site said that it can't serve the request."""

CREDENTIALS_WANTED: Final = frozenset({Outcome.UNAUTHORIZED, Outcome.FORBIDDEN})
"""Outcomes by which a site asked for (other) credentials: the user's affair."""

WITHOUT_CREDENTIALS: Final = frozenset({*CREDENTIALS_WANTED, Outcome.NO_TOKEN})
"""Outcomes of a call that its site didn't carry out for lack of credentials."""

SILENT: Final = frozenset({Outcome.TIMEOUT, Outcome.PENDING})
"""Outcomes of a site from which nothing came in time."""

ANSWERED: Final = frozenset({Outcome.OK, *REFUSALS})
"""Outcomes by which a site answered a request for offers."""

SITE_FAULTS: Final = frozenset(
    {
        Outcome.MISCONFIGURED,
        Outcome.ERROR_5XX,
        Outcome.CONNECT_ERROR,
        Outcome.TIMEOUT,
        Outcome.BAD_PAYLOAD,
        Outcome.TOO_LARGE,
    }
)
"""Outcomes that speak against the site, and count towards its ejection."""

AMBIGUOUS: Final = frozenset(
    {
        Outcome.THROTTLED,
        Outcome.MISCONFIGURED,
        Outcome.ERROR_5XX,
        Outcome.CONNECT_ERROR,
        Outcome.TIMEOUT,
        Outcome.BAD_PAYLOAD,
        Outcome.TOO_LARGE,
        Outcome.CANCELLED,
        Outcome.BREAKER_OPEN,
        Outcome.BUSY,
    }
)
"""Outcomes of an update after which nobody knows whether the site took it."""


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """What one site's part of a fan-out brought.

    Attributes:
        seconds: From the start of the call to its end.
        messages: The site's own messages, as the canonical vocabulary has them.
        detail: What was wrong, in words for the user; empty where nothing was.
        retry_after: Seconds after which the site asked to be tried again.
        offer_count: How many offers it made, where they are kept elsewhere.
        surplus: Reservations that came without being asked for: never shown, only
            released.
        changes: How the request that went to the site differs from the user's, in
            words.
    """

    site: str
    outcome: Outcome
    offers: tuple[Offer, ...] = ()
    seconds: float = 0.0
    messages: tuple[Mapping[str, Any], ...] = ()
    detail: str = ""
    retry_after: float | None = None
    offer_count: int = 0
    surplus: tuple[Offer, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionReading:
    """What one site said of one of its sessions.

    Attributes:
        phase: The phase that the site gave; None where it gave none that is known.
        payload: The session in the canonical vocabulary; empty unless ``ok``.
        residue: What the site's dialect said that the canonical one can't.
    """

    site: str
    outcome: Outcome
    phase: SessionPhase | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    residue: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    detail: str = ""
    retry_after: float | None = None
