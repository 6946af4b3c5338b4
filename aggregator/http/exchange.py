"""One HTTP exchange: what a request says beside its path, and how it is answered."""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from aggregator.domain.errors import (
    BodyTooLarge,
    InputError,
    LoopDetected,
    UnknownResource,
    UnsupportedMediaType,
    Violation,
)
from aggregator.domain.principal import ANONYMOUS
from aggregator.http.keys import HTTP_SETTINGS, PRINCIPAL, REQUEST_ID, SPAN
from aggregator.services.caller import Caller
from aggregator.wire.dialects import DIALECTS
from aggregator.wire.dialects.base import Dialect
from aggregator.wire.media import (
    Accepted,
    MediaType,
    decode,
    encode,
    located,
    negotiate,
)
from aggregator.wire.xml import XML_DIALECTS, SchemaName

_UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_MEDIA: Final = (MediaType.JSON, MediaType.YAML, MediaType.XML)
_CODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
_LARGE: Final = 16 * 1024
"""Bytes of a client's body above which it isn't read on the loop: that takes long."""
_LONGEST_KEY: Final = 255
_PREFERENCE: Final = re.compile(r"\s*([A-Za-z-]+)\s*(?:=\s*\"?([^\",;]*)\"?)?[^,]*")


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is to be written."""

    media: MediaType


@dataclass(frozen=True, slots=True)
class ProtocolForm(Form):
    """How a message of the protocol is to be written."""

    dialect: Dialect


def plain_form(request: web.Request) -> Form:
    """Return how to write what is not of the protocol: in JSON or YAML.

    Raises:
        NotAcceptable: Neither would do.
    """
    return Form(negotiate(request.headers.get(hdrs.ACCEPT)).media)


def protocol_form(
    request: web.Request, remembered: str, *, events: bool = False
) -> ProtocolForm:
    """Return how to write a message of the protocol.

    Args:
        request: Its ``dialect`` parameter wins over that of ``Accept``.
        remembered: The dialect where the client names none.
        events: Whether it goes out as server-sent events, which are JSON.

    Raises:
        NotAcceptable: None of our media types would do, or there is no such dialect.
    """
    asked = request.query.get("dialect")

    def dialect_of(accepted: Accepted) -> str:
        return asked or accepted.dialect or remembered

    accepted = negotiate(
        None if events else request.headers.get(hdrs.ACCEPT),
        _MEDIA,
        fault=lambda wish: _fault(wish.media, dialect_of(wish)),
    )
    return ProtocolForm(accepted.media, DIALECTS[dialect_of(accepted)])


def _fault(media: MediaType, dialect: str) -> str:
    """Return why a message can't be written so, nothing where it can."""
    if dialect not in DIALECTS:
        return f"there is no dialect {dialect!r}; there are {', '.join(DIALECTS)}"
    if media is MediaType.XML and dialect not in XML_DIALECTS:
        return (
            f"there is XML in the dialects {' and '.join(XML_DIALECTS)}, "
            f"not in {dialect}, which is written in JSON and YAML"
        )
    return ""


async def read_document(request: web.Request, schema: SchemaName) -> Any:
    """Return the document in the request's body.

    Args:
        request: Its body is JSON, YAML or XML.
        schema: What the document is to be, which XML needs to be read.

    Raises:
        InputError: It isn't well-formed, or did not come within its time.
        UnsupportedMediaType: It is of a type, or in a coding, that we don't read.
        BodyTooLarge: It is larger than we read.
    """
    body = await read_body(request)
    content_type = request.headers.get(hdrs.CONTENT_TYPE)
    if len(body) > _LARGE:
        return await asyncio.to_thread(decode, body, content_type, schema=schema)
    return decode(body, content_type, schema=schema)


