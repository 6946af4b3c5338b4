"""Watching: accepted sessions are read without clients, so that histories are whole.

So are lost ones, so that a site that comes back with one accepted is noticed.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.outcomes import Outcome
from aggregator.domain.records import Route
from aggregator.domain.status import is_settled
from aggregator.ports.clock import Clock
from aggregator.ports.store import Watches
from aggregator.services.limits import WatchLimits
from aggregator.services.sessions import Sessions, Status

_log = structlog.get_logger(__name__)


class Watching:
    """Reads sessions slowly, quicker around their start, until they end.

    A session is leased in the store, so that one replica at a time reads it.
    """

    def __init__(
        self,
        *,
        watches: Watches,
        sessions: Sessions,
        clock: Clock,
        limits: WatchLimits,
        replica: str,
    ) -> None:
        self._watches = watches
        self._sessions = sessions
        self._clock = clock
        self._limits = limits
        self._replica = replica

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                while await self.look():
                    pass
            except StoreUnavailable as error:
                _log.warning("watches_unavailable", reason=error.detail)
            await asyncio.sleep(self._limits.interval)

    async def look(self) -> bool:
        """Read one batch of sessions that are due; say whether there was any."""
        now = self._clock.now()
        lease = now + timedelta(seconds=self._limits.slow)
        routes = await self._watches.lease_watches(
            self._replica, now, lease, self._limits.batch
        )
        async with asyncio.TaskGroup() as group:
            for route in routes:
                group.create_task(self._watch(route))
        return bool(routes)

    async def _watch(self, route: Route) -> None:
        status = await self._sessions.read(route, None)
        now = self._clock.now()
        try:
            await self._watches.next_watch(route.session, self._next(status, now))
        except StoreUnavailable as error:
            # The lease ends by itself, and with it the pause.
            _log.warning("watch_not_kept", session=route.session, reason=error.detail)

    def _next(self, status: Status, now: datetime) -> datetime | None:
        if status.fault is None:
            ended = is_settled(status.route, now)
        else:
            # What is settled and was asked for all the same is still undecided.
            ended = status.fault.outcome is Outcome.NOT_FOUND
        if ended:
            return None
        start = status.route.estimated_start
        around = timedelta(seconds=self._limits.around_start)
        near = start is not None and abs(start - now) <= around
        return now + timedelta(
            seconds=self._limits.quick if near else self._limits.slow
        )
