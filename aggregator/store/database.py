"""The database: transactions and reads, bounded in time, with plain failures."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import URL, Executable, Insert, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.errors import StoreUnavailable
from aggregator.store.engines import Engines, open_engines
from aggregator.store.failures import plain_failures

_log = structlog.get_logger(__name__)
_SLACK: Final = 0.5

T = TypeVar("T")


class Database:
    """SQLite or PostgreSQL, for those who needn't know which.

    What was begun is brought to its end, also where the caller is cancelled or has
    waited long enough: SQLite may keep its lock as long as anything remembers the
    statement within which a connection was given up.

    Args:
        engines: The way to the database.
        time_limit: Seconds that it has for one statement, and, with a little more
            to report that, for a whole transaction.
    """

    def __init__(self, engines: Engines, time_limit: float) -> None:
        self._engines = engines
        self._patience = time_limit + _SLACK
        self._under_way: set[asyncio.Task[Any]] = set()

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do ``work`` in one transaction, undone where it raises.

        Raises:
            StoreUnavailable: The database can't do it, or not in time; in the
                latter case nobody knows whether it was done.
        """

        async def transaction() -> T:
            async with self.writing() as connection:
                return await work(connection)

        return await self._finish(transaction())

    async def read(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do ``work``, which reads once or doesn't mind changes in between.

        Raises:
            StoreUnavailable: The database can't do it, or not in time.
        """

        async def reading() -> T:
            async with self.reading() as connection:
                return await work(connection)

        return await self._finish(reading())

    async def rows(
        self, query: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Return what ``query`` finds, with ``values`` for its parameters.

        Raises:
            StoreUnavailable: The database can't do it, or not in time.
        """

        async def find(connection: AsyncConnection) -> Sequence[Row[Any]]:
            return (await connection.execute(query, values)).all()

        reads = self._engines.file_reads
        if reads is None:
            return await self.read(find)

        async def found() -> Sequence[Row[Any]]:
            with plain_failures():
                return await reads.rows(query, values)

        return await self._finish(found())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield one transaction, for those who aren't cancelled within it."""
        with plain_failures():
            async with self._engines.writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for reads, for those who aren't cancelled within it."""
        with plain_failures():
            async with self._engines.reader.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Close all connections, once what is under way has ended."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=self._patience)
            for task in late:
                task.cancel()
        await self._engines.close()

    async def _finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(coroutine, name="use_store")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.wait({task}, timeout=self._patience)
        except asyncio.CancelledError:
            task.add_done_callback(_note_failure)
            raise
        if not task.done():
            task.add_done_callback(_note_failure)
            raise StoreUnavailable("the store didn't answer in time", retry_after=1.0)
        return task.result()


def _note_failure(task: asyncio.Task[Any]) -> None:
    """Log how something failed that nobody waited for."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, StoreUnavailable):
        _log.warning("store_use_failed", reason=error.detail)
    elif error is not None:
        _log.error("store_use_failed", exc_info=error)


@asynccontextmanager
async def open_database(
    url: URL, time_limit: float, connections: int
) -> AsyncIterator[Database]:
    """Yield the database at ``url``, and close it afterwards."""
    with plain_failures():
        engines = await open_engines(url, time_limit, connections)
    database = Database(engines, time_limit)
    try:
        yield database
    finally:
        await database.close()


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """Return an insertion into ``table`` that passes over rows that are there."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
