"""The database: transactions and reads, bounded in time, with plain failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import URL, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.store.engines import Engines, open_engines
from aggregator.store.failures import store_unavailable

_SLACK: Final = 0.5


class Database:
    """SQLite or PostgreSQL, for those who needn't know which.

    Every use raises ``StoreUnavailable`` where the database can't do it in time.

    Args:
        engines: The way to the database.
        time_limit: Seconds that it has for one statement, and, with a little more
            to report that, for a whole transaction.
    """

    def __init__(self, engines: Engines, time_limit: float) -> None:
        self._engines = engines
        self._time_limit = time_limit

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield one transaction: committed at its end, undone on any exception."""
        async with (
            plain_failures(self._time_limit + _SLACK),
            self._engines.writer.begin() as connection,
        ):
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for one read, outside of any transaction."""
        async with (
            plain_failures(self._time_limit + _SLACK),
            self._engines.reader.connect() as connection,
        ):
            yield connection


@asynccontextmanager
async def plain_failures(time_limit: float) -> AsyncIterator[None]:
    """Bound the body in time, and raise ``StoreUnavailable`` for a store's failure."""
    try:
        async with asyncio.timeout(time_limit):
            yield
    except Exception as error:
        unavailable = store_unavailable(error)
        if unavailable is None:
            raise
        raise unavailable from error


@asynccontextmanager
async def open_database(
    url: URL, time_limit: float, connections: int
) -> AsyncIterator[Database]:
    """Yield the database at ``url``, and close it afterwards."""
    async with plain_failures(time_limit + _SLACK):
        engines = await open_engines(url, time_limit, connections)
    try:
        yield Database(engines, time_limit)
    finally:
        await engines.close()


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """Return an insertion into ``table`` that passes over rows that are there."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
