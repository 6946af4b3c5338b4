"""The board: all that operators are shown of the sites, and what changes on it.

Whoever looks, the board is put together at most twice a second.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.drains import Drain
from aggregator.domain.errors import Overloaded
from aggregator.domain.site_conditions import SiteReport
from aggregator.domain.sites import Downtime, Site
from aggregator.domain.tallies import SiteTally
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.services.draining import DrainBook
from aggregator.services.limits import FollowLimits
from aggregator.services.site_activity import Activity, SiteActivity
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.services.tallies import RememberedTallies

_FOLLOWERS: Final = 100
"""Pages that may follow the board at once: operators are few."""


@dataclass(frozen=True, slots=True)
class SiteView:
    """One site as operators see it.

    Attributes:
        drain: The drain that is in force.
        downtime: The downtime that it is in.
        next_downtime: The next one to come, None where none is known.
        in_flight: Calls to it that are open.
        tally: What the store has of it; None where that can't be read.
        activity: Its latest calls.
    """

    site: Site
    report: SiteReport
    drain: Drain | None
    downtime: Downtime | None
    next_downtime: Downtime | None
    in_flight: int
    tally: SiteTally | None
    activity: Activity


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """All configured sites, in configured order, at one moment; each is its own."""

    moment: datetime
    views: Sequence[SiteView]


class SiteBoard:
    """Puts the board together."""

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        health: SiteHealth,
        calls: SiteCalls,
        book: DrainBook,
        tallies: RememberedTallies,
        activity: SiteActivity,
        clock: Clock,
        limits: FollowLimits,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._calls = calls
        self._book = book
        self._tallies = tallies
        self._activity = activity
        self._clock = clock
        self._limits = limits
        self._followers = 0
        self._building = asyncio.Lock()
        self._built_at = -math.inf
        self._board: Board | None = None

    async def board(self) -> Board:
        """Return the board as it is now."""
        tallies = await self._tallies.of_sites()
        now = self._clock.now()
        return Board(
            now,
            tuple(
                self._view(one.site, now, tallies)
                for one in self._snapshot.current().sites.values()
            ),
        )

    async def boards(self) -> AsyncGenerator[Board, None]:
        """Yield the board again and again, for a while; followers share each.

        Raises:
            Overloaded: As many follow it as may.
        """
        until = _now() + self._limits.longest_stream
        with self._admitted():
            while _now() < until:
                yield await self._shared()
                await asyncio.sleep(self._limits.interval)

    async def _shared(self) -> Board:
        async with self._building:
            stale = _now() - self._built_at >= self._limits.interval / 2
            if self._board is None or stale:
                self._board = await self.board()
                self._built_at = _now()
            return self._board

    def _view(
        self, site: Site, now: datetime, tallies: Mapping[str, SiteTally] | None
    ) -> SiteView:
        drain = self._book.drain_of(site.name)
        coming = [downtime for downtime in site.downtimes if downtime.start > now]
        return SiteView(
            site=site,
            report=self._health.report(site.name),
            drain=drain if drain is not None and drain.holds_at(now) else None,
            downtime=site.downtime_at(now),
            next_downtime=min(coming, key=lambda one: one.start, default=None),
            in_flight=self._calls.open_calls(site.name),
            tally=None if tallies is None else tallies.get(site.name, SiteTally()),
            activity=self._activity.of(site.name),
        )

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self._followers >= _FOLLOWERS:
            raise Overloaded(
                f"{_FOLLOWERS} pages follow the sites, which is the limit",
                retry_after=30.0,
            )
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1


def _now() -> float:
    return asyncio.get_running_loop().time()
