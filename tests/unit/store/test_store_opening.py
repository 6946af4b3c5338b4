import asyncio
import sqlite3
import stat
import sys
import textwrap

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import PhaseChange, WinnerState
from aggregator.store.sql_store import open_store, sqlite_url
from aggregator.store.tables import METADATA
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    later,
    offer_set,
    release,
    winner,
)


async def test_the_migrations_make_what_the_tables_say(store):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with store.database.writing() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_restart_keeps_everything(url):
    async with open_store(url) as store:
        await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
        await store.winners.claim(winner(FIRST), "a", later(30))
        await store.winners.settle(winner(FIRST), WinnerState.ACCEPTED, [release()])
        change = PhaseChange(FIRST, "session", "ACCEPTED", NOW)
        route = await store.routes.get(FIRST)
        await store.routes.save_reading(route, [change])
        kept = await store.offer_sets.get(SET)
    async with open_store(url) as store:
        assert await store.offer_sets.get(SET) == kept
        assert await store.routes.get(FIRST) == route
        assert (await store.routes.get(SECOND)).overlay is SessionPhase.REJECTED
        assert (await store.winners.of_offer_set(SET)).state is WinnerState.ACCEPTED
        assert await store.releases.lease("b", NOW, later(30), 9) == [release()]
        assert await store.watches.lease_watches("b", NOW, later(30), 9) == [route]
        assert await store.watches.history(FIRST) == [change]


async def test_a_store_in_memory_is_its_own_and_ends_when_closed():
    async with (
        open_store("sqlite:///:memory:") as one,
        open_store("sqlite://") as other,
    ):
        await one.offer_sets.add(offer_set(FIRST), [], {})
        assert await other.offer_sets.get(SET) is None
    async with open_store("sqlite:///:memory:") as again:
        assert await again.offer_sets.get(SET) is None


async def test_stores_that_start_together_in_one_process_migrate_once(url):
    async def start():
        async with open_store(url) as store:
            await store.health.check(writing=True)

    await asyncio.gather(*(start() for _ in range(6)))


async def test_stores_of_several_databases_start_together():
    async def start():
        async with open_store("sqlite:///:memory:") as store:
            await store.health.check(writing=True)

    await asyncio.gather(*(start() for _ in range(6)))


async def test_processes_that_start_together_migrate_once(url):
    program = textwrap.dedent(
        """
        import asyncio, sys
        from aggregator.store.sql_store import open_store

        async def main():
            sys.stdin.readline()
            async with open_store(sys.argv[1]) as store:
                await store.health.check(writing=True)

        asyncio.run(main())
        """
    )
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", program, url),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    ended = await asyncio.gather(*(each.communicate(b"\n") for each in processes))
    assert [errors.decode() for _, errors in ended] == [""] * 3
    assert [each.returncode for each in processes] == [0] * 3


async def test_tables_of_a_later_release_are_left_alone(url):
    async with open_store(url) as store, store.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9'"))
    with pytest.raises(StoreUnavailable, match="later release"):
        async with open_store(url):
            pytest.fail("it was opened")


async def test_a_new_directory_and_file_are_for_their_owner_alone(tmp_path):
    file = tmp_path / "outer" / "state" / "store.db"
    async with open_store(sqlite_url(file)) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        modes = {
            each.name: stat.S_IMODE(each.stat().st_mode)
            for each in file.parent.iterdir()
        }
        assert modes == dict.fromkeys(
            ("store.db", "store.db-wal", "store.db-shm"), 0o600
        )


async def test_a_file_with_a_strange_name_can_be_used(tmp_path):
    file = tmp_path / "a b?c#d%20e.db"
    async with open_store(sqlite_url(file)) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
    assert file.exists()
    assert len(list(tmp_path.iterdir())) == 1


async def test_sqlite_keeps_what_it_confirmed(tmp_path):
    """A commit is on the disk, and what hangs on a set can't be without it."""
    async with (
        open_store(sqlite_url(tmp_path / "store.db")) as store,
        store.database.writing() as connection,
    ):
        settings = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://root@localhost/x", "SQLite or PostgreSQL, not mysql"),
        ("/var/lib/store.db", "can't be read"),
        ("sqlite+pysqlite://host:port/x", "can't be read"),
    ],
)
async def test_another_url_is_refused_with_the_reason(url, reason):
    with pytest.raises(ValueError, match=reason):
        async with open_store(url):
            pytest.fail("it was opened")


async def test_without_its_driver_postgresql_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ValueError, match=r"install srcnet-metabroker\[postgresql\]"):
        async with open_store("postgresql://metabroker@127.0.0.1/x"):
            pytest.fail("it was opened")


async def test_a_directory_that_is_a_file_is_told(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreUnavailable, match="can't be made: "):
        async with open_store(sqlite_url(tmp_path / "state" / "store.db")):
            pytest.fail("it was opened")


async def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "store.db").write_bytes(b"This is not a database. " * 99)
    with pytest.raises(StoreUnavailable, match="not a database"):
        async with open_store(sqlite_url(tmp_path / "store.db")):
            pytest.fail("it was opened")


async def test_the_moments_sort_in_the_database_as_in_time(tmp_path):
    file = tmp_path / "store.db"
    async with open_store(sqlite_url(file)) as store:
        for number, seconds in enumerate((1, 0, -(10**10), 0.000001)):
            made = offer_set(uuid=f"set-{number}", created=later(seconds))
            await store.offer_sets.add(made, [], {})
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT uuid FROM offer_sets ORDER BY created")
    order = [uuid for (uuid,) in rows]
    connection.close()
    assert order == ["set-2", "set-1", "set-3", "set-0"]
