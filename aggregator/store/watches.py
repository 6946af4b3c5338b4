"""Watches in the database: sessions that are followed without clients."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.records import PhaseChange, Route
from aggregator.store.database import Database
from aggregator.store.routes import route_of
from aggregator.store.tables import PHASE_HISTORY, ROUTES, WATCHES


class WatchStore:
    """Keeps watches and the history of phases: ``ports.store.Watches``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease_watches(
        self, replica: str, now: datetime, until: datetime, limit: int
    ) -> Sequence[Route]:
        """Take sessions that are due to be read and not leased."""
        return await self._database.write(
            lambda connection: _lease(connection, replica, now, until, limit)
        )

    async def next_watch(self, session: str, due: datetime | None) -> None:
        """Say when to read a session again; None where it is terminal."""
        change = (
            delete(WATCHES)
            if due is None
            else update(WATCHES).values(due=due, lease_owner=None, lease_until=None)
        ).where(WATCHES.c.session == session)
        await self._database.write(lambda connection: connection.execute(change))

    async def history(self, session: str) -> Sequence[PhaseChange]:
        """Return the phases that a session was seen in, oldest first."""
        rows = await self._database.rows(
            select(PHASE_HISTORY)
            .where(PHASE_HISTORY.c.session == session)
            .order_by(PHASE_HISTORY.c.seen, PHASE_HISTORY.c.component)
        )
        return [
            PhaseChange(row.session, row.component, row.phase, row.seen) for row in rows
        ]


async def _lease(
    connection: AsyncConnection,
    replica: str,
    now: datetime,
    until: datetime,
    limit: int,
) -> Sequence[Route]:
    due = (
        select(ROUTES)
        .join(WATCHES)
        .where(
            WATCHES.c.due <= now,
            or_(WATCHES.c.lease_until.is_(None), WATCHES.c.lease_until <= now),
        )
        .order_by(WATCHES.c.due)
        .limit(limit)
        .with_for_update(skip_locked=True, of=WATCHES)
    )
    rows = (await connection.execute(due)).all()
    if rows:
        await connection.execute(
            update(WATCHES)
            .where(WATCHES.c.session.in_([row.session for row in rows]))
            .values(lease_owner=replica, lease_until=until)
        )
    return [route_of(row) for row in rows]
