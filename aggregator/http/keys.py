"""What handlers find in the application."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from aggregator.domain.principal import Principal
from aggregator.domain.tracing import Span
from aggregator.ports.clock import Clock
from aggregator.ports.identity import TokenVerifier
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.telemetry import Telemetry
from aggregator.services.decisions import Decisions
from aggregator.services.draining import Draining
from aggregator.services.failover import Failover
from aggregator.services.following import Following
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.services.readiness import Readiness
from aggregator.services.repeating import Repeating
from aggregator.services.replaying import Replaying
from aggregator.services.sessions import Sessions
from aggregator.services.site_board import SiteBoard
from aggregator.services.site_health import SiteHealth
from aggregator.services.updating import Updating


@dataclass(frozen=True, slots=True)
class UseCases:
    """All that handlers call."""

    repeating: Repeating
    following: Following
    offer_sets: ShownOfferSets
    decisions: Decisions
    replaying: Replaying
    sessions: Sessions
    updating: Updating
    failover: Failover
    site_health: SiteHealth
    board: SiteBoard
    draining: Draining
    snapshot: Snapshot
    readiness: Readiness
    clock: Clock
    telemetry: Telemetry


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How we speak HTTP.

    Attributes:
        public_url: Returns the URL on which all links are built, without a
            trailing slash; a callable because an unset one is the bound address.
        trusted_hosts: Values of the Host header that may take its place.
        broker_id: Our name in ``Via``.
        max_request_bytes: The largest body that is read.
        body_timeout: Seconds within which a body must have come.
        version: Our version, as ``/ping`` tells it.
        started: When the service began.
        standard_id: The IVOA identifier under which we are a broker.
        traced: Whether traces that begin here are recorded.
    """

    public_url: Callable[[], str]
    broker_id: str
    version: str
    started: datetime
    standard_id: str = "ivo://ivoa.net/std/ExecutionBroker"
    traced: bool = False
    trusted_hosts: frozenset[str] = frozenset()
    max_request_bytes: int = 262_144
    body_timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who is let in: no verifier lets everybody in as anonymous.

    Attributes:
        required: Whether a token must be sent.
        operators: The group whose members are operators.
        trusts_place: Whether all who reach us here from this machine are, too.
    """

    verifier: TokenVerifier | None = None
    required: bool = False
    operators: str | None = None
    trusts_place: bool = False


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metrics, as a scraper reads them: returns body and content type."""

    render: Callable[[str], tuple[bytes, str]]


USE_CASES: Final = web.AppKey("use_cases", UseCases)
HTTP_SETTINGS: Final = web.AppKey("http_settings", HttpSettings)
AUTHENTICATION: Final = web.AppKey("authentication", Authentication)
EXPOSITION: Final = web.AppKey("exposition", Exposition)
REQUEST_ID: Final = web.RequestKey("request_id", str)
SPAN: Final = web.RequestKey("span", Span)
PRINCIPAL: Final = web.RequestKey("principal", Principal)
