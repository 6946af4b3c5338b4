"""Events that the use cases tell ``ports.Telemetry``; what is counted is said here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.tallies import SiteHoldings
from aggregator.domain.tracing import Span


class Operation(StrEnum):
    """What a call to a site was for."""

    REQUEST = "request"
    SESSION = "session"
    UPDATE = "update"
    PROBE = "probe"
    SYNTHETIC = "synthetic"


class Completeness(StrEnum):
    """How much of the federation is in an answer."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NONE = "none"


class SiteState(StrEnum):
    """What is known of a site's health."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    EJECTED = "ejected"
    HALF_OPEN = "half_open"
    DRAINED = "drained"
    MAINTENANCE = "maintenance"
    DISABLED = "disabled"


class AcceptOutcome(StrEnum):
    """How an acceptance ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    AMBIGUOUS = "ambiguous"
    RECONCILED_ACCEPTED = "reconciled_accepted"
    RECONCILED_NOT = "reconciled_not"
    CONFLICT = "conflict"
    LOST = "lost"
    ADOPTED = "adopted"


class ReleaseOutcome(StrEnum):
    """How an attempt to release an offer ended."""

    RELEASED = "released"
    RETRIED = "retried"
    ABANDONED = "abandoned"


class ShedScope(StrEnum):
    """Who asked for too much at once."""

    ALL = "all"
    USER = "user"


class LookupOutcome(StrEnum):
    """What a replica catalogue said of one dataset."""

    LOCATED = "located"
    UNKNOWN = "unknown"
    UNANSWERED = "unanswered"


class TokenGrant(StrEnum):
    """What a token is asked for with: the user's token, or the service's own name."""

    EXCHANGE = "exchange"
    CLIENT_CREDENTIALS = "client_credentials"


class CacheOutcome(StrEnum):
    """What the memory of a replica catalogue had to say of one dataset."""

    HIT = "hit"
    UNKNOWN = "unknown"
    JOINED = "joined"
    MISSED = "missed"
    PAUSED = "paused"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class SiteCalled:
    """A call to a site ended."""

    site: str
    operation: Operation
    outcome: Outcome
    seconds: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class SiteInFlight:
    """The number of calls open to a site changed to ``calls``."""

    site: str
    calls: int


@dataclass(frozen=True, slots=True)
class SiteProbed:
    """A probe of a site found this out.

    Attributes:
        version: What the site says it runs, empty where it says nothing.
        clock_skew: Seconds by which its clock is ahead of ours, None if unknown.
        dialect: What is spoken to it, empty where that isn't known yet.
        certificate_expires: When its TLS certificate ends, None without TLS.
    """

    site: str
    version: str
    clock_skew: float | None
    dialect: str = ""
    certificate_expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class SiteStateChanged:
    """What is known of a site's health changed, because of ``reason``."""

    site: str
    state: SiteState
    reason: str


@dataclass(frozen=True, slots=True)
class SiteEjected:
    """A site's breaker opened because of ``reason``."""

    site: str
    reason: Outcome


@dataclass(frozen=True, slots=True)
class FanOutsUnderWay:
    """The number of fan-outs that clients wait for changed to ``count``."""

    count: int


@dataclass(frozen=True, slots=True)
class FanOutShed:
    """A request was refused because too much was asked at once.

    Attributes:
        scope: Whether by all together, or by one user.
    """

    scope: ShedScope


@dataclass(frozen=True, slots=True)
class FanOutFinished:
    """A fan-out was answered; ``asked``, ``answered``, ``not_asked`` count sites."""

    offer_set: str
    completeness: Completeness
    seconds: float
    asked: int
    answered: int
    not_asked: int


@dataclass(frozen=True, slots=True)
class SiteNotAsked:
    """A request for offers didn't go to a site, because of ``reason``."""

    site: str
    reason: Outcome


@dataclass(frozen=True, slots=True)
class OffersReceived:
    """A site made ``count`` offers."""

    site: str
    count: int


@dataclass(frozen=True, slots=True)
class OffersReturned:
    """``count`` offers of a site went to the client, at these ranks (from 1)."""

    site: str
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OffersFiltered:
    """A filter of the ranking policy took ``count`` offers."""

    filter: str
    count: int


@dataclass(frozen=True, slots=True)
class LateAnswered:
    """A site answered after its fan-out was; ``joined`` if its offers were taken in."""

    site: str
    joined: bool


