"""What orchestrators and monitors ask: are we alive and ready, and what we count."""

import asyncio
from typing import Final

from aiohttp import hdrs, web

from aggregator.domain.errors import InputError
from aggregator.http.handlers.monitoring import usable_sites
from aggregator.http.keys import EXPOSITION, HTTP_SETTINGS, USE_CASES

_LONGEST_NUMBER: Final = 6


async def get_livez(_: web.Request) -> web.Response:
    """``GET /livez``: the process answers."""
    return web.Response(text="ok\n")


async def get_readyz(request: web.Request) -> web.Response:
    """``GET /readyz``: the store can be written.

    Sites don't matter, unless ``?min_sites=k`` asks for as many that can be asked.
    """
    fault = await request.app[USE_CASES].readiness.fault()
    if fault is not None:
        return web.Response(status=503, text=f"not ready: {fault.detail}\n")
    usable, _ = usable_sites(request)
    wanted = _min_sites(request)
    if usable < wanted:
        return web.Response(
            status=503, text=f"not ready: {usable} of {wanted} sites can be asked\n"
        )
    return web.Response(text="ready\n")


def _min_sites(request: web.Request) -> int:
    text = request.query.get("min_sites", "0")
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InputError(f"min_sites is a number of sites, not {text!r}")
    return int(text)


async def get_ping(request: web.Request) -> web.Response:
    """``GET /ping``: in the style of the SRCNet services, for anybody."""
    version = request.app[HTTP_SETTINGS].version
    return web.json_response({"status": "UP", "version": version})


async def get_metrics(request: web.Request) -> web.Response:
    """``GET /metrics``: for Prometheus; written aside, since it takes milliseconds."""
    body, content_type = await asyncio.to_thread(
        request.app[EXPOSITION].render, request.headers.get(hdrs.ACCEPT, "")
    )
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})
