"""Reads of a SQLite file, each in one step of a thread.

The asynchronous driver takes five, and the loop waits its turn after each of them; a
status poll is one read, so that is most of what the store costs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy import URL, Executable, Row, create_engine
from sqlalchemy.pool import QueuePool

_READERS: Final = 4
"""Threads, and connections: of none there are more than the other can use."""


class FileReads:
    """Finds rows in a SQLite file that others write.

    Args:
        url: Of the file, with any driver.
        time_limit: Seconds for which a read waits where the file is locked.
    """

    def __init__(self, url: URL, time_limit: float) -> None:
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="store_reads")
        self._engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=_READERS,
            max_overflow=0,
            connect_args={
                "timeout": time_limit,
                "isolation_level": None,
                "check_same_thread": False,
            },
        )

    async def rows(
        self, query: Executable, values: Mapping[str, Any] | None
    ) -> Sequence[Row[Any]]:
        """Return what ``query`` finds, with ``values`` for its parameters."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._rows, query, values)

    def close(self) -> None:
        """Close all connections; reads under way are no longer waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _rows(
        self, query: Executable, values: Mapping[str, Any] | None
    ) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(query, values).all()
