"""Retention: taking out what nobody needs any more, a bounded piece at a time."""

from datetime import datetime

from sqlalchemy import Executable, and_, delete, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.records import WinnerState
from aggregator.store.database import Database
from aggregator.store.tables import (
    DECISIONS,
    OFFER_SETS,
    RELEASES,
    REQUEST_CLAIMS,
    ROUTES,
    WATCHES,
    WINNERS,
)


class RetentionStore:
    """Prunes the store: ``ports.store.Retention``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` offer sets that are over, and of the rest as many.

        A set goes with its routes, winner and history of phases. It is over when
        it was made before ``before``, nothing of it was read since, its
        acceptance is known or lost, its accepted session is terminal, and no other
        offer of it can be accepted. Of an offer that never expires that is taken
        to be so at ``before``. A release goes that was finished before ``before``.

        Returns:
            How many sets were removed; ``limit`` says that there may be more.
        """
        return await self._database.write(
            lambda connection: _prune(connection, before, limit)
        )


async def _prune(connection: AsyncConnection, before: datetime, limit: int) -> int:
    finished = (
        select(RELEASES.c.site, RELEASES.c.session)
        .where(RELEASES.c.finished < before)
        .order_by(RELEASES.c.finished)
        .limit(limit)
    )
    await connection.execute(
        delete(RELEASES).where(
            tuple_(RELEASES.c.site, RELEASES.c.session).in_(finished)
        )
    )
    await connection.execute(
        delete(REQUEST_CLAIMS).where(REQUEST_CLAIMS.c.made < before)
    )
    made = (
        select(DECISIONS.c.offer_set)
        .where(DECISIONS.c.moment < before)
        .order_by(DECISIONS.c.moment)
        .limit(limit)
    )
    await connection.execute(delete(DECISIONS).where(DECISIONS.c.offer_set.in_(made)))
    uuids = (await connection.execute(_sets_that_are_over(before, limit))).scalars()
    removed = await connection.execute(
        delete(OFFER_SETS).where(OFFER_SETS.c.uuid.in_(uuids.all()))
    )
    return removed.rowcount


def _sets_that_are_over(before: datetime, limit: int) -> Executable:
    undecided = exists().where(
        WINNERS.c.offer_set == OFFER_SETS.c.uuid,
        WINNERS.c.state == WinnerState.ACCEPTING.value,
    )
    watched = exists().where(
        WINNERS.c.offer_set == OFFER_SETS.c.uuid,
        WINNERS.c.state == WinnerState.ACCEPTED.value,
        WATCHES.c.session == WINNERS.c.session,
    )
    wanted = exists().where(
        ROUTES.c.offer_set == OFFER_SETS.c.uuid,
        or_(
            ROUTES.c.last_read >= before,
            and_(ROUTES.c.overlay.is_(None), ROUTES.c.expires >= before),
        ),
    )
    return (
        select(OFFER_SETS.c.uuid)
        .where(OFFER_SETS.c.created < before, ~undecided, ~watched, ~wanted)
        .order_by(OFFER_SETS.c.created)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
