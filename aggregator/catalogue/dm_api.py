"""The replica catalogue of SRCNet's Data Management API.

Source: ``GET /data/locate/{namespace}/{name}``, whose answer is a list of storage
elements or, of older deployments, an object by storage element. Neither has sizes.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson

from aggregator.catalogue.calls import (
    CatalogueCaller,
    Question,
    read_body,
    require_ok,
)
from aggregator.catalogue.faults import CatalogueFailed
from aggregator.catalogue.lookups import Lookup
from aggregator.catalogue.urls import best_url
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import Did, LocatedData, Replica

_AT_ONCE: Final = 8
_LARGEST_ANSWER: Final = 1024 * 1024
_MOST_REPLICAS: Final = 200
_LONGEST_NAME: Final = 1000

_OF_ALL: Final = frozenset(
    {
        Outcome.UNAUTHORIZED,
        Outcome.THROTTLED,
        Outcome.MISCONFIGURED,
        Outcome.CONNECT_ERROR,
    }
)
"""Outcomes after which asking for the next dataset would bring the same."""


class DmApiCatalogue:
    """Asks the Data Management API, one call for each dataset, a few at once."""

    def __init__(self, caller: CatalogueCaller) -> None:
        self._caller = caller
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def look_up(self, dids: Sequence[Did], deadline: float) -> Lookup:
        """Ask for ``dids`` until ``deadline``."""
        found = _Found()
        async with asyncio.TaskGroup() as group:
            for did in dids:
                group.create_task(self._find(did, deadline, found))
        return Lookup(found.located, frozenset(found.unknown), found.fault)

    async def _find(self, did: Did, deadline: float, found: "_Found") -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            found.fault = found.fault or Outcome.TIMEOUT
            return
        try:
            if found.fault not in _OF_ALL:
                await self._ask(did, deadline, found)
        finally:
            self._free.release()

    async def _ask(self, did: Did, deadline: float, found: "_Found") -> None:
        path = _path(did)
        if path is None:
            found.unknown.add(did)
            return
        try:
            located = await self._caller.ask(
                Question(path), deadline, partial(_read, did)
            )
        except CatalogueFailed as failed:
            if failed.outcome is Outcome.NOT_FOUND:
                found.unknown.add(did)
            else:
                found.fault = failed.outcome
            return
        if located is None:
            found.unknown.add(did)
        else:
            found.located[did] = located


class _Found:
    def __init__(self) -> None:
        self.located: dict[Did, LocatedData] = {}
        self.unknown: set[Did] = set()
        self.fault: Outcome | None = None


def _path(did: Did) -> str | None:
    """Return the path of a dataset, None where there can be no such dataset.

    Slashes separate segments, so that a name with dots for one would lead elsewhere.
    """
    segments = did.name.split("/")
    if len(str(did)) > _LONGEST_NAME or {"", ".", ".."} & {did.namespace, *segments}:
        return None
    return "/data/locate/" + "/".join(quote(s, safe="") for s in _all(did, segments))


def _all(did: Did, segments: Iterable[str]) -> Iterator[str]:
    yield did.namespace
    yield from segments


async def _read(did: Did, response: aiohttp.ClientResponse) -> LocatedData | None:
    require_ok(response)
    body = await read_body(response, _LARGEST_ANSWER)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise CatalogueFailed(Outcome.BAD_PAYLOAD) from None
    entries = list(_entries(document))
    if not document:
        return None
    if not entries:
        raise CatalogueFailed(Outcome.BAD_PAYLOAD)
    replicas = [
        Replica(rse, best_url(urls or ()))
        for rse, urls in entries
        if urls is None or urls
    ]
    return LocatedData(did, tuple(replicas[:_MOST_REPLICAS])) if replicas else None


def _entries(document: Any) -> Iterator[tuple[str, Sequence[object] | None]]:
    """Give each storage element with its URLs, None where it doesn't list any.

    Raises:
        CatalogueFailed: It is neither a list nor an object.
    """
    if isinstance(document, list):
        named = ((e.get("identifier"), e) for e in document if isinstance(e, dict))
    elif isinstance(document, dict):
        named = ((rse, e) for rse, e in document.items() if isinstance(e, dict))
    else:
        raise CatalogueFailed(Outcome.BAD_PAYLOAD)
    for rse, entry in named:
        if isinstance(rse, str) and rse.strip():
            yield rse.strip(), _urls(entry)


def _urls(entry: Mapping[str, Any]) -> Sequence[object] | None:
    urls = entry.get("replicas")
    return urls if isinstance(urls, list) else None
