"""Winners in the database: at most one per offer set, across all replicas.

Each transaction locks the set's row before any other, so that on PostgreSQL two of
them never wait for one another. On SQLite there is one writer at a time anyway.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.errors import UnknownResource
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release, Winner, WinnerState
from aggregator.ports.store import SessionOverlaid
from aggregator.store.database import Database, insert_new
from aggregator.store.releases import queue_releases
from aggregator.store.tables import OFFER_SETS, ROUTES, WATCHES, WINNERS

_BATCH: Final = 100


class WinnerStore:
    """Keeps winners: ``ports.store.Winners`` and ``WinnerReadings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, winner: Winner, replica: str, until: datetime) -> Winner:
        """Make ``winner`` the set's only one and close the set, unless it has one.

        Returns:
            ``winner`` itself where it was claimed by this call, and otherwise the
            winner that was there before.

        Raises:
            UnknownResource: There is no such offer set.
            SessionOverlaid: The session has an overlay, so that it can't win.
        """
        return await self._database.write(
            lambda connection: _claim(connection, winner, replica, until)
        )

    async def withdraw(self, winner: Winner, releases: Sequence[Release] = ()) -> None:
        """Remove a winner that its site definitely refused, and reopen the set.

        A claim of the same session that came after it stays, and so does what was
        settled. With releases the session is REJECTED from then on, so that nothing
        that is accepted is ever released; they are queued unless it was, or is about
        to be.
        """
        await self._database.write(
            lambda connection: _withdraw(connection, winner, releases)
        )

    async def settle(
        self, winner: Winner, state: WinnerState, releases: Sequence[Release]
    ) -> bool:
        """Move the winner to ``state``, queue releases, and mark losers.

        ``accepted`` is final, and is taken up also where the winner was withdrawn
        meanwhile, unless it is REJECTED since: the site's word counts.

        Returns:
            Whether it was done; not where the set has another winner, or the set
            is gone, or ``lost`` comes after ``accepted``. Nothing is changed then.
        """
        return await self._database.write(
            lambda connection: _settle(connection, winner, state, releases)
        )

    async def of_offer_set(self, offer_set: str) -> Winner | None:
        """Return a set's winner, None where it has none."""
        return await self._database.read(
            lambda connection: _winner_of(connection, offer_set)
        )

    async def accepting(
        self, replica: str, until: datetime, now: datetime
    ) -> Sequence[Winner]:
        """Lease the oldest acceptances that nobody is at work on, until ``until``."""
        return await self._database.write(
            lambda connection: _lease_abandoned(connection, replica, until, now)
        )

    async def extend(self, offer_set: str, replica: str, until: datetime) -> None:
        """Hold the lease of an acceptance that is still being worked on."""
        change = (
            update(WINNERS)
            .where(
                WINNERS.c.offer_set == offer_set,
                WINNERS.c.lease_owner == replica,
                WINNERS.c.state == WinnerState.ACCEPTING.value,
            )
            .values(lease_until=until)
        )
        await self._database.write(lambda connection: connection.execute(change))


async def _claim(
    connection: AsyncConnection, winner: Winner, replica: str, until: datetime
) -> Winner:
    if not await _lock_set(connection, winner.offer_set):
        raise UnknownResource(f"There is no offer set {winner.offer_set}.")
    present = await _winner_of(connection, winner.offer_set)
    if present is not None:
        return present
    await _refuse_overlaid(connection, winner.session)
    await _insert_winner(connection, winner, replica, until)
    await _set_open(connection, winner.offer_set, is_open=False)
    return winner


async def _refuse_overlaid(connection: AsyncConnection, session: str) -> None:
    overlay = await _overlay_of(connection, session)
    if overlay is not None:
        raise SessionOverlaid(overlay)


async def _is_rejected(connection: AsyncConnection, session: str) -> bool:
    return await _overlay_of(connection, session) is SessionPhase.REJECTED


async def _overlay_of(connection: AsyncConnection, session: str) -> SessionPhase | None:
    query = select(ROUTES.c.overlay).where(ROUTES.c.session == session)
    overlay = (await connection.execute(query.with_for_update())).scalar_one_or_none()
    return None if overlay is None else SessionPhase(overlay)


async def _withdraw(
    connection: AsyncConnection, winner: Winner, releases: Sequence[Release]
) -> None:
    await _lock_set(connection, winner.offer_set)
    present = await _winner_of(connection, winner.offer_set)
    if present == winner:
        await connection.execute(
            delete(WINNERS).where(WINNERS.c.offer_set == winner.offer_set)
        )
        await _set_open(connection, winner.offer_set, is_open=True)
    elif present is not None and present.session == winner.session:
        return
    if releases:
        await _reject(connection, ROUTES.c.session == winner.session)
    await queue_releases(connection, releases)


