"""The peer: the least that aiohttp can do between a client and sites.

It passes on the body of a session, and joins the offers of all sites unread.

    python -m bench.bare_proxy PORT SITE_URL...
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator

import aiohttp
import orjson
from aiohttp import web

_CLIENT = web.AppKey("client", aiohttp.ClientSession)


def application(sites: list[str]) -> web.Application:
    """Return the proxy in front of ``sites``, named by their URLs."""

    async def exchange(request: web.Request, method: str, url: str) -> bytes:
        body = await request.read() or None
        async with request.app[_CLIENT].request(
            method, url, data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            return await answer.read()

    async def get_session(request: web.Request) -> web.Response:
        url = f"{sites[0]}/sessions/{request.match_info['uuid']}"
        return _json(await exchange(request, "GET", url))

    async def post_requests(request: web.Request) -> web.Response:
        calls = (exchange(request, "POST", f"{site}/requests") for site in sites)
        sets = map(orjson.loads, await asyncio.gather(*calls))
        offers = [offer for one in sets for offer in one["offers"]]
        return _json(orjson.dumps({"offers": offers}))

    async def get_ready(_: web.Request) -> web.Response:
        return web.Response(text="ready")

    app = web.Application()
    app.cleanup_ctx.append(_with_client)
    app.router.add_get("/readyz", get_ready)
    app.router.add_get("/sessions/{uuid}", get_session)
    app.router.add_post("/requests", post_requests)
    return app


async def _with_client(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        app[_CLIENT] = client
        yield


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def main() -> None:
    """Serve until the end, with the collector as the service has it."""
    port, *sites = sys.argv[1:]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    web.run_app(
        application(sites),
        host="127.0.0.1",
        port=int(port),
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
