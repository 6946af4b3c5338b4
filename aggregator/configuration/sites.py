"""One site of the federation: what an entry of ``sites.yaml`` may hold."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from aggregator.configuration.addresses import host_of, is_loopback, read_base_url
from aggregator.configuration.validation import Entry
from aggregator.domain.sites import (
    CredentialsMode,
    DataKind,
    Downtime,
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


Rse = Annotated[str, AfterValidator(_rse)]
Gbps = Annotated[float, Field(gt=0)]


class BrokerEntry(Entry):
    """How a site's broker is reached."""

    url: Annotated[str, AfterValidator(read_base_url)]
    adapter: str = USUAL_ADAPTER
    dialect: str = AUTO
    kind: SiteKind = SiteKind.BROKER
    credentials: CredentialsMode = CredentialsMode.NONE
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


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"has {text.strip()!r}, which is no instant such as 2026-01-31T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"has {text.strip()!r}, which has no time zone: add a Z")
    return moment.astimezone(UTC)


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
