"""What operators do: drain sites, end that, and read who did what."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from aggregator.domain.drains import read_length, read_reason
from aggregator.domain.errors import InputError, InvalidInput, Violation
from aggregator.http.exchange import answer, plain_form, read_body
from aggregator.http.keys import USE_CASES
from aggregator.http.operators import require_operator
from aggregator.http.site_documents import audit_document, site_document
from aggregator.wire.media import decode

_USUAL_LIMIT: Final = 100
_HIGHEST_LIMIT: Final = 10_000
_LONGEST_NUMBER: Final = 9
_NO_REASON: Final = "no reason given"


async def post_drain(request: web.Request) -> web.Response:
    """``POST /federation/sites/{site}/drain``: no new requests for offers, for a while.

    The body says ``for`` how long, such as ``2h``, and the ``reason``.
    """
    by = require_operator(request)
    form = plain_form(request)
    body = await _mapping(request, {"for", "reason"})
    seconds = read_length(_text(body, "for"))
    reason = read_reason(_text(body, "reason"))
    site = request.match_info["site"]
    await request.app[USE_CASES].draining.drain(site, seconds, reason, by)
    return await answer(request, await _site(request, site), form)


async def post_undrain(request: web.Request) -> web.Response:
    """``POST /federation/sites/{site}/undrain``: end that before its time.

    A body with a ``reason`` may come with it.
    """
    by = require_operator(request)
    form = plain_form(request)
    body = await _mapping(request, {"reason"}) if request.body_exists else {}
    reason = read_reason(_text(body, "reason")) if "reason" in body else _NO_REASON
    site = request.match_info["site"]
    await request.app[USE_CASES].draining.undrain(site, reason, by)
    return await answer(request, await _site(request, site), form)


async def get_audit(request: web.Request) -> web.Response:
    """``GET /federation/audit``: what operators did, the latest first."""
    require_operator(request)
    form = plain_form(request)
    entries = await request.app[USE_CASES].draining.audit(_limit(request))
    document = {"entries": [audit_document(entry) for entry in entries]}
    return await answer(request, document, form)


async def _mapping(request: web.Request, known: set[str]) -> Mapping[str, Any]:
    body = await read_body(request)
    document = decode(body, request.headers.get(hdrs.CONTENT_TYPE))
    if not isinstance(document, Mapping):
        raise InvalidInput("the body should be a mapping", [Violation("", "see there")])
    for key in document:
        if key not in known:
            raise _invalid(str(key), f"is not known; known are {', '.join(known)}")
    return document


def _text(body: Mapping[str, Any], key: str) -> str:
    text = body.get(key)
    if not isinstance(text, str):
        raise _invalid(key, "should be text" if key in body else "is missing")
    return text


def _invalid(key: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{key} {reason}", [Violation(f"/{key}", reason)])


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_USUAL_LIMIT))
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    if not is_number or not 1 <= int(text) <= _HIGHEST_LIMIT:
        raise InputError(f"limit is a number from 1 to {_HIGHEST_LIMIT}, not {text!r}")
    return int(text)


async def _site(request: web.Request, site: str) -> dict[str, Any]:
    board = await request.app[USE_CASES].board.board()
    for view in board.views:
        if view.site.name == site:
            return site_document(view, to_operator=True)
    return {"name": site}
