"""The census: what the store holds in all, counted now and then for operators."""

import asyncio
from typing import Final

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import ReservationsOpen
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSetWatch
from aggregator.ports.telemetry import Telemetry

_log = structlog.get_logger(__name__)
_INTERVAL: Final = 15.0
"""Seconds between two counts: as often as metrics are usually read."""


class Census:
    """Counts and tells."""

    def __init__(
        self, offer_sets: OfferSetWatch, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._offer_sets = offer_sets
        self._clock = clock
        self._telemetry = telemetry

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
        count = await self._offer_sets.open_reservations(self._clock.now())
        self._telemetry.record(ReservationsOpen(count))
