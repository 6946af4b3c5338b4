"""Sessions: read their status, update them, and have one at once."""

import orjson
from aiohttp import hdrs, web

from aggregator.domain.phases import SessionPhase
from aggregator.domain.views import SessionView
from aggregator.http.events import Event, stream
from aggregator.http.exchange import (
    answer,
    caller_of,
    keyed,
    preferences_of,
    protocol_form,
    public_url,
    read_document,
    refuse_loop,
    uuid_in,
)
from aggregator.http.keys import USE_CASES
from aggregator.services.caller import Caller
from aggregator.wire.media import MediaType
from aggregator.wire.reading import read_request, read_update
from aggregator.wire.writing import write_session
from aggregator.wire.xml import XML_DIALECTS


async def get_session(request: web.Request) -> web.Response:
    """``GET /sessions/{uuid}``: the session as its site, or we, last knew it."""
    view = await request.app[USE_CASES].sessions.get(
        uuid_in(request, "session"), caller_of(request)
    )
    return await _answer(request, view)


async def get_session_events(request: web.Request) -> web.StreamResponse:
    """``GET /sessions/{uuid}/events``: the session as it moves, until it ended."""
    caller = caller_of(request)
    uuid = uuid_in(request, "session")
    use_cases = request.app[USE_CASES]
    dialect = (await use_cases.sessions.get(uuid, caller)).dialect
    form = protocol_form(request, dialect, events=True)
    base = public_url(request)

    async def event(view: SessionView) -> Event:
        return Event("session", orjson.dumps(write_session(view, form.dialect, base)))

    return await stream(request, use_cases.following.sessions(uuid, caller), event)


async def post_session(request: web.Request) -> web.Response:
    """``POST /sessions/{uuid}``: accept, reject, cancel, or change what it offers.

    With ``Prefer: failover`` the next best offer is accepted where the site of this
    one refuses.
    """
    session = uuid_in(request, "session")
    update = read_update(await read_document(request, "AbstractUpdate"))
    caller = caller_of(request)
    await _require_answerable(request, session, caller)
    use_cases = request.app[USE_CASES]
    accepting = update.phase is SessionPhase.ACCEPTED
    if accepting and "failover" in preferences_of(request):
        view = await use_cases.failover.accept(session, caller)
    else:
        view = await use_cases.updating.update(session, update, caller)
    return await _answer(request, view)


async def _require_answerable(
    request: web.Request, session: str, caller: Caller
) -> None:
    """Refuse what couldn't be answered before anything is done.

    Raises:
        NotAcceptable: The client takes nothing that the answer can be.
        UnknownResource: There is no such session of the caller's.
    """
    if protocol_form(request, XML_DIALECTS[-1]).media is MediaType.XML:
        # Not every dialect has it; all have the others.
        route = await request.app[USE_CASES].sessions.route(session, caller.principal)
        protocol_form(request, route.dialect)


async def post_direct(request: web.Request) -> web.Response:
    """``POST /direct``: one session at once, at the best site that takes it."""
    return await _execute(request, default_dialect="2026-07")


async def post_sessions(request: web.Request) -> web.Response:
    """``POST /sessions``: the same under its name of 2026-04."""
    return await _execute(request, default_dialect="2026-04")


async def _execute(request: web.Request, default_dialect: str) -> web.Response:
    refuse_loop(request)
    document = await read_document(request, "ExecutionRequest")
    wanted = read_request(document, default_dialect)
    protocol_form(request, wanted.dialect)
    caller = keyed(request, caller_of(request), document)
    direct = await request.app[USE_CASES].failover.execute(wanted, caller)
    if not direct.taken:
        return await _answer(request, direct.view, status=400)
    location = f"{public_url(request)}/sessions/{direct.view.session}"
    return await _answer(
        request, direct.view, status=303, headers={hdrs.LOCATION: location}
    )


async def _answer(
    request: web.Request,
    view: SessionView,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    form = protocol_form(request, view.dialect)
    return await answer(
        request,
        write_session(view, form.dialect, public_url(request)),
        form,
        schema="AbstractExecutionSession",
        status=status,
        headers=headers,
    )
