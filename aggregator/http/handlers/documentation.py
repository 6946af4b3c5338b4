"""The API's own description, as a document and as a page."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web

from aggregator.http.exchange import public_url
from aggregator.http.keys import HTTP_SETTINGS
from aggregator.http.openapi import api_document
from aggregator.http.pages.reference import reference_of
from aggregator.http.pages.rendering import CONTENT_SECURITY_POLICY, page
from aggregator.wire.media import MediaType, encode

_REMEMBERED: Final = 16
"""Renderings that are kept: there is one for each of our URLs."""

Renderer = Callable[[str, str], bytes]
"""Returns the description's bytes for a public URL and a version."""


async def get_openapi_json(request: web.Request) -> web.Response:
    """``GET /openapi.json``: the description as JSON."""
    return await _answer(request, _as_json, "application/json")


async def get_openapi_yaml(request: web.Request) -> web.Response:
    """``GET /openapi.yaml``: the description as YAML."""
    return await _answer(request, _as_yaml, "application/yaml")


async def get_docs(request: web.Request) -> web.Response:
    """``GET /docs``: the description as a page that needs nothing but itself."""
    return await _answer(
        request,
        _as_page,
        "text/html; charset=utf-8",
        {
            hdrs.CONTENT_SECURITY_POLICY: CONTENT_SECURITY_POLICY,
            hdrs.REFERRER_POLICY: "no-referrer",
        },
    )


async def _answer(
    request: web.Request,
    render: Renderer,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    version = request.app[HTTP_SETTINGS].version
    body = await asyncio.to_thread(render, public_url(request), version)
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    common = {
        hdrs.ETAG: f'"{tag}"',
        hdrs.CACHE_CONTROL: "no-cache",
        **(headers or {}),
    }
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=common)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type, **common})


@lru_cache(_REMEMBERED)
def _as_json(url: str, version: str) -> bytes:
    return encode(api_document(url, version), MediaType.JSON)


@lru_cache(_REMEMBERED)
def _as_yaml(url: str, version: str) -> bytes:
    return encode(api_document(url, version), MediaType.YAML)


@lru_cache(_REMEMBERED)
def _as_page(url: str, version: str) -> bytes:
    document = api_document(url, version)
    return page("reference.html", reference=reference_of(document)).encode()
