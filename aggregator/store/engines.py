"""Engines: how connections to SQLite and PostgreSQL are made and kept."""

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from aggregator.domain.errors import StoreUnavailable
from aggregator.store.file_reads import FileReads

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_READERS: Final = 4
_READ_ONLY: Final = "25006"
"""The SQLSTATE of a refused write."""

_BUSY_PAUSE: Final = 0.02
_SQLITE_PRAGMAS: Final = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL")


@dataclass(frozen=True, slots=True)
class Engines:
    """Where transactions go, and where single reads go.

    On SQLite there is one connection that writes, so that the tasks of a process
    wait in turn instead of polling a locked file, and a few that read. On
    PostgreSQL both share one pool.

    Attributes:
        file_reads: Where single queries of a file go; None where ``reader`` does it.
        keeper: Holds a database in memory that lives while any connection does.
    """

    writer: AsyncEngine
    reader: AsyncEngine
    file_reads: FileReads | None = None
    keeper: sqlite3.Connection | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self.reader.dispose()
        await self.writer.dispose()
        if self.file_reads is not None:
            self.file_reads.close()
        if self.keeper is not None:
            self.keeper.close()


def store_url(text: str) -> URL:
    """Read the store's URL.

    Args:
        text: ``sqlite:////directory/file.db``, ``sqlite:///:memory:`` for a store
            that ends with the process, or ``postgresql://user@host/database``.

    Returns:
        The URL with the driver that we use. A database in memory gets a name of
        its own, by which several connections share it.

    Raises:
        ValueError: ``text`` is no URL, or one of another kind of database, or
            PostgreSQL's driver isn't installed.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("the store's URL can't be read") from None
    kind = url.get_backend_name()
    if kind not in _DRIVERS:
        raise ValueError(f"the store is SQLite or PostgreSQL, not {kind}")
    url = url.set(drivername=_DRIVERS[kind])
    _require_driver(url)
    if kind == "sqlite" and url.database in {None, "", ":memory:"}:
        url = url.set(
            database=f"file:metabroker-{uuid4()}",
            query={"mode": "memory", "cache": "shared", "uri": "true"},
        )
    return url


def _require_driver(url: URL) -> None:
    try:
        url.get_dialect().import_dbapi()
    except ModuleNotFoundError as error:
        raise ValueError(
            f"a store in PostgreSQL needs {error.name}: install "
            "srcnet-metabroker[postgresql]"
        ) from error


async def open_engines(url: URL, time_limit: float, connections: int) -> Engines:
    """Return engines for ``url``; a new SQLite database is made for us alone.

    A ``file:`` URI of SQLite is opened as it is.

    Args:
        url: As ``store_url`` gives it.
        time_limit: Seconds after which the database gives up on a statement.
        connections: The most that are held open to PostgreSQL.

    Raises:
        StoreUnavailable: The database's file can't be made.
        sqlite3.Error: The database can't be opened.
    """
    if url.get_backend_name() == "postgresql":
        return _postgresql_engines(url, time_limit, connections)
    name = url.database or ""
    if url.query.get("mode") == "memory":
        keeper = sqlite3.connect(f"{name}?mode=memory&cache=shared", uri=True)
        engine = _sqlite_engine(url, time_limit, 1)
        _begin_immediate(engine)
        return Engines(engine, engine, keeper=keeper)
    if not name.startswith("file:"):
        await asyncio.to_thread(_prepare_file, Path(name), time_limit)
    writer = _sqlite_engine(url, time_limit, 1)
    _begin_immediate(writer)
    reader = _sqlite_engine(url, time_limit, _READERS)
    return Engines(writer, reader, FileReads(url, time_limit))


def _postgresql_engines(url: URL, time_limit: float, connections: int) -> Engines:
    limit = f"{int(time_limit * 1000)}ms"
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=time_limit,
        connect_args={
            "timeout": time_limit,
            "command_timeout": time_limit,
            "server_settings": {
                "application_name": "metabroker",
                "statement_timeout": limit,
                "lock_timeout": limit,
                "idle_in_transaction_session_timeout": f"{int(time_limit * 10_000)}ms",
            },
        },
    )
    _leave_read_only_servers(engine)
    return Engines(engine, engine.execution_options(isolation_level="AUTOCOMMIT"))


def _leave_read_only_servers(engine: AsyncEngine) -> None:
    """Make new connections where those that there are can't write.

    After a failover they may lead to a server that was demoted, and stay there for
    as long as they are used.
    """

    @event.listens_for(engine.sync_engine, "handle_error")
    def let_go(context: ExceptionContext) -> None:
        state = getattr(context.original_exception, "sqlstate", None)
        if state == _READ_ONLY:
            context.is_disconnect = True


def _sqlite_engine(url: URL, time_limit: float, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=time_limit,
        connect_args={"timeout": time_limit, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, record: object) -> None:
        del record
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    return engine


def _begin_immediate(engine: AsyncEngine) -> None:
    """Take SQLite's write lock with the transaction's first statement.

    A transaction that begins as a reader and then writes fails at once, without
    waiting, where another process wrote in between.
    """

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_file(path: Path, time_limit: float) -> None:
    """Make the file where it isn't there, for us alone, and its directory.

    The file is never opened but by SQLite: whoever closes a file loses all locks
    that his process has on it (POSIX), those of SQLite's other connections too.
    """
    is_new = not path.exists()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=time_limit)
        if is_new:
            path.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the store's file {path} can't be made: {error.strerror}"
        ) from error
    try:
        _keep_write_ahead_log(connection, time_limit)
    finally:
        connection.close()


def _keep_write_ahead_log(connection: sqlite3.Connection, time_limit: float) -> None:
    """Have the database keep a write-ahead log, which it remembers for good.

    SQLite doesn't wait for others in this one step, so we do.
    """
    until = time.monotonic() + time_limit
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return
