"""Pages for people: the sites as operators want to see them, and where to begin."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from aggregator.http.exchange import public_url
from aggregator.http.handlers.monitoring import usable_sites
from aggregator.http.keys import HTTP_SETTINGS, USE_CASES
from aggregator.http.operators import is_operator
from aggregator.http.pages.assets import ASSETS
from aggregator.http.pages.drawings import HEIGHT, WIDTH
from aggregator.http.pages.rendering import page
from aggregator.http.pages.sites import sheet_of

LIVE_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with a page that follows what changes: only what is ours."""


@dataclass(frozen=True, slots=True)
class Link:
    """Somewhere to go from the first page."""

    path: str
    title: str
    text: str


LINKS: Final = (
    Link("/ui/sites", "Sites", "how every site is, live"),
    Link("/docs", "API", "what can be asked, and how"),
    Link("/openapi.json", "OpenAPI", "the same for machines"),
    Link("/federation/sites", "Sites as JSON", "the same as the page of the sites"),
    Link("/federation/policies", "Ranking policies", "what puts offers in order"),
    Link("/health", "Health", "of the service and what it needs"),
)


async def get_root(request: web.Request) -> web.Response:
    """``GET /``: what this is, and where to go; for people a page, else JSON."""
    usable, configured = usable_sites(request)
    settings = request.app[HTTP_SETTINGS]
    base = public_url(request)
    if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return web.json_response(
            {
                "name": "srcnet-metabroker",
                "version": settings.version,
                "sites_usable": usable,
                "sites_configured": configured,
                "links": {link.title: base + link.path for link in LINKS},
            },
            headers={hdrs.VARY: hdrs.ACCEPT},
        )
    html = page(
        "landing.html",
        root=_root(request),
        url=base,
        version=settings.version,
        usable=usable,
        configured=configured,
        links=LINKS,
    )
    return _page(html)


async def get_sites_page(request: web.Request) -> web.Response:
    """``GET /ui/sites``: every site as operators want to see it."""
    operator = is_operator(request)
    board = await request.app[USE_CASES].board.board()
    root = _root(request)
    html = await asyncio.to_thread(
        lambda: page(
            "sites.html",
            sheet=sheet_of(board, to_operator=operator),
            operator=operator,
            root=root,
            width=WIDTH,
            height=HEIGHT,
        )
    )
    return _page(html)


async def get_asset(request: web.Request) -> web.Response:
    """``GET /ui/static/...``: what the pages need."""
    asset = ASSETS[request.path.rpartition("/")[2]]
    tag = hashlib.blake2b(asset.body, digest_size=12).hexdigest()
    headers = {hdrs.ETAG: f'"{tag}"', hdrs.CACHE_CONTROL: "no-cache"}
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=asset.body, headers={hdrs.CONTENT_TYPE: asset.content_type, **headers}
    )


def _page(html: str) -> web.Response:
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_SECURITY_POLICY: LIVE_PAGE_POLICY,
        hdrs.REFERRER_POLICY: "no-referrer",
        hdrs.VARY: "Accept, Authorization",
    }
    response = web.Response(text=html, content_type="text/html", headers=headers)
    response.enable_compression()
    return response


def _root(request: web.Request) -> str:
    """Return the way from this page to the root, wherever a proxy has put us."""
    depth = request.path.count("/") - 1
    return "/".join([".."] * depth) or "."
