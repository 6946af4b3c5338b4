"""Holdings in the database: what sites hold for users, and what expired unused."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.phases import TERMINAL, SessionPhase, session_phase
from aggregator.domain.tallies import SiteHoldings
from aggregator.store.database import Database, insert_new
from aggregator.store.tables import (
    COUNTED_EXPIRIES,
    OFFER_SETS,
    PHASE_HISTORY,
    ROUTES,
    WATCHES,
    WINNERS,
)

_ALL: Final = "all"
_SESSION: Final = "session"


class HoldingStore:
    """Counts: ``ports.operating.Holdings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_sites(self, now: datetime) -> Mapping[str, SiteHoldings]:
        """Return what each site holds for users at ``now``, where it holds any."""
        reservations = {
            row.site: row.number
            for row in await self._database.rows(open_reservations_by_site(now))
        }
        sessions: defaultdict[str, dict[SessionPhase, int]] = defaultdict(dict)
        oldest: dict[str, datetime] = {}
        for row in await self._database.rows(_followed()):
            phase = session_phase(row.phase) or SessionPhase.OFFERED
            if phase in TERMINAL:
                # Somebody saw its end before whoever follows it.
                continue
            sessions[row.site][phase] = sessions[row.site].get(phase, 0) + row.number
            oldest[row.site] = min(row.oldest, oldest.get(row.site, row.oldest))
        return {
            site: SiteHoldings(
                reservations.get(site, 0), sessions.get(site, {}), oldest.get(site)
            )
            for site in {*reservations, *sessions}
        }

    async def known_sessions(self) -> int:
        """Count the offers and sessions whose site is known."""
        [(count,)] = await self._database.rows(select(func.count()).select_from(ROUTES))
        return int(count)

    async def expired_unused(self, until: datetime) -> Mapping[str, int]:
        """Count the offers that expired by ``until`` and that nobody wanted, once."""
        return await self._database.write(
            lambda connection: _count_expired(connection, until)
        )


def open_reservations_by_site(now: datetime) -> Select[str, int]:
    """Return the query for how many offers of each site wait for their users."""
    return (
        select(ROUTES.c.site, func.count().label("number"))
        .select_from(ROUTES.join(OFFER_SETS))
        .where(ROUTES.c.expires > now, ROUTES.c.overlay.is_(None), OFFER_SETS.c.open)
        .group_by(ROUTES.c.site)
    )


def _followed() -> Select[str, str | None, int, datetime]:
    """Return the query for followed sessions, by site and latest phase."""
    latest = (
        select(PHASE_HISTORY.c.phase)
        .where(
            PHASE_HISTORY.c.session == WATCHES.c.session,
            PHASE_HISTORY.c.component == _SESSION,
        )
        .order_by(PHASE_HISTORY.c.seen.desc())
        .limit(1)
        .scalar_subquery()
    )
    one = (
        select(
            ROUTES.c.site,
            latest.label("phase"),
            func.coalesce(ROUTES.c.last_read, WATCHES.c.due).label("read"),
        )
        .select_from(WATCHES.join(ROUTES))
        .subquery()
    )
    return select(
        one.c.site,
        one.c.phase,
        func.count().label("number"),
        func.min(one.c.read).label("oldest"),
    ).group_by(one.c.site, one.c.phase)


async def _count_expired(
    connection: AsyncConnection, until: datetime
) -> Mapping[str, int]:
    # Locked, so that the next replica counts from where this one ended.
    counted = (
        await connection.execute(
            select(COUNTED_EXPIRIES.c.until)
            .where(COUNTED_EXPIRIES.c.part == _ALL)
            .with_for_update()
        )
    ).scalar_one_or_none()
    if counted is None:
        first = {"part": _ALL, "until": until}
        await connection.execute(insert_new(connection, COUNTED_EXPIRIES), [first])
        return {}
    if counted >= until:
        return {}
    found = await connection.execute(_expired_unused(counted, until))
    numbers = {row.site: row.number for row in found}
    await connection.execute(
        update(COUNTED_EXPIRIES)
        .where(COUNTED_EXPIRIES.c.part == _ALL)
        .values(until=until)
    )
    return numbers


def _expired_unused(after: datetime, until: datetime) -> Select[str, int]:
    return (
        select(ROUTES.c.site, func.count().label("number"))
        .where(
            and_(ROUTES.c.expires > after, ROUTES.c.expires <= until),
            or_(
                ROUTES.c.overlay.is_(None),
                ROUTES.c.overlay == SessionPhase.EXPIRED.value,
            ),
            ~_was_to_be_accepted(),
            ~_was_taken_back(),
        )
        .group_by(ROUTES.c.site)
    )


def _was_to_be_accepted() -> ColumnElement[bool]:
    return exists().where(
        WINNERS.c.offer_set == ROUTES.c.offer_set,
        WINNERS.c.session == ROUTES.c.session,
    )


def _was_taken_back() -> ColumnElement[bool]:
    return exists().where(
        PHASE_HISTORY.c.session == ROUTES.c.session,
        PHASE_HISTORY.c.component == _SESSION,
        PHASE_HISTORY.c.phase != SessionPhase.EXPIRED.value,
    )