async def _settle(
    connection: AsyncConnection,
    winner: Winner,
    state: WinnerState,
    releases: Sequence[Release],
) -> bool:
    if not await _lock_set(connection, winner.offer_set):
        return False
    present = await _winner_of(connection, winner.offer_set)
    if not _may_settle(present, winner, state):
        return False
    if present is None and await _is_rejected(connection, winner.session):
        return False
    await _keep_state(connection, winner, present, state)
    await _start_watch(connection, winner)
    if state is WinnerState.ACCEPTED:
        of_set = ROUTES.c.offer_set == winner.offer_set
        await _reject(connection, of_set & (ROUTES.c.session != winner.session))
    await queue_releases(connection, releases)
    return True


async def _lease_abandoned(
    connection: AsyncConnection, replica: str, until: datetime, now: datetime
) -> Sequence[Winner]:
    abandoned = (
        select(WINNERS)
        .where(
            WINNERS.c.state == WinnerState.ACCEPTING.value,
            or_(WINNERS.c.lease_until.is_(None), WINNERS.c.lease_until <= now),
        )
        .order_by(WINNERS.c.lease_until)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(abandoned)).all()
    if rows:
        await connection.execute(
            update(WINNERS)
            .where(WINNERS.c.offer_set.in_([row.offer_set for row in rows]))
            .values(lease_owner=replica, lease_until=until)
        )
    return [_winner(row) for row in rows]


def _may_settle(present: Winner | None, winner: Winner, state: WinnerState) -> bool:
    if present is None:
        return state is WinnerState.ACCEPTED
    if present.session != winner.session:
        return False
    return present.state is not WinnerState.ACCEPTED or state is WinnerState.ACCEPTED


async def _lock_set(connection: AsyncConnection, offer_set: str) -> bool:
    query = select(OFFER_SETS.c.uuid).where(OFFER_SETS.c.uuid == offer_set)
    found = await connection.execute(query.with_for_update())
    return found.one_or_none() is not None


async def _set_open(
    connection: AsyncConnection, offer_set: str, *, is_open: bool
) -> None:
    await connection.execute(
        update(OFFER_SETS)
        .where(OFFER_SETS.c.uuid == offer_set)
        .values(open=is_open, version=OFFER_SETS.c.version + 1)
    )


async def _winner_of(connection: AsyncConnection, offer_set: str) -> Winner | None:
    query = select(WINNERS).where(WINNERS.c.offer_set == offer_set)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _winner(row)


async def _insert_winner(
    connection: AsyncConnection,
    winner: Winner,
    replica: str | None = None,
    until: datetime | None = None,
) -> None:
    await connection.execute(
        insert(WINNERS),
        {
            "offer_set": winner.offer_set,
            "session": winner.session,
            "site": winner.site,
            "site_session": winner.site_session,
            "state": winner.state.value,
            "since": winner.since,
            "give_up": winner.give_up,
            "lease_owner": replica,
            "lease_until": until,
        },
    )


async def _keep_state(
    connection: AsyncConnection,
    winner: Winner,
    present: Winner | None,
    state: WinnerState,
) -> None:
    if present is None:
        await _insert_winner(connection, winner)
    await connection.execute(
        update(WINNERS)
        .where(WINNERS.c.offer_set == winner.offer_set)
        .values(state=state.value, lease_owner=None, lease_until=None)
    )
    if present is None or present.state is not state:
        await _set_open(connection, winner.offer_set, is_open=False)


async def _reject(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    losers = and_(which, ROUTES.c.overlay.is_(None))
    in_order = select(ROUTES.c.session).where(losers).order_by(ROUTES.c.session)
    await connection.execute(in_order.with_for_update())
    await connection.execute(
        update(ROUTES).where(losers).values(overlay=SessionPhase.REJECTED.value)
    )


async def _start_watch(connection: AsyncConnection, winner: Winner) -> None:
    await connection.execute(
        insert_new(connection, WATCHES),
        {"session": winner.session, "due": winner.since},
    )


def _winner(row: Row[Any]) -> Winner:
    return Winner(
        offer_set=row.offer_set,
        session=row.session,
        site=row.site,
        site_session=row.site_session,
        state=WinnerState(row.state),
        since=row.since,
        give_up=row.give_up,
    )
