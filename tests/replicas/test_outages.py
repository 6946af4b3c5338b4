"""The store goes away under a running service, which says so, goes on, and heals."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from urllib.parse import urlsplit

import asyncpg
import pytest

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import accept, ask, eventually, read, see
from tests.support.proxies import Proxy
from tests.support.running import running_federation
from tests.support.winning import asked_for

HEALING = 15.0
BEFORE_THE_STORE_GIVES_UP = 3.0
STORE_UNAVAILABLE = "urn:metabroker:problem:store-unavailable"


@asynccontextmanager
async def federation_on(directory, store):
    sites = [SimulatedSite(name="a", offers=1), SimulatedSite(name="b", offers=1)]
    async with running_federation(
        directory, *sites, settings={"store": store}
    ) as federation:
        yield federation


async def known_offers(federation):
    """Return an offer set whose sessions this process has read."""
    offer_set = await ask(federation)
    for session in offer_set.sessions:
        assert (await see(federation, session)).phase == "OFFERED"
    return offer_set


def assert_unavailable(heard):
    assert heard.status == 503, heard
    assert heard.document["type"] == STORE_UNAVAILABLE
    assert int(heard.headers["Retry-After"]) > 0


async def assert_away(federation, offer_set, *, reads=False):
    """Check what goes on without the store, and what doesn't.

    Args:
        federation: Whose store is away.
        offer_set: Its sessions are known to the service.
        reads: Whether the store can still be read.
    """
    session = offer_set.sessions[0]
    accepted, asked, ready, alive, seen, shown = await asyncio.gather(
        accept(federation, session),
        ask(federation),
        read(federation, "/readyz"),
        read(federation, "/livez"),
        see(federation, session),
        read(federation, f"/offersets/{offer_set.uuid}"),
    )
    assert_unavailable(accepted)
    assert_unavailable(asked)
    assert ready.status == 503
    assert "store" in ready.document
    assert alive.status == 200
    assert (seen.status, seen.phase) == (200, "OFFERED")
    assert (shown.status, shown.sessions) == (200, offer_set.sessions)
    assert ("urn:metabroker:offer-set-stale" in shown.kinds) is not reads
    for site in federation.sites.values():
        assert asked_for(site, session, "ACCEPTED") == 0


async def assert_heals(federation, offer_set):
    """Check that all goes well again, without anybody's doing."""

    async def is_ready():
        return (await read(federation, "/readyz")).status == 200

    await eventually(is_ready, within=HEALING)
    winner, loser = offer_set.sessions
    assert (await accept(federation, winner)).status == 200
    assert (await ask(federation)).status == 303

    async def only_the_winner_is_held():
        phases = {
            session: phase
            for site in federation.sites.values()
            for session, phase in site.sessions.items()
        }
        return phases[loser] in {"REJECTED", "OFFERED"} and all(
            loser not in site.open_reservations() for site in federation.sites.values()
        )

    await eventually(only_the_winner_is_held, within=HEALING)
    assert (await see(federation, loser)).phase == "REJECTED"


async def test_postgresql_stops_and_starts_again(postgresql, tmp_path):
    async with federation_on(tmp_path, postgresql.new_database()) as federation:
        offer_set = await known_offers(federation)
        postgresql.stop()
        try:
            await assert_away(federation, offer_set)
        finally:
            postgresql.start()
        await assert_heals(federation, offer_set)


async def test_clients_that_wait_for_changes_go_on_waiting(postgresql, tmp_path):
    async with federation_on(tmp_path, postgresql.new_database()) as federation:
        offer_set = await ask(federation)
        path = f"/offersets/{offer_set.uuid}"
        postgresql.stop()
        try:
            tag = (await read(federation, path)).headers["ETag"]
            headers = {"If-None-Match": tag, "Prefer": "wait=1"}
            waited = await read(federation, path, **headers)
            assert waited.status == 304
            assert 0.9 < waited.seconds < BEFORE_THE_STORE_GIVES_UP
            headers["Prefer"] = "wait=30"
            waiting = asyncio.create_task(read(federation, path, **headers))
            await asyncio.sleep(1)
            assert not waiting.done()
        finally:
            postgresql.start()
        healed = asyncio.create_task(read(federation, path, **headers))
        await assert_heals(federation, offer_set)
        for heard in (await waiting, await healed):
            assert (heard.status, heard.sessions) == (200, offer_set.sessions)


