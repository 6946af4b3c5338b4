"""Migrating: bringing a database's tables to what this release expects."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from aggregator.domain.errors import StoreUnavailable
from aggregator.store.database import Database

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
            f"the store's tables are of a later release (revision {present})"
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
    scripts = ScriptDirectory(str(_DIRECTORY))
    scripts.get_current_head()
    return scripts


def _present_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    """Run the migrations that are missing.

    Each is given its operations instead of importing ``alembic.op``, which is one
    for the whole process, while two stores may be opened at the same time.
    """

    def steps(revision: str, context: MigrationContext) -> list[RevisionStep]:
        del context
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001  as Alembic's own command does

    context = MigrationContext.configure(connection, opts={"fn": steps})
    context.run_migrations(op=Operations(context))
