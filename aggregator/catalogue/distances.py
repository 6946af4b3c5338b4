"""Rucio's distances between storage elements, as knowledge of links between sites.

Source: ``GET /rses/{source}/distances/{destination}``. A distance is a whole number
that operators of Rucio set as they like: it orders links, and is neither a length nor
a throughput. That none is set doesn't mean far.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, permutations, product
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson
import structlog

from aggregator.catalogue.calls import (
    CatalogueCaller,
    Question,
    read_body,
    require_ok,
)
from aggregator.catalogue.faults import CatalogueFailed
from aggregator.domain.outcomes import Outcome
from aggregator.domain.ranking.knowledge import Links
from aggregator.ports.snapshot import Federation, Snapshot

_log = structlog.get_logger(__name__)

_INTERVAL: Final = 3600.0
_RETRY: Final = 60.0
_TIMEOUT: Final = 10.0
_AT_ONCE: Final = 4
_MOST_PAIRS: Final = 2000
_LARGEST_ANSWER: Final = 64 * 1024

Pair = tuple[str, str]


class RucioDistances:
    """Implements ``ports.Snapshot``: the federation with Rucio's distances in it."""

    def __init__(self, snapshot: Snapshot, caller: CatalogueCaller) -> None:
        self._snapshot = snapshot
        self._caller = caller
        self._by_rse: Mapping[Pair, int] = {}
        self._completed: tuple[Federation, Mapping[Pair, int], Federation] | None = None

    def current(self) -> Federation:
        """Return the federation as it is configured now, with known distances."""
        bare = self._snapshot.current()
        known = self._completed
        if known is None or known[0] is not bare or known[1] is not self._by_rse:
            links = replace(bare.links, distances=_by_site(bare.links, self._by_rse))
            known = (bare, self._by_rse, replace(bare, links=links))
            self._completed = known
        return known[2]

    async def run(self) -> None:
        """Read the distances now and every hour, and sooner after a failure.

        Without anything to read, have a look every minute whether there is now.
        """
        while True:
            pairs = self._pairs()
            complete = await self.read()
            await asyncio.sleep(_INTERVAL if pairs and complete else _RETRY)

    async def read(self) -> bool:
        """Read the distances that the present links want; False where some failed.

        Those that failed are as they were.
        """
        pairs = self._pairs()
        free = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            tasks = {p: group.create_task(self._distance(p, free)) for p in pairs}
        read = {pair: task.result() for pair, task in tasks.items()}
        failed = [pair for pair, distance in read.items() if distance is None]
        known = {pair: distance for pair, distance in read.items() if distance}
        before = {p: self._by_rse[p] for p in failed if p in self._by_rse}
        self._by_rse = {**before, **known}
        if failed:
            _log.warning("rucio_distances_incomplete", failed=len(failed))
        return not failed

    def _pairs(self) -> list[Pair]:
        return list(islice(_wanted(self._snapshot.current()), _MOST_PAIRS))

    async def _distance(self, pair: Pair, free: asyncio.Semaphore) -> int | None:
        """Return the distance, 0 where none is set, None where that failed."""
        source, target = (quote(rse, safe="") for rse in pair)
        question = Question(f"/rses/{source}/distances/{target}")
        async with free:
            deadline = asyncio.get_running_loop().time() + _TIMEOUT
            try:
                return await self._caller.ask(question, deadline, _read)
            except CatalogueFailed as failed:
                return 0 if failed.outcome is Outcome.NOT_FOUND else None


def _wanted(federation: Federation) -> Iterator[Pair]:
    """Give the pairs of storage elements, as Rucio knows them, whose sites want it.

    Those are sites without a link in the table, where distances mean anything.
    """
    links = federation.links
    if not links.distance_classes:
        return
    rses = dict.fromkeys(rse for s in federation.sites.values() for rse in s.site.rses)
    for source, target in permutations(rses, 2):
        sites = product(_sites(links, source), _sites(links, target))
        if any(a != b and (a, b) not in links.table for a, b in sites):
            yield source, target


def _by_site(links: Links, by_rse: Mapping[Pair, int]) -> dict[Pair, int]:
    """Return the least distance from each site's elements to another's."""
    nearest: dict[Pair, int] = {}
    for (source, target), distance in by_rse.items():
        for a, b in product(_sites(links, source), _sites(links, target)):
            nearest[a, b] = min(distance, nearest.get((a, b), distance))
    return nearest


def _sites(links: Links, rse: str) -> Iterable[str]:
    return links.rse_sites.get(links.rse(rse), ())


async def _read(response: aiohttp.ClientResponse) -> int:
    require_ok(response)
    body = await read_body(response, _LARGEST_ANSWER)
    try:
        entries = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise CatalogueFailed(Outcome.BAD_PAYLOAD) from None
    if not isinstance(entries, list):
        raise CatalogueFailed(Outcome.BAD_PAYLOAD)
    return min(filter(None, map(_positive, entries)), default=0)


def _positive(entry: Any) -> int:
    """Return an entry's distance, by its newer or its older name; 0 if it has none."""
    if not isinstance(entry, dict):
        return 0
    given = (entry.get(key) for key in ("distance", "ranking"))
    return next((d for d in given if type(d) is int and d > 0), 0)
