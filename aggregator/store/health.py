"""Health of the store: whether it can be read, and really written."""

from typing import Final
from uuid import uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.store.database import Database
from aggregator.store.tables import OFFER_SETS, WRITE_PROBES

_FILLER: Final = bytes(8192)
"""More than a page, so that a full database shows: it must find room for it."""


class StoreHealthCheck:
    """Tries the store: ``ports.store.StoreHealth``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, *, writing: bool) -> None:
        """Return where the store can be read (and written), else raise.

        Raises:
            StoreUnavailable: With the reason in words for the operator.
        """
        if writing:
            await self._database.write(_write_probe)
        else:
            await self._database.rows(select(OFFER_SETS.c.uuid).limit(1))


async def _write_probe(connection: AsyncConnection) -> None:
    probe = str(uuid4())
    await connection.execute(insert(WRITE_PROBES), {"uuid": probe, "filler": _FILLER})
    await connection.execute(delete(WRITE_PROBES).where(WRITE_PROBES.c.uuid != probe))
