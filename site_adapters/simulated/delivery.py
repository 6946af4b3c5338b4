"""Sending answers, the way that a fault has it included."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from site_adapters.simulated import media
from site_adapters.simulated.faults import Ending, Fault
from site_adapters.simulated.vocabulary import Vocabulary

_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with; no document is an empty body."""

    status: int
    document: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = media.JSON


def dropped(request: web.Request) -> web.StreamResponse:
    """Close the connection of ``request``; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def deliver(
    request: web.Request, answer: Answer, fault: Fault, vocabulary: Vocabulary
) -> web.StreamResponse:
    """Send ``answer``, spoilt as ``fault`` says."""
    body = _body(answer, fault, vocabulary)
    headers = dict(answer.headers) | dict(fault.headers)
    if body:
        headers["Content-Type"] = fault.content_type or answer.content_type
    if fault.ending is Ending.SHORT:
        body = body[: len(body) // 2]
    if fault.ending in (Ending.WHOLE, Ending.SHORT) and not fault.padding:
        return web.Response(status=answer.status, body=body, headers=headers)
    return await _stream(request, answer.status, headers, body, fault)


def _body(answer: Answer, fault: Fault, vocabulary: Vocabulary) -> bytes:
    if fault.body is not None:
        return fault.body
    if answer.document is None:
        return b""
    document: Any = answer.document
    if fault.rewrite is not None:
        document = fault.rewrite(answer.document, vocabulary)
    return media.write(document, answer.content_type)


async def _stream(
    request: web.Request,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    fault: Fault,
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = fault.padding + len(body)
    await response.prepare(request)
    for sent in range(0, fault.padding, _CHUNK):
        await response.write(b" " * min(_CHUNK, fault.padding - sent))
    if fault.ending is Ending.DRIP:
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(fault.pause)
    elif fault.ending in (Ending.RESET, Ending.STALL):
        await response.write(body[: len(body) // 2])
        if fault.ending is Ending.STALL:
            await asyncio.sleep(fault.pause)
        dropped(request)
    else:
        await response.write(body)
    return response
