"""Streams of events end with their clients, however these go."""

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestServer

from aggregator.http import events
from aggregator.http.events import Event, prepare_streams, stream

LARGE = b"x" * 2**20


class Endless:
    """A stream that never ends by itself; ``ended`` is set once it was closed."""

    def __init__(self):
        self.ended = asyncio.Event()
        self.faults = []

    async def views(self):
        try:
            while True:
                yield LARGE
        finally:
            self.ended.set()

    async def handle(self, request):
        async def event(view):
            return Event("large", view)

        try:
            return await stream(request, self.views(), event)
        except Exception as fault:
            self.faults.append(fault)
            raise


async def test_a_client_that_reads_no_more_is_let_go(monkeypatch):
    monkeypatch.setattr(events, "_LONGEST_SEND", 0.3)
    endless = Endless()
    app = web.Application()
    prepare_streams(app)
    app.router.add_get("/events", endless.handle)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(
            server.host, server.port, limit=1024
        )
        writer.write(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        async with asyncio.timeout(10):
            await endless.ended.wait()
        writer.close()
    assert endless.faults == []