async def test_what_could_not_be_kept_is_released(postgresql, tmp_path):
    async with federation_on(tmp_path, postgresql.new_database()) as federation:
        for site in federation.sites.values():
            site.behave(latency={"request": 0.5})
        asking = asyncio.create_task(ask(federation))

        async def asked():
            return all(site.requests for site in federation.sites.values())

        await eventually(asked)
        postgresql.stop()
        try:
            assert_unavailable(await asking)

            async def released():
                return not any(s.open_reservations() for s in federation.sites.values())

            await eventually(released)
            assert all(site.sessions for site in federation.sites.values())
        finally:
            postgresql.start()


@asynccontextmanager
async def behind_a_proxy(url):
    parts = urlsplit(url)
    async with Proxy("127.0.0.1", parts.port).running() as proxy:
        yield proxy, url.replace(f":{parts.port}/", f":{proxy.port}/")


async def test_postgresql_swallows_everything(postgresql, tmp_path):
    """Answers come by their deadlines, not when the store's driver gives up."""
    async with (
        behind_a_proxy(postgresql.new_database()) as (proxy, url),
        federation_on(tmp_path, url) as federation,
    ):
        offer_set = await known_offers(federation)
        proxy.swallow()
        asked, accepted, seen = await asyncio.gather(
            ask(federation, Prefer="wait=1"),
            accept(federation, offer_set.sessions[0], Prefer="wait=1"),
            see(federation, offer_set.sessions[0]),
        )
        assert_unavailable(asked)
        assert_unavailable(accepted)
        assert asked.seconds < BEFORE_THE_STORE_GIVES_UP
        assert accepted.seconds < BEFORE_THE_STORE_GIVES_UP
        assert (seen.status, seen.phase) == (200, "OFFERED")
        await assert_away(federation, offer_set)
        proxy.resume()
        await assert_heals(federation, offer_set)


async def test_postgresql_becomes_read_only_for_a_while(postgresql, tmp_path):
    url = postgresql.new_database()
    async with federation_on(tmp_path, url) as federation:
        offer_set = await known_offers(federation)
        operator = await asyncpg.connect(url)
        setting = (
            f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only"
        )
        await operator.execute(f"{setting} = on")
        await operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await assert_away(federation, offer_set, reads=True)
        await operator.execute(f"{setting} = off")
        await operator.close()
        await assert_heals(federation, offer_set)


@asynccontextmanager
async def locked(federation, file):
    """Another process holds the write lock."""
    connection = sqlite3.connect(
        file, isolation_level=None, timeout=30, check_same_thread=False
    )
    with closing(connection) as other:
        # In a thread, for the service has to go on to its transaction's end.
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def full(federation, file):
    """There is no page left."""
    await pragma(federation, "max_page_count = 1")
    yield
    await pragma(federation, "max_page_count = 1000000")


@asynccontextmanager
async def read_only(federation, file):
    """Nothing may be written."""
    await pragma(federation, "query_only = ON")
    yield
    await pragma(federation, "query_only = OFF")


async def pragma(federation, setting):
    """Change a setting of the one connection that writes, outside of transactions."""
    async with federation.store.database._engines.writer.connect() as writer:
        raw = await writer.get_raw_connection()
        await raw.driver_connection.execute_fetchall(f"PRAGMA {setting}")


@pytest.mark.parametrize("spoilt", [locked, full, read_only])
async def test_sqlite_can_not_be_written_for_a_while(tmp_path, spoilt):
    file = tmp_path / "store.db"
    async with federation_on(tmp_path, sqlite_url(file)) as federation:
        offer_set = await known_offers(federation)
        async with spoilt(federation, file):
            await assert_away(federation, offer_set, reads=True)
        await assert_heals(federation, offer_set)


async def test_a_read_only_sqlite_serves_what_it_holds(tmp_path):
    file = tmp_path / "store.db"
    async with federation_on(tmp_path, sqlite_url(file)) as federation:
        offer_set = await known_offers(federation)
    opened = f"sqlite:///file:{file}?mode=ro&uri=true"
    async with federation_on(tmp_path, opened) as federation:
        shown = await read(federation, f"/offersets/{offer_set.uuid}")
        assert shown.sessions == offer_set.sessions
        assert_unavailable(await accept(federation, offer_set.sessions[0]))
        ready = await read(federation, "/readyz")
        assert ready.status == 503
        assert "can't be written" in ready.document
        assert (await read(federation, "/livez")).status == 200
