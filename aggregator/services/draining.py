"""Draining: operators keep new requests for offers off a site, for a while.

Drains live in the store, so that all replicas know them; each reads them often
enough for an operator who waits. They end by themselves, also while the store is away.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from aggregator.domain.drains import AuditEntry, Drain, OperatorAction
from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.ports.clock import Clock
from aggregator.ports.operating import AuditTrail, Drains
from aggregator.ports.snapshot import Snapshot
from aggregator.services.site_health import SiteHealth

_log = structlog.get_logger(__name__)
_INTERVAL: Final = 2.0
"""Seconds after which another replica knows of a drain."""


class DrainBook:
    """The drains that this process knows of."""

    def __init__(self) -> None:
        self._drains: dict[str, Drain] = {}

    def drain_of(self, site: str) -> Drain | None:
        """Return a site's drain, in force or not, None where it has none."""
        return self._drains.get(site)

    def replace(self, drains: Sequence[Drain]) -> None:
        """Know ``drains``, and no others."""
        self._drains = {drain.site: drain for drain in drains}


class Draining:
    """Drains sites and ends that, and keeps the book of drains up to date."""

    def __init__(
        self,
        *,
        book: DrainBook,
        drains: Drains,
        trail: AuditTrail,
        health: SiteHealth,
        snapshot: Snapshot,
        clock: Clock,
        new_uuid: Callable[[], str],
    ) -> None:
        self._book = book
        self._drains = drains
        self._trail = trail
        self._health = health
        self._snapshot = snapshot
        self._clock = clock
        self._new_uuid = new_uuid

    async def run(self) -> None:
        """Keep up with other replicas, and with the time of day, until cancelled."""
        while True:
            await self.keep_up()
            await asyncio.sleep(_INTERVAL)

    async def keep_up(self) -> None:
        """Read the drains once; where the store is away, those that are known stay."""
        try:
            self._book.replace(await self._drains.drains(self._clock.now()))
        except StoreUnavailable as error:
            _log.warning("drains_not_read", reason=error.detail)
        self._health.refresh()

    async def drain(self, site: str, seconds: float, reason: str, by: str) -> Drain:
        """Drain a site from now on, in the place of the drain that it has.

        Args:
            site: Its name.
            seconds: For how long.
            reason: Why.
            by: Who wants it.

        Raises:
            UnknownResource: No such site is configured.
            StoreUnavailable: It can't be written down, and so wasn't done.
        """
        self._require(site)
        now = self._clock.now()
        drain = Drain(site, now, now + timedelta(seconds=seconds), by, reason)
        entry = AuditEntry(
            self._new_uuid(), now, by, OperatorAction.DRAIN, site, reason, drain.until
        )
        await self._drains.drain(drain, entry)
        await self.keep_up()
        _log.info("site_drained", site=site, until=str(drain.until), reason=reason)
        return drain

    async def undrain(self, site: str, reason: str, by: str) -> bool:
        """End a site's drain; say whether there was one.

        Raises:
            UnknownResource: No such site is configured.
            StoreUnavailable: It can't be written down, and so wasn't done.
        """
        self._require(site)
        now = self._clock.now()
        entry = AuditEntry(
            self._new_uuid(), now, by, OperatorAction.UNDRAIN, site, reason
        )
        ended = await self._drains.undrain(site, entry)
        await self.keep_up()
        if ended:
            _log.info("site_undrained", site=site, reason=reason)
        return ended

    async def audit(self, limit: int) -> Sequence[AuditEntry]:
        """Return what operators did, the latest first.

        Raises:
            StoreUnavailable: It can't be read.
        """
        return await self._trail.audit(limit)

    def _require(self, site: str) -> None:
        if site not in self._snapshot.current().sites:
            raise UnknownResource(f"there is no site {site!r}")
