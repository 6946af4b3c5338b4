"""Pruning: what is over for long is taken out of the store."""

import asyncio
import random
from datetime import timedelta

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.ports.clock import Clock
from aggregator.ports.store import Retention
from aggregator.services.limits import RetentionLimits

_log = structlog.get_logger(__name__)


class Pruning:
    """Removes old offer sets, a bounded piece at a time."""

    def __init__(
        self, retention: Retention, clock: Clock, limits: RetentionLimits
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._limits = limits

    async def run(self) -> None:
        """Prune until cancelled."""
        while True:
            try:
                while await self.prune() == self._limits.batch:
                    pass
            except StoreUnavailable as error:
                _log.warning("store_not_pruned", reason=error.detail)
            # Jittered, so that replicas don't all prune at once.
            await asyncio.sleep(self._limits.interval * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter, not a secret

    async def prune(self) -> int:
        """Remove one batch; return how many offer sets it was."""
        before = self._clock.now() - timedelta(days=self._limits.keep_days)
        return await self._retention.prune(before, self._limits.batch)
