"""Preparing: finding out, after the start, how each site wants to be spoken to."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from aggregator.domain.outcomes import Outcome
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext, SitePreparation
from aggregator.services.composing import release
from aggregator.services.releasing import Releasing
from aggregator.services.site_health import SiteHealth

_log = structlog.get_logger(__name__)
_TIME: Final = 10.0


class Preparing:
    """Prepares sites all at once, so that the first request needn't wait for it."""

    def __init__(self, releasing: Releasing, health: SiteHealth, clock: Clock) -> None:
        self._releasing = releasing
        self._health = health
        self._clock = clock

    async def prepare(self, sites: Mapping[str, SitePreparation]) -> None:
        """Prepare each site once; one that fails is prepared by its first request."""
        async with asyncio.TaskGroup() as group:
            for name, site in sites.items():
                group.create_task(self._prepare(name, site))

    async def _prepare(self, name: str, site: SitePreparation) -> None:
        deadline = asyncio.get_running_loop().time() + _TIME
        preparation = await site.prepare(CallContext(deadline=deadline))
        log = _log.info if preparation.outcome is Outcome.OK else _log.warning
        log(
            "site_prepared",
            site=name,
            outcome=preparation.outcome.value,
            dialect=preparation.dialect,
            detail=preparation.detail,
        )
        if preparation.dialect:
            self._health.note_dialect(name, preparation.dialect)
        if preparation.offers:
            now = self._clock.now()
            reason = "it was offered though nothing was asked for"
            await self._releasing.release(
                [release(offer, reason, now) for offer in preparation.offers]
            )
