"""The memory of a replica catalogue: each dataset is asked for once in a while.

However many requests want a dataset at once, one call is made for it. The call
belongs to the service, so that it goes on for others when who began it is gone.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from cachetools import TTLCache

from aggregator.catalogue.lookups import CatalogueService, Lookup
from aggregator.domain.breaker import Breaker, BreakerRules
from aggregator.domain.events import CacheOutcome, CatalogueRemembered
from aggregator.domain.humane import humane_duration
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import Did, LocatedData
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background

_log = structlog.get_logger(__name__)

_ERRORS: Final = 3
_LONGEST_PAUSE: Final = 6.0
_MOST_AT_ONCE: Final = 1000

_OF_A_DATASET: Final = frozenset({Outcome.REFUSED_4XX, Outcome.FORBIDDEN})
"""Faults that say nothing against the catalogue itself."""


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How long what a catalogue said is remembered; times in seconds.

    Attributes:
        timeout: The longest that one lookup may take; requests wait less.
        ttl: How long an answer is good.
        negative_ttl: How long a dataset stays unknown, or without any replica.
        stale_for: How long an answer is still used while no new one is to be had.
        pause: After a lookup failed, how long none is made for the same dataset; and
            after three, for any.
        entries: Datasets that are remembered.
    """

    timeout: float
    ttl: float
    negative_ttl: float
    stale_for: float
    pause: float
    entries: int


@dataclass(frozen=True, slots=True)
class _Remembered:
    data: LocatedData
    since: float


class CachingCatalogue:
    """Implements ``ports.ReplicaCatalogue`` over a service that may be slow or away."""

    def __init__(
        self,
        service: CatalogueService,
        background: Background,
        telemetry: Telemetry,
        limits: CacheLimits,
    ) -> None:
        self._service = service
        self._background = background
        self._telemetry = telemetry
        self._limits = limits
        kept = max(limits.ttl, limits.stale_for)
        self._located: TTLCache[Did, _Remembered] = _cache(limits.entries, kept)
        self._unknown: TTLCache[Did, bool] = _cache(limits.entries, limits.negative_ttl)
        self._failed: TTLCache[Did, bool] = _cache(limits.entries, limits.pause)
        self._under_way: dict[Did, asyncio.Task[None]] = {}
        self._breaker = Breaker()
        self._rules = BreakerRules(_ERRORS, limits.pause, _LONGEST_PAUSE * limits.pause)

    async def locate(
        self, dids: Collection[Did], deadline: float
    ) -> Mapping[Did, LocatedData]:
        """Return what is known of ``dids`` by ``deadline``.

        What is old is returned while nothing newer is to be had; its caveat says so.
        """
        wanted = list(dict.fromkeys(dids))[:_MOST_AT_ONCE]
        outcomes = {did: self._remembered(did) for did in wanted}
        missed = [did for did in wanted if outcomes[did] is CacheOutcome.MISSED]
        if missed and not self._begin(missed):
            outcomes |= dict.fromkeys(missed, CacheOutcome.PAUSED)
        await self._wait(wanted, deadline)
        found = {did: data for did in wanted if (data := self._known(did)) is not None}
        self._count(outcomes, found)
        return found

    def _remembered(self, did: Did) -> CacheOutcome:
        if self._is_fresh(did):
            return CacheOutcome.HIT
        if did in self._unknown:
            return CacheOutcome.UNKNOWN
        if did in self._under_way:
            return CacheOutcome.JOINED
        return CacheOutcome.PAUSED if did in self._failed else CacheOutcome.MISSED

    def _begin(self, dids: Sequence[Did]) -> bool:
        """Ask the service for ``dids``, unless it failed too often just now."""
        now = _monotonic()
        if not self._breaker.admits(now, self._rules):
            return False
        self._breaker = self._breaker.began(now)
        task = self._background.spawn(self._look_up(dids), name="look_up_replicas")
        self._under_way.update(dict.fromkeys(dids, task))
        return True

    async def _look_up(self, dids: Sequence[Did]) -> None:
        try:
            deadline = _monotonic() + self._limits.timeout
            self._take(dids, await self._service.look_up(dids, deadline))
        finally:
            for did in dids:
                self._under_way.pop(did, None)

    def _take(self, dids: Sequence[Did], lookup: Lookup) -> None:
        now = _monotonic()
        for did, data in lookup.located.items():
            self._located[did] = _Remembered(data, now)
        for did in lookup.unknown:
            self._located.pop(did, None)
            self._unknown[did] = True
        for did in dids:
            if did not in lookup.located and did not in lookup.unknown:
                self._failed[did] = True
        self._judge(lookup, now)

    def _judge(self, lookup: Lookup, now: float) -> None:
        """Count a lookup for or against the service."""
        answered = bool(lookup.located or lookup.unknown)
        if answered or lookup.fault is None or lookup.fault in _OF_A_DATASET:
            self._breaker = self._breaker.succeeded(self._rules)
            return
        self._breaker = self._breaker.failed(now, self._rules)
        _log.warning("replica_lookup_failed", reason=lookup.fault.value)

    async def _wait(self, dids: Sequence[Did], deadline: float) -> None:
        tasks = {self._under_way[did] for did in dids if did in self._under_way}
        left = deadline - _monotonic()
        if tasks and left > 0:
            await asyncio.wait(tasks, timeout=left)

    def _known(self, did: Did) -> LocatedData | None:
        remembered = self._located.get(did)
        if remembered is None:
            return None
        if self._is_fresh(did):
            return remembered.data
        age = humane_duration(_monotonic() - remembered.since)
        caveat = f"the catalogue doesn't answer, this is what it said {age} ago"
        return replace(remembered.data, caveat=caveat)

    def _is_fresh(self, did: Did) -> bool:
        remembered = self._located.get(did)
        if remembered is None:
            return False
        limits = self._limits
        good_for = limits.ttl if remembered.data.replicas else limits.negative_ttl
        return _monotonic() - remembered.since < good_for

    def _count(
        self,
        outcomes: Mapping[Did, CacheOutcome],
        found: Mapping[Did, LocatedData],
    ) -> None:
        counts = Counter(outcomes.values())
        counts[CacheOutcome.STALE] = sum(not self._is_fresh(did) for did in found)
        for outcome, count in counts.items():
            if count:
                self._telemetry.record(CatalogueRemembered(outcome, count))


def _cache(entries: int, ttl: float) -> TTLCache[Did, Any]:
    return TTLCache(entries, ttl, timer=_monotonic)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
