"""Sessions: read their status, and update them."""

from aiohttp import web

from aggregator.http.exchange import (
    accepted,
    answer,
    answering_dialect,
    caller_of,
    public_url,
    read_document,
    uuid_in,
)
from aggregator.http.keys import USE_CASES
from aggregator.wire.reading import read_update
from aggregator.wire.writing import write_session


async def get_session(request: web.Request) -> web.Response:
    """``GET /sessions/{uuid}``: the session as its site, or we, last knew it."""
    view = await request.app[USE_CASES].sessions.get(
        uuid_in(request, "session"), caller_of(request)
    )
    dialect = answering_dialect(request, view.dialect)
    document = write_session(view, dialect, public_url(request))
    return await answer(request, document, dialect=dialect)


async def post_session(request: web.Request) -> web.Response:
    """``POST /sessions/{uuid}``: accept, reject, cancel, or change what it offers."""
    session = uuid_in(request, "session")
    accepted(request)
    update = read_update(await read_document(request))
    view = await request.app[USE_CASES].updating.update(
        session, update, caller_of(request)
    )
    dialect = answering_dialect(request, view.dialect)
    document = write_session(view, dialect, public_url(request))
    return await answer(request, document, dialect=dialect)
