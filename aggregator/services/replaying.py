"""Replaying: decisions that were made are made again, by a policy on trial.

No site is asked and nothing is changed. The work is done aside from the event loop, a
page of decisions at a time, so that it delays no request.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from aggregator.domain.errors import Overloaded
from aggregator.domain.ranking.comparison import Tally
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.records import Decision
from aggregator.domain.schedules import format_instant
from aggregator.ports.policies import PolicyReader
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import Decisions
from aggregator.services.limits import DecisionLimits

_PAGE: Final = 20
_RETRY_AFTER: Final = 5.0


class Replaying:
    """Says what a policy would have changed."""

    def __init__(
        self,
        *,
        decisions: Decisions,
        reader: PolicyReader,
        snapshot: Snapshot,
        limits: DecisionLimits,
    ) -> None:
        self._decisions = decisions
        self._reader = reader
        self._snapshot = snapshot
        self._limits = limits
        self._is_busy = False

    async def replay(self, text: bytes, since: datetime) -> dict[str, Any]:
        """Return, as plain data, what the policy ``text`` changes.

        The newest decisions come first, up to the limits of number and time; where
        these end it, ``complete`` is false and ``oldest`` says how far it came.

        Args:
            text: The policy as it is written.
            since: The oldest moment of decisions to be made again.

        Raises:
            InputError: The text isn't a policy.
            Overloaded: Another replay is under way.
            StoreUnavailable: The decisions can't be read.
        """
        with self._alone():
            sites = self._snapshot.current().sites.keys()
            policy = await asyncio.to_thread(self._reader.read, text, sites)
            tally, oldest, complete = await self._tally(policy, since)
            return {
                "policy": asdict(policy.identity),
                "since": format_instant(since),
                "oldest": oldest and format_instant(oldest),
                "complete": complete,
                **tally.as_document(),
            }

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._is_busy:
            raise Overloaded("another replay is under way", retry_after=_RETRY_AFTER)
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    async def _tally(
        self, policy: Policy, since: datetime
    ) -> tuple[Tally, datetime | None, bool]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.replay_time
        tally = Tally()
        last: tuple[datetime, str] | None = None
        count = 0
        while count < self._limits.replayed and loop.time() < until:
            size = min(_PAGE, self._limits.replayed - count)
            page = await self._decisions.page(since, last, size)
            await asyncio.to_thread(_add, tally, page, policy)
            count += len(page)
            if len(page) < size:
                oldest = page[-1].moment if page else last and last[0]
                return tally, oldest, True
            last = (page[-1].moment, page[-1].offer_set)
        return tally, last and last[0], False


def _add(tally: Tally, page: Sequence[Decision], policy: Policy) -> None:
    for decision in page:
        tally.add(decision, policy)
