"""What a store that can't be used does: it says so at once, and heals by itself."""

import asyncio
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.phases import SessionPhase
from aggregator.store.sql_store import open_store, sqlite_url
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    later,
    offer,
    offer_set,
    release,
    winner,
)

QUICKLY = 3.0
LARGE = {"text": "x" * 20_000}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


async def test_a_locked_file_is_told_quickly_and_reads_go_on(file):
    async with open_store(sqlite_url(file), time_limit=0.2) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="locked") as refused:
                await store.winners.claim(winner(), "a", later(30))
            with pytest.raises(StoreUnavailable, match="locked"):
                await store.health.check(writing=True)
            assert time.monotonic() - began < QUICKLY
            assert refused.value.retry_after
            await store.health.check(writing=False)
            assert await store.winners.of_offer_set(SET) is None
            other.execute("ROLLBACK")
        claim = winner()
        assert await store.winners.claim(claim, "a", later(30)) is claim


async def test_a_full_file_is_told_and_reads_go_on(file):
    async with open_store(sqlite_url(file)) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        await set_most_pages(store, 1)
        with pytest.raises(StoreUnavailable, match="full") as refused:
            await store.offer_sets.add(
                offer_set(offers=(offer(SECOND, payload=LARGE),), uuid="other"), [], {}
            )
        assert refused.value.retry_after
        with pytest.raises(StoreUnavailable, match="full"):
            await store.health.check(writing=True)
        await store.health.check(writing=False)
        assert await store.offer_sets.get("other") is None
        assert await store.offer_sets.get(SET) == offer_set(FIRST)
        await set_most_pages(store, 10_000)
        await store.health.check(writing=True)


async def set_most_pages(store, pages):
    """Let the file be no larger than it is, or than that many pages."""
    async with store.database.writing() as connection:
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))


async def test_a_file_that_can_not_be_written_is_told_and_reads_go_on(file):
    async with open_store(sqlite_url(file)) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
    async with open_store(f"sqlite:///file:{file}?mode=ro&uri=true") as store:
        await store.health.check(writing=False)
        assert await store.offer_sets.get(SET) == offer_set(FIRST)
        with pytest.raises(StoreUnavailable, match="can't be written"):
            await store.health.check(writing=True)
        with pytest.raises(StoreUnavailable, match="can't be written"):
            await store.winners.claim(winner(), "a", later(30))


async def test_a_new_store_can_not_be_read_only(file):
    sqlite3.connect(file).close()
    with pytest.raises(StoreUnavailable):
        async with open_store(f"sqlite:///file:{file}?mode=ro&uri=true"):
            pytest.fail("it was opened")


async def test_a_damaged_file_is_told(file):
    async with open_store(sqlite_url(file)) as store:
        await store.offer_sets.add(offer_set(*map(str, range(200))), [], {})
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xff" * len(content[8192:])
    file.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="damaged"):
        async with open_store(sqlite_url(file)) as store:
            await store.routes.of_offer_set(SET)


async def test_a_database_that_went_away_is_told_and_comes_back(postgresql):
    url = postgresql.new_database()
    async with open_store(url, time_limit=2.0) as store:
        await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
        await store.winners.claim(winner(FIRST), "a", later(30))
        postgresql.stop()
        try:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable) as refused:
                await store.offer_sets.get(SET)
            for call in (
                store.routes.mark(SECOND, SessionPhase.REJECTED),
                store.health.check(writing=False),
                store.health.check(writing=True),
            ):
                with pytest.raises(StoreUnavailable):
                    await call
            assert time.monotonic() - began < QUICKLY
            assert refused.value.retry_after
            with pytest.raises(StoreUnavailable):
                async with open_store(url):
                    pytest.fail("it was opened")
        finally:
            postgresql.start()
        await store.health.check(writing=True)
        assert await store.winners.of_offer_set(SET) == winner(FIRST)


async def test_a_restart_of_the_database_between_two_uses_is_not_noticed(postgresql):
    async with open_store(postgresql.new_database()) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        postgresql.stop()
        postgresql.start()
        assert await store.offer_sets.get(SET) == offer_set(FIRST)
        await store.routes.mark(FIRST, SessionPhase.EXPIRED)


async def test_a_connection_that_is_cut_undoes_its_transaction(postgresql):
    url = postgresql.new_database()
    async with open_store(url) as store, open_store(url) as operator:
        await store.offer_sets.add(offer_set(FIRST), [], {})

        async def delete_and_lose_the_connection(connection):
            await connection.execute(text("DELETE FROM offer_sets"))
            await cut_off_others(operator)
            await connection.execute(text("DELETE FROM releases"))

        with pytest.raises(StoreUnavailable):
            await store.database.write(delete_and_lose_the_connection)
        assert await store.offer_sets.get(SET) == offer_set(FIRST)


async def cut_off_others(store):
    async with store.database.reading() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )


