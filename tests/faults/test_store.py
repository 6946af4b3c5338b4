"""The store gives way: nothing is promised that can't be kept, and it heals by itself."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite, run
from tests.support.conversation import accept, ask, eventually, read, see, update
from tests.support.running import running_federation

SITE = SimulatedSite(name="here", offers=2)
DEADLINE = 1.0
LOSER = SimulatedSite(name="other", offers=2, first_start=600)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
async def federation(tmp_path, file):
    settings = {
        "store": sqlite_url(file),
        "fan_out": {"deadline": DEADLINE, "shortest_wait": 0.2},
    }
    async with running_federation(tmp_path, SITE, LOSER, settings=settings) as running:
        yield running


async def locked(federation, file):
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")

    async def heal():
        other.execute("ROLLBACK")
        other.close()

    return heal


async def full(federation, file):
    async def set_most_pages(pages):
        async with federation.store.database.writing() as connection:
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    await set_most_pages(1)

    async def heal():
        await set_most_pages(1_000_000)

    return heal


def calls(federation, part):
    sites = federation.sites.values()
    return sum(part in call.path for site in sites for call in site.requests)


async def becomes(federation, *, ready):
    """Wait until the service says that it is ready, or isn't."""

    async def said():
        async with await federation.get("/readyz") as answer:
            return (answer.status == 200) is ready

    await eventually(said)


@pytest.mark.parametrize("breaking", [locked, full])
async def test_row_28_what_can_not_be_kept_is_not_begun_and_it_heals_by_itself(
    federation, file, breaking
):
    heard = await ask(federation)
    session = heard.sessions[0]
    await becomes(federation, ready=True)
    heal = await breaking(federation, file)
    asked = calls(federation, "/sessions/")

    refused, seen, shown, _ = await asyncio.gather(
        accept(federation, session),
        see(federation, session),
        read(federation, f"/offersets/{heard.uuid}"),
        becomes(federation, ready=False),
    )
    assert refused.status == 503
    assert refused.document["type"].endswith(":store-unavailable")
    assert refused.headers["Retry-After"]
    assert calls(federation, "/sessions/") == asked + 1  # the reading
    assert federation.sites["here"].accepted == ()
    assert (seen.status, seen.phase) == (200, "OFFERED")
    assert (shown.status, shown.sessions) == (200, heard.sessions)

    await heal()
    await becomes(federation, ready=True)
    assert (await accept(federation, session)).status == 200


@pytest.mark.parametrize("breaking", [locked, full])
async def test_row_28_offers_that_can_not_be_kept_are_given_back_in_time(
    federation, file, breaking
):
    await asyncio.gather(*(ask(federation) for _ in range(4)))
    known = {name: site.open_reservations() for name, site in federation.sites.items()}
    heal = await breaking(federation, file)
    refused = await ask(federation)
    assert refused.status == 503
    assert refused.document["type"].endswith(":store-unavailable")
    assert refused.seconds < DEADLINE + 0.5 * 3

    async def given_back():
        return all(
            s.open_reservations() == known[n] for n, s in federation.sites.items()
        )

    await eventually(given_back)
    await heal()
    assert (await ask(federation)).status == 303


async def test_row_28_a_store_that_can_only_be_read(tmp_path, file):
    async with run(SITE) as site:
        elsewhere = {"here": site.url}
        store = {"store": sqlite_url(file)}
        async with running_federation(
            tmp_path, elsewhere=elsewhere, settings=store
        ) as federation:
            session = (await ask(federation)).sessions[0]
        read_only = {"store": f"sqlite:///file:{file}?mode=ro&uri=true"}
        async with running_federation(
            tmp_path, elsewhere=elsewhere, settings=read_only
        ) as federation:
            await becomes(federation, ready=False)
            assert (await see(federation, session)).phase == "OFFERED"
            assert (await accept(federation, session)).status == 503
            assert (await update(federation, session, "REJECTED")).status == 503
            assert (await ask(federation)).status == 503
            assert site.accepted == ()


async def test_row_28_what_the_store_could_not_keep_after_the_sites_word_is_kept_later(
    federation, file
):
    """The store fails between the row and the site's answer, and comes back."""
    heard = await ask(federation)
    site = federation.sites["here"]
    site.behave(latency={"update": 0.5})
    accepting = asyncio.create_task(accept(federation, heard.sessions[0]))

    async def asked():
        return calls(federation, "/sessions/") > 0

    await eventually(asked)
    with closing(
        sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    ) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        await asyncio.sleep(1)
        other.execute("ROLLBACK")
    assert (await accepting).status == 200
    assert site.accepted == (heard.sessions[0],)

    async def released():
        return not federation.sites["other"].open_reservations()

    await eventually(released)
