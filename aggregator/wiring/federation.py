"""The federation: what the configuration names, brought to life."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from aggregator.catalogue.caching import CacheLimits
from aggregator.catalogue.services import NetworkCatalogue
from aggregator.catalogue.static import StaticCatalogue
from aggregator.configuration.components import installed_components
from aggregator.configuration.loading import Configuration, load
from aggregator.configuration.settings import Settings
from aggregator.credentials.of_sites import CredentialsPool
from aggregator.credentials.secrets import Secret
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import FederatedSite, Federation
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.wire.dialects import DIALECTS
from site_adapters.base import CallLimits
from site_adapters.pool import AdapterPool
from site_adapters.registry import adapter_factories


class WallClock:
    """The time of day of this machine."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)


def load_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read the settings at ``path`` and all files that they name.

    Raises:
        ConfigurationError: With all that is wrong, each with file, line and column.
    """
    return load(
        path,
        environ,
        adapters=adapter_factories().keys(),
        dialects=DIALECTS.keys(),
        components=installed_components(),
    )


def adapter_pool(
    settings: Settings, session: aiohttp.ClientSession, clock: Clock
) -> AdapterPool:
    """Return the adapters of all sites, made as they are needed."""
    limits = CallLimits(
        body=settings.bodies.max_site_bytes, offers=settings.fan_out.offers
    )
    return AdapterPool(
        adapter_factories(),
        session,
        limits,
        clock,
        dialect_probe=settings.dialect_probe,
    )


def network_catalogue(
    configuration: Configuration,
    session: aiohttp.ClientSession,
    background: Background,
    telemetry: Telemetry,
) -> NetworkCatalogue | None:
    """Return the replica catalogue on the network, None where there is none."""
    entry, secret = configuration.settings.catalogue, configuration.catalogue_token
    if entry.url is None:
        return None
    return NetworkCatalogue(
        entry.kind,
        entry.url,
        Secret(secret.given, secret.file) if secret.given or secret.file else None,
        entry.account,
        CacheLimits(
            timeout=entry.timeout,
            ttl=entry.ttl,
            negative_ttl=entry.negative_ttl,
            stale_for=entry.stale_for,
            pause=entry.pause,
            entries=entry.entries,
        ),
        session,
        background,
        telemetry,
    )


def federation_of(
    configuration: Configuration,
    adapters: AdapterPool,
    credentials: CredentialsPool,
    catalogue: NetworkCatalogue | None,
) -> Federation:
    """Return the federation that a configuration describes."""
    issued = credentials.credentials(configuration.sites, configuration.token_issuers)
    entries = StaticCatalogue(configuration.located)
    return Federation(
        sites={
            site.name: FederatedSite(
                site, adapter, adapter, adapter, issued.get(site.name)
            )
            for site in configuration.sites
            for adapter in [adapters.adapter(site)]
        },
        policies=configuration.policies,
        links=configuration.links,
        catalogue=entries if catalogue is None else catalogue.beside(entries),
        retired={},
        revision=1,
    )
