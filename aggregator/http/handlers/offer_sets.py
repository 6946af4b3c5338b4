"""Offer sets: ask for one, read it, and read how it came about."""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from aggregator.domain.views import OfferSetView
from aggregator.http.events import Event, stream
from aggregator.http.exchange import (
    answer,
    caller_of,
    keyed,
    plain_form,
    protocol_form,
    public_url,
    read_document,
    refuse_loop,
    uuid_in,
)
from aggregator.http.keys import USE_CASES
from aggregator.services.offer_sets import site_documents
from aggregator.wire.dialects import Dialect
from aggregator.wire.reading import read_request
from aggregator.wire.sizes import are_large
from aggregator.wire.writing import write_offer_set

NOT_MODIFIED: Final = 304


async def post_offersets(request: web.Request) -> web.Response:
    """``POST /offersets``: the route of the dialects before 2026-07."""
    return await _submit(request, default_dialect="2025-11")


async def post_requests(request: web.Request) -> web.Response:
    """``POST /requests``: the same under its newest name."""
    return await _submit(request, default_dialect="2026-07")


async def _submit(request: web.Request, default_dialect: str) -> web.Response:
    refuse_loop(request)
    document = await read_document(request, "ExecutionRequest")
    wanted = read_request(document, default_dialect)
    form = protocol_form(request, wanted.dialect)
    use_cases = request.app[USE_CASES]
    caller = keyed(request, caller_of(request), document)
    requested = await use_cases.repeating.request_offers(wanted, caller)
    offer_set = requested.offer_set
    base = public_url(request)
    view = (
        await use_cases.offer_sets.view(offer_set.uuid, caller.principal)
        if requested.repeated
        else use_cases.offer_sets.made(offer_set)
    )
    return await answer(
        request,
        await _document(view, form.dialect, base),
        form,
        schema="OfferSetResponse",
        status=303,
        headers={hdrs.LOCATION: f"{base}/offersets/{offer_set.uuid}"},
    )


async def get_offerset(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}``: the set with the phases that are known now.

    A set without offers that isn't a NO is told as it was to who asked for it. A
    client that has it already (``If-None-Match``) and says ``Prefer: wait=N`` is
    answered when it has changed, or after N seconds.
    """
    caller = caller_of(request)
    uuid = uuid_in(request, "offer set")
    use_cases = request.app[USE_CASES]
    view = await use_cases.following.answered_offer_set(uuid, caller)
    response = await _shown(request, view)
    if response.status != NOT_MODIFIED or caller.wait is None:
        return response
    later = await use_cases.following.offer_set_after(uuid, view.version, caller)
    return await _shown(request, later)


async def get_offerset_events(request: web.Request) -> web.StreamResponse:
    """``GET /offersets/{uuid}/events``: the set as it grows, as server-sent events."""
    caller = caller_of(request)
    uuid = uuid_in(request, "offer set")
    use_cases = request.app[USE_CASES]
    offer_set = await use_cases.offer_sets.get(uuid, caller.principal)
    form = protocol_form(request, offer_set.request.dialect, events=True)
    base = public_url(request)

    async def event(view: OfferSetView) -> Event:
        document = await _document(view, form.dialect, base)
        return Event("offerset", orjson.dumps(document), str(view.version))

    return await stream(request, use_cases.following.offer_sets(uuid, caller), event)


async def _shown(request: web.Request, view: OfferSetView) -> web.Response:
    form = protocol_form(request, view.dialect)
    document = await _document(view, form.dialect, public_url(request))
    return await answer(request, document, form, schema="OfferSetResponse")


async def _document(view: OfferSetView, dialect: Dialect, base: str) -> dict[str, Any]:
    """Return the set as a client of ``dialect`` reads it; a large one off the loop."""
    if are_large(offer.payload for offer in view.offers):
        return await asyncio.to_thread(write_offer_set, view, dialect, base)
    return write_offer_set(view, dialect, base)


async def get_sites(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}/sites``: what each site did for the set."""
    offer_set = await request.app[USE_CASES].offer_sets.get(
        uuid_in(request, "offer set"), caller_of(request).principal
    )
    return await answer(
        request,
        {"offerset": offer_set.uuid, "sites": site_documents(offer_set.answers)},
        plain_form(request),
    )


async def get_ranking(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}/ranking``: the whole explanation of the order."""
    offer_set = await request.app[USE_CASES].offer_sets.get(
        uuid_in(request, "offer set"), caller_of(request).principal
    )
    return await answer(
        request,
        {"offerset": offer_set.uuid, **offer_set.ranking},
        plain_form(request),
    )
