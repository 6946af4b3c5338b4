"""Offer sets: ask for one, read it, and read how it came about."""

from aiohttp import hdrs, web

from aggregator.domain.errors import LoopDetected
from aggregator.http.exchange import (
    accepted,
    answer,
    answering_dialect,
    caller_of,
    public_url,
    read_document,
    uuid_in,
)
from aggregator.http.keys import HTTP_SETTINGS, USE_CASES
from aggregator.services.offer_sets import site_documents
from aggregator.wire.reading import read_request
from aggregator.wire.writing import write_offer_set


async def post_offersets(request: web.Request) -> web.Response:
    """``POST /offersets``: the route of the dialects before 2026-07."""
    return await _submit(request, default_dialect="2025-11")


async def post_requests(request: web.Request) -> web.Response:
    """``POST /requests``: the same under its newest name."""
    return await _submit(request, default_dialect="2026-07")


async def _submit(request: web.Request, default_dialect: str) -> web.Response:
    _refuse_loop(request)
    accepted(request)
    wanted = read_request(await read_document(request), default_dialect)
    use_cases = request.app[USE_CASES]
    offer_set = await use_cases.requesting.request_offers(wanted, caller_of(request))
    base = public_url(request)
    dialect = answering_dialect(request, offer_set.request.dialect)
    view = use_cases.offer_sets.show(offer_set)
    return await answer(
        request,
        write_offer_set(view, dialect, base),
        status=303,
        dialect=dialect,
        headers={hdrs.LOCATION: f"{base}/offersets/{offer_set.uuid}"},
    )


async def get_offerset(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}``: the set with the phases that are known now."""
    caller = caller_of(request)
    view = await request.app[USE_CASES].offer_sets.view(
        uuid_in(request, "offer set"), caller.principal
    )
    dialect = answering_dialect(request, view.dialect)
    return await answer(
        request,
        write_offer_set(view, dialect, public_url(request)),
        dialect=dialect,
    )


async def get_sites(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}/sites``: what each site did for the set."""
    offer_set = await request.app[USE_CASES].offer_sets.get(
        uuid_in(request, "offer set"), caller_of(request).principal
    )
    return await answer(
        request,
        {"offerset": offer_set.uuid, "sites": site_documents(offer_set.answers)},
    )


async def get_ranking(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}/ranking``: the whole explanation of the order."""
    offer_set = await request.app[USE_CASES].offer_sets.get(
        uuid_in(request, "offer set"), caller_of(request).principal
    )
    return await answer(request, {"offerset": offer_set.uuid, **offer_set.ranking})


def _refuse_loop(request: web.Request) -> None:
    ours = request.app[HTTP_SETTINGS].broker_id
    for header in request.headers.getall(hdrs.VIA, []):
        for hop in header.split(","):
            if hop.split()[1:2] == [ours]:
                raise LoopDetected(
                    f"the request came back to {ours}, by way of {header}"
                )
