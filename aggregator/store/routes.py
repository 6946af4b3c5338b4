"""Routes in the database: which site owns which session, and what it last said."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import PhaseChange, Release, Route, WinnerState
from aggregator.store.database import Database, insert_new
from aggregator.store.releases import queue_releases
from aggregator.store.tables import PHASE_HISTORY, ROUTES, WINNERS

_AT_ONCE: Final = 1000
"""Both databases bound the number of values in a statement."""

_OF_SESSION: Final = select(ROUTES).where(ROUTES.c.session == bindparam("session"))
"""Made once: every poll asks it, and making it takes longer than looking it up."""


class RouteStore:
    """Keeps routes: ``ports.store.Routes`` and ``Overlays``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, session: str) -> Route | None:
        """Return the route of a session, None where there is none."""
        rows = await self._database.rows(_OF_SESSION, {"session": session})
        return route_of(rows[0]) if rows else None

    async def of_offer_set(self, offer_set: str) -> Sequence[Route]:
        """Return the routes of a set's offers, best offer first."""
        rows = await self._database.rows(
            select(ROUTES)
            .where(ROUTES.c.offer_set == offer_set)
            .order_by(ROUTES.c.position)
        )
        return [route_of(row) for row in rows]

    async def save_reading(self, route: Route, changes: Sequence[PhaseChange]) -> None:
        """Keep a route's overlay and last reading, and phases newly seen.

        A reading that is older than the one that is stored is left out. A route
        that isn't there any more is left alone.
        """
        await self._database.write(
            lambda connection: _save_reading(connection, route, changes)
        )

    async def mark(
        self, session: str, phase: SessionPhase, releases: Sequence[Release] = ()
    ) -> bool:
        """Give a session that has no overlay the overlay ``phase``.

        REJECTED is not given to one that is its set's winner. The releases that
        the overlay makes due are queued with it, and not without it.

        Returns:
            Whether the session has that overlay now.
        """
        return await self._database.write(
            lambda connection: _mark_and_release(connection, session, phase, releases)
        )


async def known_sessions(
    connection: AsyncConnection, sessions: Sequence[str], *, but: str
) -> dict[str, str]:
    """Return those of ``sessions`` that are in another set than ``but``, with sites."""
    found: dict[str, str] = {}
    for start in range(0, len(sessions), _AT_ONCE):
        some = sessions[start : start + _AT_ONCE]
        query = select(ROUTES.c.session, ROUTES.c.site).where(
            ROUTES.c.session.in_(some), ROUTES.c.offer_set != but
        )
        rows = await connection.execute(query)
        found.update({row.session: row.site for row in rows})
    return found


async def _save_reading(
    connection: AsyncConnection, route: Route, changes: Sequence[PhaseChange]
) -> None:
    if not await _lock_route(connection, route.session):
        return
    if route.overlay is not None:
        await _mark(connection, route.session, route.overlay)
    await _keep_reading(connection, route)
    if changes:
        await connection.execute(
            insert_new(connection, PHASE_HISTORY),
            [_change_row(change) for change in changes],
        )


async def _lock_route(connection: AsyncConnection, session: str) -> bool:
    query = select(ROUTES.c.session).where(ROUTES.c.session == session)
    found = await connection.execute(query.with_for_update())
    return found.one_or_none() is not None


async def _mark_and_release(
    connection: AsyncConnection,
    session: str,
    phase: SessionPhase,
    releases: Sequence[Release],
) -> bool:
    # By itself, for a statement that waits for an acceptance doesn't see its winner.
    await _lock_route(connection, session)
    marked = await _mark(connection, session, phase)
    if marked:
        await queue_releases(connection, releases)
    return marked


async def _mark(connection: AsyncConnection, session: str, phase: SessionPhase) -> bool:
    change = update(ROUTES).where(
        ROUTES.c.session == session, ROUTES.c.overlay.is_(None)
    )
    if phase is SessionPhase.REJECTED:
        change = change.where(~_is_winner())
    await connection.execute(change.values(overlay=phase.value))
    query = select(ROUTES.c.overlay).where(ROUTES.c.session == session)
    overlay = (await connection.execute(query)).scalar_one_or_none()
    return bool(overlay == phase.value)


def _is_winner() -> ColumnElement[bool]:
    return exists().where(
        WINNERS.c.session == ROUTES.c.session,
        WINNERS.c.state != WinnerState.LOST.value,
    )


async def _keep_reading(connection: AsyncConnection, route: Route) -> None:
    if route.last_read is None:
        return
    await connection.execute(
        update(ROUTES)
        .where(
            ROUTES.c.session == route.session,
            or_(ROUTES.c.last_read.is_(None), ROUTES.c.last_read <= route.last_read),
        )
        .values(
            last_payload=route.last_payload,
            last_residue=route.last_residue,
            last_read=route.last_read,
        )
    )


def _change_row(change: PhaseChange) -> dict[str, Any]:
    return {
        "session": change.session,
        "component": change.component,
        "phase": change.phase,
        "seen": change.seen,
    }


def route_of(row: Row[Any]) -> Route:
    """Return the route that a whole row of the table stands for."""
    members = dict(row._mapping)  # noqa: SLF001  public in spite of its name
    overlay = members.pop("overlay")
    return Route(**members, overlay=None if overlay is None else SessionPhase(overlay))
