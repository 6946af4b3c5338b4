"""One HTTP exchange: what a request says beside its path, and how it is answered."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from aggregator.domain.errors import (
    BodyTooLarge,
    InputError,
    NotAcceptable,
    UnknownResource,
)
from aggregator.http.keys import HTTP_SETTINGS, REQUEST_ID
from aggregator.services.caller import Caller
from aggregator.wire.dialects import DIALECTS
from aggregator.wire.dialects.base import Dialect
from aggregator.wire.media import Accepted, MediaType, decode, encode, negotiate

_UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_TRACE_HEADERS: Final = ("traceparent", "tracestate")
_PREFERENCE: Final = re.compile(r"\s*([A-Za-z-]+)\s*(?:=\s*\"?([^\",;]*)\"?)?[^,]*")


def accepted(request: web.Request) -> Accepted:
    """Return the media type and the dialect in which to answer.

    Raises:
        NotAcceptable: None of ours would do, or there is no such dialect.
    """
    choice = negotiate(request.headers.get(hdrs.ACCEPT))
    dialect = request.query.get("dialect", choice.dialect)
    if dialect is not None and dialect not in DIALECTS:
        raise NotAcceptable(
            f"there is no dialect {dialect!r}; there are {', '.join(DIALECTS)}"
        )
    return Accepted(choice.media, dialect)


def answering_dialect(request: web.Request, remembered: str) -> Dialect:
    """Return the dialect to answer in: the one asked for, else that of the request."""
    return DIALECTS[accepted(request).dialect or remembered]


async def read_document(request: web.Request) -> Any:
    """Return the document in the request's body.

    Raises:
        InputError: It isn't well-formed, or did not come within its time.
        UnsupportedMediaType: It is of a type that we don't read.
        BodyTooLarge: It is larger than we read.
    """
    settings = request.app[HTTP_SETTINGS]
    try:
        async with asyncio.timeout(settings.body_timeout):
            body = await request.read()
    except TimeoutError:
        raise InputError(
            f"the body did not come within {settings.body_timeout:g} s"
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(
            f"the body is larger than {settings.max_request_bytes} bytes"
        ) from None
    return decode(body, request.headers.get(hdrs.CONTENT_TYPE))


def caller_of(request: web.Request) -> Caller:
    """Return who asks, and how; to be called once the body was read."""
    preferences = preferences_of(request)
    settings = request.app[HTTP_SETTINGS]
    hops = [*request.headers.getall(hdrs.VIA, []), f"1.1 {settings.broker_id}"]
    return Caller(
        received=asyncio.get_running_loop().time(),
        wait=_wait(preferences),
        strict=preferences.get("handling") == "strict",
        authorization=request.headers.get(hdrs.AUTHORIZATION),
        via=", ".join(hops),
        trace={
            name: request.headers[name]
            for name in _TRACE_HEADERS
            if name in request.headers
        },
        request_id=request.get(REQUEST_ID, ""),
    )


def preferences_of(request: web.Request) -> Mapping[str, str]:
    """Return the request's preferences (RFC 7240), the first of each name."""
    preferences: dict[str, str] = {}
    for header in request.headers.getall("Prefer", []):
        for name, value in _PREFERENCE.findall(header):
            preferences.setdefault(name.lower(), value.strip().lower())
    return preferences


def _wait(preferences: Mapping[str, str]) -> float | None:
    try:
        return float(int(preferences["wait"]))
    except (KeyError, ValueError):
        # RFC 7240, section 2: a preference that isn't understood is ignored.
        return None


def uuid_in(request: web.Request, what: str) -> str:
    """Return the uuid in the request's path, in lower case.

    Raises:
        UnknownResource: It isn't one, so that there is nothing of that name.
    """
    text = request.match_info["uuid"]
    if not _UUID.fullmatch(text):
        raise UnknownResource(f"there is no {what} {text!r}: that is not a uuid")
    return text.lower()


def public_url(request: web.Request) -> str:
    """Return the URL on which to build links for this client."""
    settings = request.app[HTTP_SETTINGS]
    host = request.headers.get(hdrs.HOST, "")
    if host in settings.trusted_hosts:
        return f"{request.scheme}://{host}"
    return settings.public_url()


async def answer(
    request: web.Request,
    document: Any,
    *,
    status: int = 200,
    dialect: Dialect | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return ``document`` in the media type that the client wants.

    The entity tag is the body's, so that a client that has it is answered 304.
    """
    media = accepted(request).media
    content_type = media.value
    if dialect is not None:
        content_type += f";dialect={dialect.name}"
    body = await encoded(document, media)
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    if request.method == hdrs.METH_GET and _has(request, tag):
        return web.Response(status=304, headers={hdrs.ETAG: f'"{tag}"'})
    return web.Response(
        status=status,
        body=body,
        headers={
            hdrs.ETAG: f'"{tag}"',
            hdrs.CONTENT_TYPE: content_type,
            hdrs.VARY: "Accept, Authorization",
            hdrs.CACHE_CONTROL: "no-store",
            **(headers or {}),
        },
    )


def _has(request: web.Request, tag: str) -> bool:
    return any(known.value in {tag, "*"} for known in request.if_none_match or ())


async def encoded(document: Any, media: MediaType) -> bytes:
    """Return ``document`` as bytes; YAML off the loop: it takes 300 times as long."""
    if media is MediaType.JSON:
        return encode(document, media)
    return await asyncio.to_thread(encode, document, media)
