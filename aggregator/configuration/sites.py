"""One site of the federation: what an entry of ``sites.yaml`` may hold."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from aggregator.configuration.addresses import host_of, is_loopback, read_base_url
from aggregator.configuration.validation import Entry
from aggregator.domain.sites import (
    USERS_OWN,
    CredentialsMode,
    DataKind,
    Downtime,
    ReleaseCredentials,
    Required,
    Site,
    SiteKind,
)

AUTO: Final = "auto"
"""The dialect of a site that is asked which one it speaks."""

USUAL_ADAPTER: Final = "execution-broker"
"""The adapter of a site that names none."""

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_AUDIENCE: Final = re.compile(r"[\x21-\x7e]{1,512}")
_SCOPE: Final = re.compile(
    r"(?=.{1,512}$)[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*"
)
_OF_ISSUERS: Final = frozenset(
    {CredentialsMode.EXCHANGE, CredentialsMode.CLIENT_CREDENTIALS}
)


def _site_name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError(
            "should be of lower-case letters, digits and inner hyphens, such as jpsrc"
        )
    return text


def _country(text: str) -> str:
    if _COUNTRY.fullmatch(text) is None:
        raise ValueError("should be two capital letters of ISO 3166, such as JP")
    return text


def _rse(text: str) -> str:
    if not text.strip():
        raise ValueError("should be the name of a storage element")
    return text.strip()


def _audience(text: str) -> str:
    if _AUDIENCE.fullmatch(text) is None:
        raise ValueError("should be the name or URL of whom tokens are for")
    return text


def _scope(text: str) -> str:
    if _SCOPE.fullmatch(text) is None:
        raise ValueError("should be scopes with one space between each two")
    return text


Rse = Annotated[str, AfterValidator(_rse)]
Gbps = Annotated[float, Field(gt=0)]


class BrokerEntry(Entry):
    """How a site's broker is reached."""

    url: Annotated[str, AfterValidator(read_base_url)]
    adapter: str = USUAL_ADAPTER
    dialect: str = AUTO
    kind: SiteKind = SiteKind.BROKER
    credentials: CredentialsMode = CredentialsMode.NONE
    release_credentials: ReleaseCredentials | None = None
    token_issuer: str | None = None
    audience: Annotated[str, AfterValidator(_audience)] | None = None
    scope: Annotated[str, AfterValidator(_scope)] | None = None
    connect_timeout: Annotated[float, Field(gt=0, le=60)] = 3.0
    in_flight: Annotated[int, Field(ge=1, le=10_000)] = 32

    @model_validator(mode="after")
    def _keep_credentials_private(self) -> "BrokerEntry":
        private = self.url.startswith("https://") or is_loopback(host_of(self.url))
        if self.credentials is not CredentialsMode.NONE and not private:
            raise ValueError(
                f"credentials {self.credentials} need an https URL, so that nobody"
                " on the way reads them"
            )
        return self

    @model_validator(mode="after")
    def _name_whom_tokens_come_from(self) -> "BrokerEntry":
        mode = self.credentials
        if self.release_credentials is not None and mode not in USERS_OWN:
            raise ValueError(
                "release_credentials are for credentials relay or exchange, not"
                f" {mode}: there releases show what all calls show"
            )
        if not self.needs_issuer:
            for key in ("token_issuer", "audience", "scope"):
                if getattr(self, key) is not None:
                    raise ValueError(
                        f"{key} is for credentials exchange or client_credentials, or"
                        " release_credentials client_credentials"
                    )
        elif self.token_issuer is None:
            key, value = (
                ("credentials", mode)
                if mode is not CredentialsMode.RELAY
                else ("release_credentials", self.release_credentials)
            )
            raise ValueError(f"{key} {value} need a token_issuer")
        if mode is CredentialsMode.EXCHANGE and self.audience is None:
            raise ValueError(
                "credentials exchange need an audience: a token that is good for this"
                " site alone"
            )
        return self

    @property
    def needs_issuer(self) -> bool:
        """Whether tokens are issued for calls to the site."""
        return (
            self.credentials in _OF_ISSUERS
            or self.release_credentials is ReleaseCredentials.CLIENT_CREDENTIALS
        )

    @property
    def forgets_releases(self) -> bool:
        """Whether it wasn't said what releases show when the user's token is gone."""
        return self.credentials in USERS_OWN and self.release_credentials is None


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"has {text.strip()!r}, which is no instant such as 2026-01-31T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"has {text.strip()!r}, which has no time zone: add a Z")
    return in_utc


def _range(text: str) -> tuple[datetime, datetime]:
    first, to, last = text.partition(" to ")
    if not to:
        raise ValueError("should be '<instant> to <instant>'")
    start, end = _instant(first), _instant(last)
    if end <= start:
        raise ValueError("ends before it starts")
    return start, end


def _range_text(text: str) -> str:
    _range(text)
    return text


class DowntimeEntry(Entry):
    """A downtime, as the Site Capabilities service writes it."""

    date_range: Annotated[str, AfterValidator(_range_text)]
    type: Literal["Planned", "Unplanned"] = "Planned"
    reason: str = ""

    def as_downtime(self) -> Downtime:
        """Return the downtime as the domain knows it."""
        start, end = _range(self.date_range)
        return Downtime(start, end, self.reason, planned=self.type == "Planned")


class SiteEntry(Entry):
    """One site."""

    name: Annotated[str, AfterValidator(_site_name)]
    broker: BrokerEntry
    node: str = ""
    country: Annotated[str, AfterValidator(_country)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    description: str = ""
    rses: tuple[Rse, ...] = ()
    data_kinds: tuple[DataKind, ...] = tuple(DataKind)
    required: Required = Required.WHEN_IT_HOLDS_DATA
    schedule_includes_staging: bool = False
    ingest_gbps: Gbps | None = None
    enabled: bool = True
    downtime: tuple[DowntimeEntry, ...] = ()
    registered_as: str = ""

    @model_validator(mode="after")
    def _whole_position(self) -> "SiteEntry":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together")
        return self

    def as_site(self) -> Site:
        """Return the site as the domain knows it."""
        return Site(
            name=self.name,
            url=self.broker.url,
            node=self.node,
            adapter=self.broker.adapter,
            dialect=self.broker.dialect,
            kind=self.broker.kind,
            enabled=self.enabled,
            required=self.required,
            credentials=self.broker.credentials,
            release_credentials=self.broker.release_credentials
            or ReleaseCredentials.NONE,
            token_issuer=self.broker.token_issuer or "",
            audience=self.broker.audience or "",
            scope=self.broker.scope or "",
            description=self.description,
            country=self.country or "",
            latitude=self.latitude,
            longitude=self.longitude,
            rses=self.rses,
            data_kinds=self.data_kinds,
            schedule_includes_staging=self.schedule_includes_staging,
            ingest_gbps=self.ingest_gbps,
            in_flight=self.broker.in_flight,
            connect_timeout=self.broker.connect_timeout,
            downtimes=tuple(entry.as_downtime() for entry in self.downtime),
            registered_as=self.registered_as,
        )
