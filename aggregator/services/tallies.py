"""Tallies of sites, counted in the store at most every few seconds."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.tallies import SiteTally
from aggregator.ports.clock import Clock
from aggregator.ports.operating import SiteTallies

_log = structlog.get_logger(__name__)
_FRESHNESS: Final = 10.0
_DAY: Final = timedelta(hours=24)


class RememberedTallies:
    """Counts when somebody looks, and not again for a while.

    While the store is away the last counts are given, or none where there are none.
    """

    def __init__(self, tallies: SiteTallies, clock: Clock) -> None:
        self._tallies = tallies
        self._clock = clock
        self._counting = asyncio.Lock()
        self._counted_at: float | None = None
        self._last: Mapping[str, SiteTally] | None = None

    async def of_sites(self) -> Mapping[str, SiteTally] | None:
        """Return the counts by site, None where they aren't known."""
        async with self._counting:
            now = asyncio.get_running_loop().time()
            if self._counted_at is None or now - self._counted_at >= _FRESHNESS:
                await self._count()
                self._counted_at = asyncio.get_running_loop().time()
            return self._last

    async def _count(self) -> None:
        now = self._clock.now()
        try:
            self._last = await self._tallies.of_sites(now, now - _DAY)
        except StoreUnavailable as error:
            _log.warning("sites_not_tallied", reason=error.detail)
