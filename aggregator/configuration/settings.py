"""The settings of the service: what ``metabroker.yaml`` may hold.

Times are in seconds, sizes in bytes. Limits have the types of the use cases.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from aggregator.configuration.addresses import (
    bound_url,
    default_broker_id,
    is_loopback,
    read_authority,
    read_base_url,
    read_host,
    read_host_port,
)
from aggregator.configuration.catalogues import CatalogueEntry
from aggregator.configuration.registries import RegistryEntry
from aggregator.configuration.validation import Entry
from aggregator.services.limits import (
    AcceptanceLimits,
    BudgetLimits,
    DecisionLimits,
    FanOutLimits,
    FollowLimits,
    HealthLimits,
    ReleaseLimits,
    ReloadLimits,
    RetentionLimits,
    StatusLimits,
    WatchLimits,
)

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"
]
"""Signatures by an issuer's private key; shared secrets and ``none`` are not taken."""

DATABASE: Final = "metabroker.sqlite"
"""The file of the default store, under the state directory."""

_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = "postgresql://"
_BROKER_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}(:\d{1,5})?")


def _store_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith((_SQLITE, _POSTGRESQL)):
        raise ValueError(f"should begin with {_SQLITE} or {_POSTGRESQL}")
    return url


def _broker_id(text: str) -> str:
    if _BROKER_ID.fullmatch(text) is None:
        raise ValueError("should be a host's name, with or without :port")
    return text


class Listen(Entry):
    """Where the service listens; port 0 is any that is free."""

    host: Annotated[str, AfterValidator(read_host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080


def _loopback(text: str) -> str:
    host, _ = read_host_port(text)
    if not is_loopback(host):
        raise ValueError(
            f"should be on this machine alone, such as 127.0.0.1:8081, not at {host}:"
            " whoever reaches it is an operator"
        )
    return text


class Operators(Entry):
    """Who is an operator beside the members of ``auth.operators``.

    Attributes:
        listen: Where operators are let in without a token, as host:port of a
            loopback address; None for nowhere.
    """

    listen: Annotated[str, AfterValidator(_loopback)] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of that place."""
        return None if self.listen is None else read_host_port(self.listen)


class Bodies(Entry):
    """The largest bodies that are read, in bytes: a client's and a site's."""

    max_request_bytes: Annotated[int, Field(ge=1024, le=16 * 2**20)] = 256 * 2**10
    max_site_bytes: Annotated[int, Field(ge=1024, le=256 * 2**20)] = 4 * 2**20


class Auth(Entry):
    """How clients show who they are.

    Attributes:
        mode: ``off`` takes everybody as anonymous, ``optional`` those without a
            token, ``required`` nobody.
        issuer: The token issuer's URL, whose keys are found by discovery.
        audience: What a token's ``aud`` must contain.
        algorithms: With which tokens may be signed.
        leeway: Seconds by which clocks may differ.
        operators: The group whose members are operators.
        home_site_claim: The claim of tokens that names the user's home site.
    """

    mode: Literal["off", "optional", "required"] = "off"
    issuer: Annotated[str, AfterValidator(read_base_url)] | None = None
    audience: Annotated[str, Field(min_length=1)] | None = None
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = (
        "RS256",
        "ES256",
    )
    leeway: Annotated[float, Field(ge=0, le=300)] = 60.0
    operators: str | None = None
    home_site_claim: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _know_the_issuer(self) -> "Auth":
        if self.mode != "off" and not (self.issuer and self.audience):
            raise ValueError(f"mode {self.mode} needs issuer and audience")
        return self


class Log(Entry):
    """What is logged, and how: JSON lines for machines, text for a console."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Tracing(Entry):
    """Where spans are sent, over OTLP/HTTP; needs the extra ``tracing``."""

    endpoint: Annotated[str, AfterValidator(read_base_url)] | None = None


def _host_port(text: str) -> str:
    read_host_port(text)
    return text


class Metrics(Entry):
    """Where ``/metrics`` is served.

    Attributes:
        listen: A place of their own, as host:port; None is beside everything else.
    """

    listen: Annotated[str, AfterValidator(_host_port)] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of that place."""
        return None if self.listen is None else read_host_port(self.listen)


class Settings(Entry):
    """All settings of one service.

    Attributes:
        public_url: The base of every URL that clients get; None where it is the
            bound loopback address.
        trusted_hosts: Values of the Host header that may take its place.
        broker_id: The service's name in ``Via``; None derives it from the URL.
        state: The directory of what must outlive the process, relative to the
            working directory.
        store: A database URL; None for a file in ``state``.
        sites: The file of the sites, like the next three relative to this file.
        links: The file of throughput between sites, if there is one.
        replicas: The file of the static replica catalogue, if there is one.
        enrich: Whether sites are told the replicas and sizes that the catalogue knows
            of data for which the client names none.
        dialect_probe: Whether a site of dialect ``auto`` may be sent an empty request
            to find out which it speaks.
        locate: Whether a session that is not known here is looked for at the sites,
            where nobody is authenticated or with the client's own token.
        standard_id: The IVOA identifier under which ``/capabilities`` names us.
        ranking: Policies, first match first, or directories of ``*.yaml`` files,
            which are taken in the order of their names.
    """

    listen: Listen = Listen()
    public_url: Annotated[str, AfterValidator(read_base_url)] | None = None
    trusted_hosts: tuple[Annotated[str, AfterValidator(read_authority)], ...] = ()
    broker_id: Annotated[str, AfterValidator(_broker_id)] | None = None
    state: Path = Path("state")
    store: Annotated[SecretStr, AfterValidator(_store_url)] | None = None
    sites: Path = Path("sites.yaml")
    links: Path | None = None
    replicas: Path | None = None
    catalogue: CatalogueEntry = CatalogueEntry()
    enrich: bool = False
    ranking: Annotated[tuple[Path, ...], Field(min_length=1)] = (Path("ranking"),)
    fan_out: FanOutLimits = FanOutLimits()
    status: StatusLimits = StatusLimits()
    acceptance: AcceptanceLimits = AcceptanceLimits()
    releases: ReleaseLimits = ReleaseLimits()
    watcher: WatchLimits = WatchLimits()
    health: HealthLimits = HealthLimits()
    budget: BudgetLimits = BudgetLimits()
    following: FollowLimits = FollowLimits()
    retention: RetentionLimits = RetentionLimits()
    decisions: DecisionLimits = DecisionLimits()
    reload: ReloadLimits = ReloadLimits()
    bodies: Bodies = Bodies()
    auth: Auth = Auth()
    operators: Operators = Operators()
    registry: RegistryEntry = RegistryEntry()
    dialect_probe: bool = True
    locate: bool = True
    standard_id: Annotated[str, Field(pattern=r"^ivo://\S+$")] = (
        "ivo://ivoa.net/std/ExecutionBroker"
    )
    log: Log = Log()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()

    @property
    def store_url(self) -> str:
        """The database URL; it might hold a password."""
        if self.store is not None:
            return self.store.get_secret_value()
        return f"{_SQLITE}{self.state / DATABASE}"

    def base_url(self, port: int) -> str:
        """Return the base of every URL that clients get.

        Args:
            port: The port that the service was bound to.
        """
        return self.public_url or bound_url(self.listen.host, port)

    def via_name(self, port: int, hostname: str) -> str:
        """Return the service's name in ``Via``.

        Args:
            port: The port that the service was bound to.
            hostname: This machine's name.
        """
        return self.broker_id or default_broker_id(self.base_url(port), hostname)
