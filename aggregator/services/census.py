"""The census: what the store holds in all, counted now and then for operators."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import HoldingsCounted, OffersExpired, RoutesCounted
from aggregator.ports.clock import Clock
from aggregator.ports.operating import Holdings
from aggregator.ports.telemetry import Telemetry

_log = structlog.get_logger(__name__)
_INTERVAL: Final = 15.0
"""Seconds between two counts: as often as metrics are usually read."""

_ROUTES_EVERY: Final = 20
"""Counts between two of all routes, which takes longer the more there are."""

_AFTERMATH: Final = timedelta(minutes=1)
"""How long after its expiry an offer is counted: what became of it is stored then."""


class Census:
    """Counts and tells."""

    def __init__(self, holdings: Holdings, clock: Clock, telemetry: Telemetry) -> None:
        self._holdings = holdings
        self._clock = clock
        self._telemetry = telemetry
        self._until_routes = 0

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                await self.count()
            except StoreUnavailable as error:
                _log.warning("census_not_taken", reason=error.detail)
            await asyncio.sleep(_INTERVAL)

    async def count(self) -> None:
        """Count once.

        Raises:
            StoreUnavailable: It can't be read.
        """
        now = self._clock.now()
        held = await self._holdings.of_sites(now)
        self._telemetry.record(HoldingsCounted(held, now))
        expired = await self._holdings.expired_unused(now - _AFTERMATH)
        for site, count in expired.items():
            self._telemetry.record(OffersExpired(site, count))
        if self._until_routes == 0:
            routes = await self._holdings.known_sessions()
            self._telemetry.record(RoutesCounted(routes))
            self._until_routes = _ROUTES_EVERY
        self._until_routes -= 1
