"""Watches in the database: accepted sessions that are followed without clients."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update

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
        """Take accepted sessions that are due to be read and not leased."""
        query = (
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
        async with self._database.writing() as connection:
            rows = (await connection.execute(query)).all()
            if rows:
                await connection.execute(
                    update(WATCHES)
                    .where(WATCHES.c.session.in_([row.session for row in rows]))
                    .values(lease_owner=replica, lease_until=until)
                )
        return [route_of(row) for row in rows]

    async def next_watch(self, session: str, due: datetime | None) -> None:
        """Say when to read a session again; None where it is terminal."""
        change = (
            delete(WATCHES)
            if due is None
            else update(WATCHES).values(due=due, lease_owner=None, lease_until=None)
        )
        async with self._database.writing() as connection:
            await connection.execute(change.where(WATCHES.c.session == session))

    async def history(self, session: str) -> Sequence[PhaseChange]:
        """Return the phases that a session was seen in, oldest first."""
        query = (
            select(PHASE_HISTORY)
            .where(PHASE_HISTORY.c.session == session)
            .order_by(PHASE_HISTORY.c.seen, PHASE_HISTORY.c.component)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            PhaseChange(row.session, row.component, row.phase, row.seen) for row in rows
        ]
