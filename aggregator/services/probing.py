"""Probing: a cheap look at every site on an interval, each with its own pace."""

import asyncio
import random

from aggregator.domain.events import Operation, SiteCalled, SiteProbed
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite, Snapshot
from aggregator.ports.telemetry import Telemetry
from aggregator.services.limits import HealthLimits
from aggregator.services.site_health import SiteHealth


class Probing:
    """Probes all enabled sites at once, then waits out the interval."""

    def __init__(
        self,
        snapshot: Snapshot,
        health: SiteHealth,
        telemetry: Telemetry,
        limits: HealthLimits,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._telemetry = telemetry
        self._limits = limits

    async def run(self) -> None:
        """Probe until cancelled. The pauses are jittered, so that probes don't beat."""
        while True:
            await self.probe_all()
            await asyncio.sleep(self._limits.interval * random.uniform(0.9, 1.1))  # noqa: S311 -- jitter, not a secret

    async def probe_all(self) -> None:
        """Probe every enabled site once."""
        async with asyncio.TaskGroup() as group:
            for site in self._snapshot.current().sites.values():
                if site.site.enabled:
                    group.create_task(self._probe(site))

    async def _probe(self, site: FederatedSite) -> None:
        deadline = asyncio.get_running_loop().time() + self._limits.timeout
        reading = await site.probe.probe(CallContext(deadline=deadline))
        name = site.site.name
        self._health.note_probe(name, reading)
        self._telemetry.record(
            SiteCalled(name, Operation.PROBE, reading.outcome, reading.seconds)
        )
        self._telemetry.record(
            SiteProbed(
                name,
                reading.version,
                reading.clock_skew,
                reading.dialect,
                reading.certificate_expires,
            )
        )
