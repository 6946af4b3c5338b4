"""Server-sent events: what changes, told as it does.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse, sse_response

from aggregator.domain.errors import MetaBrokerError

_View = TypeVar("_View")
_LONGEST_SEND: Final = 60.0
"""Seconds that a client may take to read an event before its connection is closed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, its data as JSON, and an id where it has one."""

    name: str
    data: bytes
    id: str | None = None


class _PrivateEvents(EventSourceResponse):
    """Events that caches don't keep, because they are one user's."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self.headers[hdrs.CACHE_CONTROL] = "no-store"
        return await super().prepare(request)


async def stream(
    request: web.Request,
    views: AsyncGenerator[_View, None],
    event: Callable[[_View], Awaitable[Event]],
) -> web.StreamResponse:
    """Send ``views`` as events until there are no more; then one named ``end``.

    A client that reads ``end`` need not come again; one whose stream ends without it
    should, such as when the service stops. A fault on the way is an event named
    ``error`` with the reason.
    """
    streaming = sse_response(
        request, response_cls=_PrivateEvents, send_timeout=_LONGEST_SEND
    )
    async with streaming as response, aclosing(views):
        try:
            async with _until_the_service_stops(request.app):
                async for view in views:
                    one = await event(view)
                    await response.send(one.data.decode(), id=one.id, event=one.name)
                await response.send("{}", event="end")
        except MetaBrokerError as error:
            await response.send(error.detail, event="error")
        except (ConnectionResetError, TimeoutError):
            # The client went away, or reads no more: nobody is left to tell.
            pass
    return response


OPEN_STREAMS: Final = web.AppKey[set[asyncio.Timeout]]("open_streams")


def prepare_streams(app: web.Application) -> None:
    """Have streams end as soon as ``app`` is to stop, for they would go on for long."""
    app[OPEN_STREAMS] = set()
    app.on_shutdown.append(_end_streams)


async def _end_streams(app: web.Application) -> None:
    now = asyncio.get_running_loop().time()
    streams = app[OPEN_STREAMS]
    for scope in streams:
        scope.reschedule(now)


@asynccontextmanager
async def _until_the_service_stops(app: web.Application) -> AsyncIterator[None]:
    scope = asyncio.timeout(None)
    try:
        async with scope:
            app[OPEN_STREAMS].add(scope)
            try:
                yield
            finally:
                app[OPEN_STREAMS].discard(scope)
    except TimeoutError:
        if not scope.expired():
            raise
