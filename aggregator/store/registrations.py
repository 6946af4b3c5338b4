"""What the site registry said last, in the database."""

from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.registry import Registration
from aggregator.store.database import Database, insert_new
from aggregator.store.tables import REGISTRATIONS

_READER: Final = TypeAdapter(Registration)


class RegistrationStore:
    """Keeps what one registry said last: ``ports.registry.RegistryMemory``.

    Args:
        database: Where to.
        registry: The registry's URL: what another one said is of no use.
    """

    def __init__(self, database: Database, registry: str) -> None:
        self._database = database
        self._registry = registry

    async def remember(self, registration: Registration) -> None:
        """Keep it in the place of all that was kept before."""
        row = {
            "registry": self._registry,
            "read": registration.read,
            "document": orjson.dumps(registration),
        }

        async def keep(connection: AsyncConnection) -> None:
            await connection.execute(delete(REGISTRATIONS))
            await connection.execute(insert_new(connection, REGISTRATIONS), row)

        await self._database.write(keep)

    async def recall(self) -> Registration | None:
        """Return what was kept, None where nothing is that can be read."""
        rows = await self._database.rows(
            select(REGISTRATIONS.c.document).where(
                REGISTRATIONS.c.registry == self._registry
            )
        )
        for row in rows:
            try:
                return _READER.validate_json(row.document)
            except ValidationError:
                # Another release wrote it; the next reading takes its place.
                return None
        return None
