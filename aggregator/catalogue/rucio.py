"""The replica catalogue of a Rucio server.

Source: ``POST /replicas/list``, answered by lines of JSON, one for each file. Datasets
and containers come as their files, each with its parents where more than one was
asked for. An unknown identifier fails the whole question (404, or 400), leaves the
answer empty, or is missing in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

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
from aggregator.catalogue.rucio_files import Answer, read_file
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import Did, LocatedData

_BATCH: Final = 200
_MOST_CALLS: Final = 64
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_LARGEST_LINE: Final = 1024 * 1024
_LARGEST_ERROR: Final = 64 * 1024
_CHUNK: Final = 64 * 1024

_UNKNOWN: Final = frozenset({"DataIdentifierNotFound", "ScopeNotFound"})
_REFUSALS: Final = frozenset({400, 404})

_OF_ONE: Final = frozenset({Outcome.NOT_FOUND, Outcome.REFUSED_4XX})
"""Outcomes that one identifier brings upon all that were asked for with it."""

_OF_THIS_ANSWER: Final = frozenset({Outcome.BAD_PAYLOAD, Outcome.TOO_LARGE})
"""Outcomes after which other datasets are still worth asking for."""


@dataclass(slots=True)
class _Found:
    """What one lookup has found so far, and how many more calls it may make."""

    located: dict[Did, LocatedData] = field(default_factory=dict)
    unknown: set[Did] = field(default_factory=set)
    fault: Outcome | None = None
    calls: int = _MOST_CALLS


class RucioCatalogue:
    """Asks Rucio for many datasets at once."""

    def __init__(self, caller: CatalogueCaller) -> None:
        self._caller = caller

    async def look_up(self, dids: Sequence[Did], deadline: float) -> Lookup:
        """Ask for ``dids`` until ``deadline``."""
        found = _Found()
        for first in range(0, len(dids), _BATCH):
            await self._find(dids[first : first + _BATCH], deadline, found)
        return Lookup(found.located, frozenset(found.unknown), found.fault)

    async def _find(self, dids: Sequence[Did], deadline: float, found: _Found) -> None:
        """Ask for ``dids`` together, and in halves where one of them spoils that."""
        if not dids or not found.calls:
            return
        found.calls -= 1
        answer = Answer(dids)
        try:
            await self._caller.ask(_question(dids), deadline, partial(_read, answer))
        except CatalogueFailed as failed:
            if failed.outcome in _OF_ONE and len(dids) > 1:
                await self._find_in_halves(dids, deadline, found)
                return
            _note_failure(dids, failed.outcome, found)
            answer.broke_off = True
        else:
            _note_unknown(dids, answer, found)
        found.located.update(answer.located())
        await self._find_in_halves(answer.left_open(), deadline, found)

    async def _find_in_halves(
        self, dids: Sequence[Did], deadline: float, found: _Found
    ) -> None:
        middle = (len(dids) + 1) // 2
        await self._find(dids[:middle], deadline, found)
        await self._find(dids[middle:], deadline, found)


def _note_failure(dids: Sequence[Did], outcome: Outcome, found: _Found) -> None:
    if outcome is Outcome.NOT_FOUND:
        found.unknown.update(dids)
        return
    found.fault = outcome
    if outcome not in _OF_ONE | _OF_THIS_ANSWER:
        found.calls = 0


def _note_unknown(dids: Sequence[Did], answer: Answer, found: _Found) -> None:
    told = answer.located().keys() | set(answer.left_open())
    found.unknown.update(did for did in dids if did not in told)


def _question(dids: Sequence[Did]) -> Question:
    body = {
        "dids": [{"scope": did.namespace, "name": did.name} for did in dids],
        "ignore_availability": False,
        "all_states": False,
        "resolve_archives": True,
        "resolve_parents": len(dids) > 1,
    }
    return Question(
        "/replicas/list", orjson.dumps(body), accept="application/x-json-stream"
    )


async def _read(answer: Answer, response: aiohttp.ClientResponse) -> None:
    """Read files into ``answer`` until the body ends.

    Raises:
        ValueError: A line isn't whole, or can't be read.
        CatalogueFailed: It was refused, or there is more than is read.
    """
    if response.status in _REFUSALS:
        raise CatalogueFailed(await _refusal(response))
    require_ok(response)
    rest, size = b"", 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in filter(bytes.strip, lines):
            answer.add(read_file(line))
        if size > _LARGEST_ANSWER or len(rest) > _LARGEST_LINE:
            raise CatalogueFailed(Outcome.TOO_LARGE)
    if rest.strip():
        answer.add(read_file(rest))


async def _refusal(response: aiohttp.ClientResponse) -> Outcome:
    """Return what a refusal means: Rucio names the exception behind it.

    A 404 that names none is no word of Rucio's: something else is at that URL.
    """
    name = response.headers.get("ExceptionClass") or _exception_class(
        await read_body(response, _LARGEST_ERROR)
    )
    if name in _UNKNOWN:
        return Outcome.NOT_FOUND
    not_rucio = response.status == 404 and not name  # noqa: PLR2004 - Not Found
    return Outcome.MISCONFIGURED if not_rucio else Outcome.REFUSED_4XX


def _exception_class(body: bytes) -> Any:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document.get("ExceptionClass") if isinstance(document, dict) else None
