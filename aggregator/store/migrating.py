"""Migrating: bringing a database's tables to what this release expects."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from aggregator.domain.errors import StoreUnavailable
from aggregator.store.database import Database
from aggregator.store.tables import METADATA

_DIRECTORY: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x6D6574616272


async def is_up_to_date(database: Database) -> bool:
    """Return whether the database's tables are those of this release.

    Raises:
        StoreUnavailable: They are of a later release, or the database is away.
    """
    scripts = await asyncio.to_thread(_scripts)
    async with database.reading() as connection:
        present = await connection.run_sync(_present_revision)
    known = {script.revision for script in scripts.walk_revisions()}
    if present is not None and present not in known:
        raise StoreUnavailable(
            f"The store's tables are of a later release (revision {present})."
        )
    return present == scripts.get_current_head()


async def migrate(database: Database) -> None:
    """Bring the tables up to date, in one transaction, while nobody else does."""
    scripts = await asyncio.to_thread(_scripts)
    async with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK}
            )
        await connection.run_sync(_upgrade, scripts)


@cache
def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _present_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    def steps(revision: str, context: MigrationContext) -> list[RevisionStep]:
        del context
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001  as env.py's

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA)
        environment.run_migrations()
