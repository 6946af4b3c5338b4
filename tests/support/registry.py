"""A fake of the Site Capabilities service, faults of the real one included."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN = "eyJ.registry.token"
FAR = "2199-01-01T00:00:00Z"
SINCE = "2020-01-01T00:00:00Z"
NOW_AND_LONG = f"{SINCE} to {FAR}"


def area(name: str, **members: Any) -> dict[str, Any]:
    return {"id": "a", "name": name, "type": "rse", "tier": 1, **members}


def storage(*areas: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "id": "s",
        "name": "store",
        "host": " se.example",
        "base_path": "/sa",
        "srm": "storm",
        "size_in_terabytes": 20,
        "areas": list(areas),
        **members,
    }


def site(name: str, **members: Any) -> dict[str, Any]:
    return {"id": "i", "name": name, "storages": [], "compute": [], **members}


def node(name: str, *sites: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"name": name, "sites": list(sites), **members}


def downtime(date_range: str = NOW_AND_LONG, **members: Any) -> dict[str, Any]:
    return {"type": "Planned", "date_range": date_range, "reason": "works", **members}


@dataclass
class FakeRegistry:
    """The service, which answers as its sources have it.

    Attributes:
        nodes: What it holds.
        token: What it wants to be shown, None for nothing.
        asked: The requests that came, as ``(path with query, headers)``.
        status: Given instead of any answer.
        body: Given instead of any answer.
        silent: Whether nothing is answered until ``heard`` is set.
    """

    nodes: list[dict[str, Any]] = field(default_factory=list)
    token: str | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    status: int | None = None
    body: bytes | None = None
    silent: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.rel_url.raw_path_qs, request.headers.copy()))
        if self.silent:
            await self.heard.wait()
        if self.status is not None:
            return web.Response(status=self.status)
        if self.body is not None:
            return web.Response(body=self.body, content_type="application/json")
        given = request.headers.get("Authorization")
        if self.token is not None and given != f"Bearer {self.token}":
            return web.json_response({"detail": "Not authenticated"}, status=403)
        if request.query.get("include_inactive") == "true":
            return web.json_response(self.nodes)
        try:
            return web.json_response(
                [kept for one in self.nodes if (kept := without_inactive(one))]
            )
        except TypeError:
            # It compares a date without a zone with one that has one.
            return web.Response(status=500, text="Internal Server Error")


def without_inactive(element: Any) -> Any:
    """Do what the service does by default: drop what is off, and all falsy members."""
    if isinstance(element, list):
        return [kept for one in element if (kept := without_inactive(one))]
    if not isinstance(element, dict):
        return element
    if element.get("is_force_disabled") or any(
        map(_is_now, element.get("downtime", []))
    ):
        return None
    members = {key: without_inactive(value) for key, value in element.items()}
    return {key: value for key, value in members.items() if value}


def _is_now(entry: dict[str, Any]) -> bool:
    first, _, last = entry["date_range"].partition(" to ")
    start, end = map(datetime.fromisoformat, (first, last))
    return start < datetime.now(UTC) < end


@asynccontextmanager
async def running_registry(**members: Any):
    registry = FakeRegistry(**members)
    app = web.Application()
    app.router.add_get("/api/v1/nodes", registry.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    registry.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1"
    try:
        yield registry
    finally:
        registry.heard.set()
        await runner.cleanup()
