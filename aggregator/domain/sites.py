"""Sites: the places that run Execution Brokers, as the operator configured them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Required(StrEnum):
    """When a fan-out waits for a site until the deadline, whatever the quorum."""

    ALWAYS = "always"
    NEVER = "never"
    WHEN_IT_HOLDS_DATA = "when-it-holds-data"


class CredentialsMode(StrEnum):
    """What is sent to a site as credentials.

    Nothing; what the client sent; a token for that site alone, for which the client's
    was exchanged (RFC 8693); a token of the service itself (RFC 6749 section 4.4).
    """

    NONE = "none"
    RELAY = "relay"
    EXCHANGE = "exchange"
    CLIENT_CREDENTIALS = "client_credentials"


USERS_OWN: Final = frozenset({CredentialsMode.RELAY, CredentialsMode.EXCHANGE})
"""Modes in which a site is shown who the user is."""


class ReleaseCredentials(StrEnum):
    """What releases show to a site where the user's own credentials don't do."""

    NONE = "none"
    CLIENT_CREDENTIALS = "client_credentials"


class DataKind(StrEnum):
    """How a request can name the data that it needs."""

    SIMPLE = "simple"
    S3 = "s3"
    RUCIO = "rucio"
    IVOA = "ivoa"
    SKAO = "skao"


class SiteKind(StrEnum):
    """What answers at a site's URL."""

    BROKER = "broker"
    METABROKER = "metabroker"


@dataclass(frozen=True, slots=True)
class Downtime:
    """A time in which a site is not to be used."""

    start: datetime
    end: datetime
    reason: str = ""
    planned: bool = True

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether any moment of ``start`` to ``end`` lies in the downtime."""
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class Site:
    """One site of the federation.

    Attributes:
        name: Its name in configuration, metrics, messages and pages.
        node: The SRCNet node that it belongs to.
        url: The base URL of its broker, without a trailing slash.
        adapter: The name of the adapter that speaks to it.
        dialect: The dialect that it speaks, or ``auto``.
        country: ISO 3166 code; latitude and longitude in degrees.
        rses: Names of the storage elements whose data the site reads locally.
        data_kinds: The kinds of data that its broker knows.
        schedule_includes_staging: Whether the site's own ``preparing`` counts the
            time that staging takes.
        ingest_gbps: How fast the site can take data in, None where unknown.
        release_credentials: What releases show where the user's credentials don't do.
        token_issuer: The name of the issuer of tokens for it, empty where none is
            needed.
        audience: Whom these tokens are for.
        scope: What they allow, empty for what the issuer gives by itself.
        in_flight: Calls that may be open to it at once.
        connect_timeout: Seconds for a connection to come about.
        registered_as: Its name in the site registry, empty where that is its own.
        disabled_because: Who disabled it, empty where the configuration did.
    """

    name: str
    url: str
    node: str = ""
    adapter: str = "execution-broker"
    dialect: str = "auto"
    kind: SiteKind = SiteKind.BROKER
    enabled: bool = True
    required: Required = Required.WHEN_IT_HOLDS_DATA
    credentials: CredentialsMode = CredentialsMode.NONE
    release_credentials: ReleaseCredentials = ReleaseCredentials.NONE
    token_issuer: str = ""
    audience: str = ""
    scope: str = ""
    description: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    rses: tuple[str, ...] = ()
    data_kinds: tuple[DataKind, ...] = tuple(DataKind)
    schedule_includes_staging: bool = False
    ingest_gbps: float | None = None
    in_flight: int = 32
    connect_timeout: float = 3.0
    downtimes: tuple[Downtime, ...] = ()
    registered_as: str = ""
    disabled_because: str = ""

    def downtime_at(self, moment: datetime) -> Downtime | None:
        """Return the downtime in which ``moment`` lies, if there is one."""
        for downtime in self.downtimes:
            if downtime.start <= moment < downtime.end:
                return downtime
        return None