async def test_a_row_that_somebody_holds_is_told_quickly(postgresql):
    url = postgresql.new_database()
    async with open_store(url, time_limit=0.3) as store, open_store(url) as other:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        async with other.database.writing() as connection:
            await connection.execute(text("SELECT * FROM offer_sets FOR UPDATE"))
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"time|locked"):
                await store.winners.claim(winner(), "a", later(30))
            assert time.monotonic() - began < QUICKLY
            assert await store.winners.of_offer_set(SET) is None
        assert await store.winners.of_offer_set(SET) is None


async def test_a_database_without_room_for_connections_is_told(postgresql):
    url = postgresql.new_database()
    async with open_store(url, time_limit=0.3, connections=1) as store:
        async with store.database.writing():
            with pytest.raises(StoreUnavailable, match="in time"):
                await store.routes.get(FIRST)
        assert await store.routes.get(FIRST) is None


async def test_a_database_that_may_not_be_written_is_told(postgresql):
    url = postgresql.new_database()
    name = url.rpartition("/")[2]
    async with open_store(url) as store, store.database.writing() as connection:
        await connection.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        )
    async with open_store(url) as store:
        await store.health.check(writing=False)
        with pytest.raises(StoreUnavailable, match="can't be written"):
            await store.health.check(writing=True)


async def test_a_database_that_may_be_written_again_is_noticed(postgresql):
    """Though the connections that there are would be read-only for good."""
    url = postgresql.new_database()
    async with open_store(url) as store, open_store(url) as operator:
        await allow_writing(operator, "off")
        await cut_off_others(operator)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="can't be written"):
                await store.health.check(writing=True)
        await store.health.check(writing=False)
        await allow_writing(operator, "on")
        with suppress(StoreUnavailable):
            await store.health.check(writing=True)
        await store.health.check(writing=True)


async def allow_writing(store, allowed):
    read_only = {"on": "off", "off": "on"}[allowed]
    change = "ALTER DATABASE {} SET default_transaction_read_only = {}"
    async with store.database.writing() as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar()
        await connection.execute(text(change.format(name, read_only)))


@pytest.mark.parametrize("name", ["nobody-made-this", "store"])
async def test_a_database_that_is_not_there_is_told_without_the_password(
    postgresql, name, unused_tcp_port
):
    url = postgresql.new_database().replace("metabroker@", "metabroker:s3cret@")
    base = url.rpartition("/")[0]
    if name == "store":
        base = f"postgresql://metabroker:s3cret@127.0.0.1:{unused_tcp_port}"
    with pytest.raises(StoreUnavailable) as refused:
        async with open_store(f"{base}/{name}"):
            pytest.fail("it was opened")
    error: BaseException | None = refused.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__


async def test_a_mistake_of_ours_is_not_taken_for_a_failure_of_the_store(store):
    with pytest.raises(DBAPIError, match=r"no such table|does not exist"):
        await store.database.rows(text("SELECT * FROM nothing_of_this_name"))
    with pytest.raises(StatementError, match="offset-naive"):
        await store.releases.queue([release(queued=NOW.replace(tzinfo=None))], NOW)
    await store.health.check(writing=True)


async def test_errors_do_not_carry_what_was_to_be_stored(store):
    broken = replace(release(reason="of secret value"), attempts=None)
    with pytest.raises(DBAPIError) as refused:
        await store.releases.queue([broken], NOW)
    assert "of secret value" not in str(refused.value)


async def test_whenever_a_caller_is_cancelled_what_was_begun_is_ended(store):
    """Whoever remembers the cancelled task doesn't hold the database by that."""
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    cancelled = []
    for steps in range(20):
        claim = winner(FIRST, since=later(steps))
        task = asyncio.create_task(store.winners.claim(claim, "a", later(30)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        cancelled.append(task)
        if store.database._under_way:
            await asyncio.wait(store.database._under_way)
        kept = await store.winners.of_offer_set(SET)
        assert kept == (claim if steps else None)
        assert (await store.offer_sets.get(SET)).open == (kept is None)
        await store.winners.withdraw(claim)
    assert cancelled[1].cancelled()
    assert (await store.offer_sets.get(SET)).open


async def test_closing_waits_for_what_is_under_way(url):
    async with open_store(url) as store:
        await store.offer_sets.add(offer_set(FIRST), [], {})
        task = asyncio.create_task(store.winners.claim(winner(), "a", later(30)))
        await asyncio.sleep(0)
        task.cancel()
    async with open_store(url) as store:
        assert await store.winners.of_offer_set(SET) == winner()


async def test_a_use_that_lasts_too_long_is_told_and_ends_by_itself(store_url):
    over = asyncio.Event()

    async def dawdle(connection):
        await connection.execute(text("DELETE FROM releases"))
        await over.wait()

    async with open_store(store_url, time_limit=0.1) as store:
        await store.releases.queue([release()], NOW)
        with pytest.raises(StoreUnavailable, match="in time"):
            await store.database.write(dawdle)
        over.set()
        await store.health.check(writing=True)


async def test_a_check_of_writing_leaves_no_more_than_one_row(store):
    for _ in range(3):
        await store.health.check(writing=True)
    async with store.database.reading() as connection:
        rows = await connection.execute(text("SELECT count(*) FROM write_probes"))
        assert rows.scalar_one() == 1
