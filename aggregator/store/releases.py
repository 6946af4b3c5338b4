"""The durable queue of releases in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.records import Release
from aggregator.store.database import Database, insert_new
from aggregator.store.tables import RELEASES

_KEY: Final = tuple_(RELEASES.c.site, RELEASES.c.session)


class ReleaseStore:
    """Keeps the queue: ``ports.store.Releases`` and ``ReleaseRetries``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queue(self, releases: Sequence[Release], due: datetime) -> None:
        """Queue releases; one that is, or was, queued already stays as it is."""
        await self._database.write(
            lambda connection: queue_releases(connection, releases, due)
        )

    async def lease(
        self, replica: str, now: datetime, until: datetime, limit: int
    ) -> Sequence[Release]:
        """Take up to ``limit`` releases that are due and not leased to anybody."""
        return await self._database.write(
            lambda connection: _lease(connection, replica, now, until, limit)
        )

    async def finish(self, release: Release, outcome: str, now: datetime) -> None:
        """Take a release out of the queue; ``outcome`` is kept beside it."""
        await self._change(
            release, outcome=outcome, finished=now, lease_owner=None, lease_until=None
        )

    async def put_off(self, release: Release, due: datetime) -> None:
        """Give a leased release back, one attempt older, for another try at ``due``."""
        await self._change(
            release,
            attempts=RELEASES.c.attempts + 1,
            due=due,
            lease_owner=None,
            lease_until=None,
        )

    async def waiting(self) -> int:
        """Return how many releases are in the queue."""
        [(count,)] = await self._database.rows(
            select(func.count())
            .select_from(RELEASES)
            .where(RELEASES.c.outcome.is_(None))
        )
        return int(count)

    async def _change(self, release: Release, **values: Any) -> None:
        change = update(RELEASES).where(_still_queued(release)).values(**values)
        await self._database.write(lambda connection: connection.execute(change))


async def _lease(
    connection: AsyncConnection,
    replica: str,
    now: datetime,
    until: datetime,
    limit: int,
) -> Sequence[Release]:
    due = (
        select(RELEASES)
        .where(
            RELEASES.c.outcome.is_(None),
            RELEASES.c.due <= now,
            or_(RELEASES.c.lease_until.is_(None), RELEASES.c.lease_until <= now),
        )
        .order_by(RELEASES.c.due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(due)).all()
    if rows:
        await connection.execute(
            update(RELEASES)
            .where(_KEY.in_([(row.site, row.session) for row in rows]))
            .values(lease_owner=replica, lease_until=until)
        )
    return [_release_of(row) for row in rows]


async def queue_releases(
    connection: AsyncConnection,
    releases: Sequence[Release],
    due: datetime | None = None,
) -> None:
    """Queue releases within a transaction: due when they say, unless at ``due``."""
    if not releases:
        return
    rows = [
        {
            "site": release.site,
            "session": release.session,
            "reason": release.reason,
            "queued": release.queued,
            "expires": release.expires,
            "attempts": release.attempts,
            "until_expiry": release.until_expiry,
            "due": due or release.queued,
        }
        for release in sorted(releases, key=lambda each: (each.site, each.session))
    ]
    await connection.execute(insert_new(connection, RELEASES), rows)


def _still_queued(release: Release) -> ColumnElement[bool]:
    return and_(
        RELEASES.c.site == release.site,
        RELEASES.c.session == release.session,
        RELEASES.c.outcome.is_(None),
    )


def _release_of(row: Row[Any]) -> Release:
    return Release(
        site=row.site,
        session=row.session,
        reason=row.reason,
        queued=row.queued,
        expires=row.expires,
        attempts=row.attempts,
        until_expiry=row.until_expiry,
    )
