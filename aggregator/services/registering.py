"""Registering: what the site registry knows is laid over the configured sites.

The registry is read in the background. While it is away, what it said last stays; a
start begins with what the store remembers of it, and waits for nothing.
"""

import asyncio
import random
from dataclasses import replace
from typing import Final

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import RegistryRead
from aggregator.domain.registry import Registration, overlaid, rse_sites
from aggregator.ports.clock import Clock
from aggregator.ports.registry import (
    RegistryMemory,
    RegistryUnavailable,
    SiteRegistry,
)
from aggregator.ports.snapshot import Federation, FederationHolder
from aggregator.ports.telemetry import Telemetry
from aggregator.services.reconfiguring import Reconfiguring

_log = structlog.get_logger(__name__)
_SOONER: Final = 30.0
"""The longest pause after a failure, in seconds."""


class RegisteredFederation:
    """The configured federation with the registry's knowledge laid over its sites.

    Implements ``ports.snapshot.FederationHolder`` around another.
    """

    def __init__(self, holder: FederationHolder, clock: Clock) -> None:
        self._holder = holder
        self._clock = clock
        self._configured = holder.current()
        self._registration: Registration | None = None

    @property
    def configured(self) -> Federation:
        """The federation as it is configured, without the registry."""
        return self._configured

    def current(self) -> Federation:
        """Return the present federation."""
        return self._holder.current()

    def replace(self, federation: Federation) -> Federation:
        """Put a federation in the place of the present one, the registry over it."""
        self._configured = federation
        return self._holder.replace(self._overlaid(federation))

    def learn(self, registration: Registration) -> None:
        """Know what the registry says, from the next ``replace`` on."""
        self._registration = registration

    def is_behind(self) -> bool:
        """Whether the present federation differs from what it would be now."""
        wanted = self._overlaid(self._configured)
        present = self._holder.current()
        return (wanted.sites, wanted.links) != (present.sites, present.links)

    def known_sites(self) -> int:
        """Count the configured sites of which the registry says something."""
        registration = self._registration
        if registration is None:
            return 0
        sites = (one.site for one in self._configured.sites.values())
        return sum(registration.entry_of(site) is not None for site in sites)

    def _overlaid(self, federation: Federation) -> Federation:
        registration = self._registration
        if registration is None:
            return federation
        sites = overlaid(
            [one.site for one in federation.sites.values()],
            registration,
            federation.links,
            self._clock.now(),
        )
        return replace(
            federation,
            sites={
                site.name: replace(federation.sites[site.name], site=site)
                for site in sites
            },
            links=replace(
                federation.links, rse_sites=rse_sites(sites, federation.links)
            ),
        )


class Registering:
    """Keeps the federation up to date with the registry.

    Args:
        registry: Where to read.
        memory: Keeps what was read, for the next start.
        federation: Lays it over the sites.
        reconfiguring: Has it take effect.
        telemetry: Is told of each reading.
        interval: Seconds between two readings.
        timeout: The longest that one may take.
    """

    def __init__(
        self,
        *,
        registry: SiteRegistry,
        memory: RegistryMemory,
        federation: RegisteredFederation,
        reconfiguring: Reconfiguring,
        telemetry: Telemetry,
        interval: float,
        timeout: float,
    ) -> None:
        self._registry = registry
        self._memory = memory
        self._federation = federation
        self._reconfiguring = reconfiguring
        self._telemetry = telemetry
        self._interval = interval
        self._timeout = timeout

    async def run(self) -> None:
        """Begin with what is remembered, then read until cancelled."""
        await self.recall()
        while True:
            pause = self._interval
            if not await self.refresh():
                pause = min(pause, _SOONER)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter, not a secret

    async def recall(self) -> None:
        """Have what the registry said before take effect, if anything is known."""
        try:
            remembered = await self._memory.recall()
        except StoreUnavailable as error:
            _log.warning("registry_not_recalled", reason=error.detail)
            return
        if remembered is not None:
            self._federation.learn(remembered)
            _log.info("registry_recalled", read=str(remembered.read))
            self._catch_up()

    async def refresh(self) -> bool:
        """Read the registry once; say whether it answered.

        The time of day matters also where it doesn't: downtimes begin and end.
        """
        registration = await self._read()
        if registration is not None:
            self._federation.learn(registration)
        self._catch_up()
        self._telemetry.record(
            RegistryRead(
                success=registration is not None,
                sites=self._federation.known_sites(),
                faults=0 if registration is None else len(registration.faults),
            )
        )
        if registration is not None:
            await self._remember(registration)
        return registration is not None

    async def _read(self) -> Registration | None:
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            registration = await self._registry.read(deadline)
        except RegistryUnavailable as error:
            _log.warning("registry_not_read", reason=str(error))
            return None
        for fault in registration.faults:
            _log.info("registry_fault", fault=fault)
        return registration

    async def _remember(self, registration: Registration) -> None:
        try:
            await self._memory.remember(registration)
        except StoreUnavailable as error:
            _log.warning("registry_not_remembered", reason=error.detail)

    def _catch_up(self) -> None:
        if self._federation.is_behind():
            self._reconfiguring.apply(self._federation.configured)
