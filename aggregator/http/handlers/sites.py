"""The federation's sites: how they are, and what changes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import web

from aggregator.http.events import Event, stream
from aggregator.http.exchange import answer, plain_form
from aggregator.http.keys import USE_CASES
from aggregator.http.operators import is_operator
from aggregator.http.site_documents import Changes, site_document
from aggregator.services.site_board import Board


async def get_federation_sites(request: web.Request) -> web.Response:
    """``GET /federation/sites``: every configured site, and how it is."""
    form = plain_form(request)
    board = await request.app[USE_CASES].board.board()
    to_operator = is_operator(request)
    return await answer(
        request,
        {
            "sites": [
                site_document(view, to_operator=to_operator) for view in board.views
            ]
        },
        form,
    )


async def get_federation_sites_events(request: web.Request) -> web.StreamResponse:
    """``GET /federation/sites/events``: all sites at once, then those that change."""
    changes = _changes(
        request.app[USE_CASES].board.boards(),
        Changes(to_operator=is_operator(request)),
    )
    return await stream(request, changes, _event)


async def _changes(
    boards: AsyncGenerator[Board, None], changes: Changes
) -> AsyncGenerator[dict[str, Any], None]:
    async with aclosing(boards):
        async for board in boards:
            changed = changes.of(board)
            if changed is not None:
                yield changed


async def _event(document: dict[str, Any]) -> Event:
    return Event("sites", orjson.dumps(document))