@dataclass(frozen=True, slots=True)
class AcceptFinished:
    """An acceptance ended, or changed its state.

    Attributes:
        rank: The place of the offer in its set, from 1.
    """

    site: str
    session: str
    outcome: AcceptOutcome
    rank: int


@dataclass(frozen=True, slots=True)
class AmbiguousAccepts:
    """The number of acceptances whose outcome nobody knows changed to ``count``."""

    count: int


@dataclass(frozen=True, slots=True)
class ReleaseTried:
    """An attempt to release an offer ended; ``lag`` in seconds since it was queued."""

    site: str
    session: str
    outcome: ReleaseOutcome
    lag: float


@dataclass(frozen=True, slots=True)
class HoldingsCounted:
    """What each site held for users at ``moment``, over all replicas."""

    by_site: Mapping[str, SiteHoldings]
    moment: datetime


@dataclass(frozen=True, slots=True)
class OffersExpired:
    """``count`` offers of a site ran to their end, and nobody had wanted them."""

    site: str
    count: int


@dataclass(frozen=True, slots=True)
class RoutesCounted:
    """The store knows the sites of ``count`` offers and sessions."""

    count: int


@dataclass(frozen=True, slots=True)
class ReleasesQueued:
    """The number of releases that wait changed to ``count``."""

    count: int


@dataclass(frozen=True, slots=True)
class StartObserved:
    """An accepted session started ``error`` seconds after its estimated start."""

    site: str
    error: float


@dataclass(frozen=True, slots=True)
class RegretObserved:
    """A session started ``seconds`` after the best estimate of another offer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SiteCalibrated:
    """How late a site's sessions start was learned anew.

    Attributes:
        lateness: The median of observed less promised start, in seconds, with a prior.
        starts: How many starts that rests on.
        censored: Accepted sessions whose start wasn't seen.
    """

    site: str
    lateness: float
    starts: int
    censored: int


@dataclass(frozen=True, slots=True)
class SiteUsed:
    """What accepted sessions lately used of a site, in decayed core-hours."""

    site: str
    core_hours: float


@dataclass(frozen=True, slots=True)
class SessionPhaseSeen:
    """A session that its user took, or gave up, was first seen in a phase."""

    site: str
    phase: SessionPhase


@dataclass(frozen=True, slots=True)
class DataLookedUp:
    """``count`` datasets of a request were looked up in the replica catalogue."""

    outcome: LookupOutcome
    count: int


@dataclass(frozen=True, slots=True)
class CatalogueAsked:
    """A call to a replica catalogue ended; ``catalogue`` is its kind."""

    catalogue: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """A token issuer was asked for a token.

    Attributes:
        issuer: Its name in the configuration.
        grant: What the token was asked for with.
        error: The code by which the issuer refused, empty where it named none.
    """

    issuer: str
    grant: TokenGrant
    outcome: Outcome
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueRemembered:
    """The memory of a replica catalogue was asked for ``count`` datasets."""

    outcome: CacheOutcome
    count: int


@dataclass(frozen=True, slots=True)
class HttpAnswered:
    """We answered a request; ``route`` is the template of its path."""

    method: str
    route: str
    status: int
    seconds: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The configuration was read again; ``detail`` says why not, where it wasn't."""

    success: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RegistryRead:
    """The site registry was read, or could not be.

    Attributes:
        sites: The configured sites of which it, or what is remembered, tells.
        faults: What in it could not be understood; 0 where it wasn't read.
    """

    success: bool
    sites: int
    faults: int


Event = (
    SiteCalled
    | SiteInFlight
    | SiteProbed
    | SiteStateChanged
    | SiteEjected
    | FanOutsUnderWay
    | FanOutShed
    | FanOutFinished
    | SiteNotAsked
    | OffersReceived
    | OffersReturned
    | OffersFiltered
    | LateAnswered
    | AcceptFinished
    | AmbiguousAccepts
    | ReleaseTried
    | HoldingsCounted
    | OffersExpired
    | RoutesCounted
    | ReleasesQueued
    | StartObserved
    | RegretObserved
    | SiteCalibrated
    | SiteUsed
    | SessionPhaseSeen
    | DataLookedUp
    | CatalogueAsked
    | TokenAsked
    | CatalogueRemembered
    | HttpAnswered
    | Reloaded
    | RegistryRead
)
