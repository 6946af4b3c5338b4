"""Drains and the audit trail in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.drains import AuditEntry, Drain, OperatorAction
from aggregator.store.database import Database, insert_new
from aggregator.store.tables import AUDIT_ENTRIES, DRAINS

MOST_ENTRIES: Final = 10_000
"""Of the audit trail; the oldest beyond them are removed."""

_NEWEST_FIRST: Final = (AUDIT_ENTRIES.c.moment.desc(), AUDIT_ENTRIES.c.uuid.desc())


class DrainStore:
    """Keeps drains and what was done: ``ports.operating.Drains``, ``AuditTrail``."""

    def __init__(self, database: Database, most_entries: int = MOST_ENTRIES) -> None:
        self._database = database
        self._most_entries = most_entries

    async def drains(self, now: datetime) -> Sequence[Drain]:
        """Return the drains that have not ended at ``now``."""
        rows = await self._database.rows(
            select(DRAINS).where(DRAINS.c.until > now).order_by(DRAINS.c.site)
        )
        return [
            Drain(row.site, row.since, row.until, row.by, row.reason) for row in rows
        ]

    async def drain(self, drain: Drain, entry: AuditEntry) -> None:
        """Keep a drain in the place of its site's present one, and ``entry``."""

        async def keep(connection: AsyncConnection) -> None:
            # Those that ended go too, so that sites that are gone leave nothing.
            await connection.execute(
                delete(DRAINS).where(
                    or_(DRAINS.c.site == drain.site, DRAINS.c.until <= drain.since)
                )
            )
            await connection.execute(insert_new(connection, DRAINS), _row(drain))
            await self._note(connection, entry)

        await self._database.write(keep)

    async def undrain(self, site: str, entry: AuditEntry) -> bool:
        """End a site's drain and keep ``entry``; False where there was none."""

        async def end(connection: AsyncConnection) -> bool:
            ended = await connection.execute(
                delete(DRAINS).where(
                    DRAINS.c.site == site, DRAINS.c.until > entry.moment
                )
            )
            if ended.rowcount:
                await self._note(connection, entry)
            return bool(ended.rowcount)

        return await self._database.write(end)

    async def audit(self, limit: int) -> Sequence[AuditEntry]:
        """Return the latest entries, the newest first."""
        rows = await self._database.rows(
            select(AUDIT_ENTRIES).order_by(*_NEWEST_FIRST).limit(limit)
        )
        return [
            AuditEntry(
                row.uuid,
                row.moment,
                row.by,
                OperatorAction(row.action),
                row.site,
                row.reason,
                row.until,
            )
            for row in rows
        ]

    async def _note(self, connection: AsyncConnection, entry: AuditEntry) -> None:
        await connection.execute(insert(AUDIT_ENTRIES), _entry_row(entry))
        query = (
            select(AUDIT_ENTRIES.c.moment, AUDIT_ENTRIES.c.uuid)
            .order_by(*_NEWEST_FIRST)
            .offset(self._most_entries - 1)
            .limit(1)
        )
        last = (await connection.execute(query)).one_or_none()
        if last is not None:
            older = or_(
                AUDIT_ENTRIES.c.moment < last.moment,
                and_(
                    AUDIT_ENTRIES.c.moment == last.moment,
                    AUDIT_ENTRIES.c.uuid < last.uuid,
                ),
            )
            await connection.execute(delete(AUDIT_ENTRIES).where(older))


def _row(drain: Drain) -> dict[str, Any]:
    return {
        "site": drain.site,
        "since": drain.since,
        "until": drain.until,
        "by": drain.by,
        "reason": drain.reason,
    }


def _entry_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "uuid": entry.uuid,
        "moment": entry.moment,
        "by": entry.by,
        "action": entry.action.value,
        "site": entry.site,
        "reason": entry.reason,
        "until": entry.until,
    }
