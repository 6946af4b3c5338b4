"""The adapters of one service: a site keeps its own while its broker stays the same.

An adapter remembers what it found out of its site, such as the dialect. So one that is
there already goes on being used when the configuration is read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

import aiohttp

from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from site_adapters.base import AdapterFactory, CallLimits, SiteAdapter

_OF_THE_FEDERATION: Final = frozenset(
    {
        "audience",
        "country",
        "description",
        "disabled_because",
        "downtimes",
        "enabled",
        "in_flight",
        "ingest_gbps",
        "latitude",
        "longitude",
        "node",
        "registered_as",
        "release_credentials",
        "required",
        "rses",
        "schedule_includes_staging",
        "scope",
        "token_issuer",
    }
)
"""What of a site doesn't concern its adapter: only the federation reads it."""

_Key = tuple[object, ...]


class AdapterPool:
    """Makes adapters, and keeps them.

    Args:
        factories: What makes an adapter, by its name.
        session: By which sites are called.
        limits: Bounds of what one answer may cost.
        clock: The time of day.
        dialect_probe: Whether adapters may probe dialects.
    """

    def __init__(
        self,
        factories: Mapping[str, AdapterFactory],
        session: aiohttp.ClientSession,
        limits: CallLimits,
        clock: Clock,
        *,
        dialect_probe: bool,
    ) -> None:
        self._factories = factories
        self._session = session
        self._limits = limits
        self._clock = clock
        self._dialect_probe = dialect_probe
        self._adapters: dict[_Key, SiteAdapter] = {}

    def adapter(self, site: Site) -> SiteAdapter:
        """Return the adapter that speaks to the broker of ``site``."""
        key = _key(site)
        if key not in self._adapters:
            self._adapters[key] = self._factories[site.adapter](
                site,
                self._session,
                self._limits,
                clock=self._clock,
                dialect_probe=self._dialect_probe,
            )
        return self._adapters[key]

    def keep(self, sites: Iterable[Site]) -> None:
        """Forget all adapters but those of ``sites``."""
        wanted = {_key(site) for site in sites}
        self._adapters = {k: a for k, a in self._adapters.items() if k in wanted}


def _key(site: Site) -> _Key:
    return tuple(
        getattr(site, field.name)
        for field in fields(site)
        if field.name not in _OF_THE_FEDERATION
    )