async def read_body(request: web.Request) -> bytes:
    """Return the request's body, as it is.

    Raises:
        InputError: It did not come within its time, or not whole.
        UnsupportedMediaType: It is in a coding that we don't read.
        BodyTooLarge: It is larger than we read.
    """
    settings = request.app[HTTP_SETTINGS]
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if coding not in _CODINGS:
        raise UnsupportedMediaType(f"a body can't be in the coding {coding!r}")
    try:
        async with asyncio.timeout(settings.body_timeout):
            return await request.read()
    except TimeoutError:
        raise InputError(
            f"the body did not come within {settings.body_timeout:g} s"
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(
            f"the body is larger than {settings.max_request_bytes} bytes"
        ) from None
    except web.RequestPayloadError:
        raise InputError("the body broke off, or its coding is wrong") from None


async def located_violations(
    request: web.Request, violations: Sequence[Violation]
) -> Sequence[Violation]:
    """Return what is wrong with the request's body, with lines and columns."""
    if not request.body_exists or all(v.line is not None for v in violations):
        return violations
    return await asyncio.to_thread(
        located,
        await request.read(),
        request.headers.get(hdrs.CONTENT_TYPE),
        violations,
    )


def caller_of(request: web.Request) -> Caller:
    """Return who asks, and how; to be called once the body was read."""
    preferences = preferences_of(request)
    settings = request.app[HTTP_SETTINGS]
    hops = [*request.headers.getall(hdrs.VIA, []), f"1.1 {settings.broker_id}"]
    return Caller(
        received=asyncio.get_running_loop().time(),
        principal=request.get(PRINCIPAL, ANONYMOUS),
        wait=_wait(preferences),
        strict=preferences.get("handling") == "strict",
        policy=request.query.get("policy"),
        authorization=request.headers.get(hdrs.AUTHORIZATION),
        via=", ".join(hops),
        span=request.get(SPAN),
        request_id=request.get(REQUEST_ID, ""),
    )


def keyed(request: web.Request, caller: Caller, document: Any) -> Caller:
    """Return ``caller`` with the request's idempotency key, where it has one.

    Raises:
        InputError: The key isn't one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return caller
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InputError(
            f"an Idempotency-Key has 1 to {_LONGEST_KEY} printable ASCII characters"
        )
    whole = document if caller.policy is None else [document, caller.policy]
    content = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()
    return replace(caller, key=key, digest=digest)


def preferences_of(request: web.Request) -> Mapping[str, str]:
    """Return the request's preferences (RFC 7240), the first of each name."""
    preferences: dict[str, str] = {}
    for header in request.headers.getall("Prefer", []):
        for name, value in _PREFERENCE.findall(header):
            preferences.setdefault(name.lower(), value.strip().lower())
    return preferences


def _wait(preferences: Mapping[str, str]) -> float | None:
    wait = preferences.get("wait", "")
    # RFC 7240, section 2: a preference that isn't understood is ignored.
    return float(wait) if wait.isascii() and wait.isdecimal() else None


def refuse_loop(request: web.Request) -> None:
    """Refuse a request that came back to us through other meta-brokers.

    Raises:
        LoopDetected: Our own id is in ``Via``.
    """
    ours = request.app[HTTP_SETTINGS].broker_id
    for header in request.headers.getall(hdrs.VIA, []):
        if any(hop.split()[1:2] == [ours] for hop in header.split(",")):
            raise LoopDetected(f"the request came back to {ours}, by way of {header}")


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
    form: Form,
    *,
    schema: SchemaName | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return ``document`` as ``form`` has it.

    The entity tag is the body's, so that a client that has it is answered 304.
    """
    content_type = form.media.value
    if isinstance(form, ProtocolForm):
        content_type += f";dialect={form.dialect.name}"
    body = await encoded(document, form, schema)
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    common = {
        hdrs.ETAG: f'"{tag}"',
        hdrs.VARY: "Accept, Authorization",
        hdrs.CACHE_CONTROL: "no-store",
        **(headers or {}),
    }
    if request.method == hdrs.METH_GET and _has(request, tag):
        return web.Response(status=304, headers=common)
    return web.Response(
        status=status, body=body, headers={hdrs.CONTENT_TYPE: content_type, **common}
    )


def _has(request: web.Request, tag: str) -> bool:
    return any(known.value in {tag, "*"} for known in request.if_none_match or ())


async def encoded(document: Any, form: Form, schema: SchemaName | None = None) -> bytes:
    """Return ``document`` as bytes; what isn't JSON off the loop, for it is slow."""
    if form.media is MediaType.JSON:
        return encode(document, form.media)
    if not isinstance(form, ProtocolForm):
        return await asyncio.to_thread(encode, document, form.media)
    return await asyncio.to_thread(
        encode, document, form.media, schema=schema, dialect=form.dialect.name
    )
