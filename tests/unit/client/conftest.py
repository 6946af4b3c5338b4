"""A broker that answers what a test wrote down, on a real socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web


@dataclass
class ScriptedBroker:
    """Answers from ``answers`` by "METHOD /path"; what it isn't told of is a 404."""

    url: str = ""
    answers: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append((call, headers, await request.read()))
        make = self.answers.get(call)
        return make() if make is not None else web.Response(status=404)

    def says(
        self, call: str, document: object, status: int = 200, **headers: str
    ) -> None:
        self.answers[call] = lambda: web.json_response(
            document,
            status=status,
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )


@asynccontextmanager
async def scripted() -> AsyncIterator[ScriptedBroker]:
    broker = ScriptedBroker()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", broker.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        broker.url = f"http://{host}:{port}"
        yield broker
    finally:
        await runner.cleanup()


@pytest.fixture
async def broker():
    async with scripted() as running:
        yield running
