"""Idempotency keys in the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.records import RequestClaim
from aggregator.store.database import Database, insert_new
from aggregator.store.tables import OFFER_SETS, REQUEST_CLAIMS


class RequestClaimStore:
    """Keeps claims: ``ports.store.RequestClaims``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, claim: RequestClaim, stale: datetime) -> RequestClaim:
        """Make ``claim`` the one of its key, unless there is one that counts."""
        return await self._database.write(
            lambda connection: _claim(connection, claim, stale)
        )

    async def give_up(self, claim: RequestClaim) -> None:
        """Remove a claim whose set will not be kept."""
        removal = delete(REQUEST_CLAIMS).where(
            _same_key(claim), REQUEST_CLAIMS.c.offer_set == claim.offer_set
        )
        await self._database.write(lambda connection: connection.execute(removal))


async def _claim(
    connection: AsyncConnection, claim: RequestClaim, stale: datetime
) -> RequestClaim:
    kept = exists().where(OFFER_SETS.c.uuid == REQUEST_CLAIMS.c.offer_set)
    await connection.execute(
        delete(REQUEST_CLAIMS).where(
            _same_key(claim), REQUEST_CLAIMS.c.made < stale, ~kept
        )
    )
    while (row := await _one_of_key(connection, claim)) is None:
        await connection.execute(
            insert_new(connection, REQUEST_CLAIMS),
            {
                "issuer": claim.issuer,
                "subject": claim.subject,
                "key": claim.key,
                "digest": claim.digest,
                "offer_set": claim.offer_set,
                "made": claim.made,
            },
        )
    return RequestClaim(
        row.issuer, row.subject, row.key, row.digest, row.offer_set, row.made
    )


async def _one_of_key(
    connection: AsyncConnection, claim: RequestClaim
) -> Row[Any] | None:
    """Return the claim of the key: another one may go, and come, at any moment."""
    query = select(REQUEST_CLAIMS).where(_same_key(claim))
    return (await connection.execute(query)).one_or_none()


def _same_key(claim: RequestClaim) -> ColumnElement[bool]:
    return and_(
        REQUEST_CLAIMS.c.issuer == claim.issuer,
        REQUEST_CLAIMS.c.subject == claim.subject,
        REQUEST_CLAIMS.c.key == claim.key,
    )
