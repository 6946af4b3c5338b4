"""Sites that answer at once with what is ready, so that others are measured."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from bench.offer_path import answer_bytes

Sessions = dict[str, bytes]
"""The body of each session that was offered, by its uuid."""


@asynccontextmanager
async def running_sites(names: list[str], offers: int) -> AsyncIterator[dict[str, str]]:
    """Run sites of dialect 2026-07, all at one port; yields the URL of each.

    Args:
        names: The sites' names.
        offers: How many offers each of them makes.
    """
    sessions: Sessions = {}

    async def post_requests(_: web.Request) -> web.Response:
        body = answer_bytes("2026-07", offers, datetime.now(UTC))
        for offer in orjson.loads(body)["offers"]:
            sessions[offer["meta"]["uuid"]] = orjson.dumps(offer)
        return _json(body)

    async def get_session(request: web.Request) -> web.Response:
        return _json(sessions[request.match_info["uuid"]])

    app = web.Application()
    app.router.add_post("/{site}/requests", post_requests)
    app.router.add_get("/{site}/sessions/{uuid}", get_session)
    async with served(app) as url:
        yield {name: f"{url}/{name}" for name in names}


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a port that is free; yields its URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def entries(urls: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the sites as ``sites.yaml`` has them."""
    return [
        {"name": name, "broker": {"url": url, "dialect": "2026-07"}}
        for name, url in urls.items()
    ]


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
