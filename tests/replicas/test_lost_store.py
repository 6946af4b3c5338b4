"""The store is lost; the sites know the sessions still, and are asked about them."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite, run
from tests.support.commands import completed
from tests.support.conversation import accept, ask, eventually, read, see, update
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import running_federation
from tests.support.winning import owner_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass
class Lost:
    """Sessions that were accepted, or only offered, before the store was lost."""

    sites: dict
    accepted: str
    offered: str


@pytest.fixture
async def sites():
    async with AsyncExitStack() as stack:
        yield {
            site.name: await stack.enter_async_context(run(site))
            for site in (
                SimulatedSite(name="a", offers=1),
                SimulatedSite(name="b", offers=1, first_start=600),
            )
        }


@asynccontextmanager
async def service(directory, sites, **settings):
    urls = {name: site.url for name, site in sites.items()}
    async with running_federation(
        directory, elsewhere=urls, settings=settings
    ) as federation:
        federation.sites.update(sites)
        yield federation


@pytest.fixture
async def lost(tmp_path, sites):
    """What is left of a service whose store was in its memory."""
    async with service(tmp_path, sites) as federation:
        first, second = await ask(federation), await ask(federation)
        assert (await accept(federation, first.sessions[0])).status == 200

        async def released():
            return first.sessions[1] not in sites["b"].open_reservations()

        await eventually(released)
    return Lost(sites, first.sessions[0], second.sessions[0])


async def test_sessions_are_located_by_asking_for_them(tmp_path, lost):
    async with service(tmp_path, lost.sites) as federation:
        found = await see(federation, lost.accepted)
        assert found.status == 200
        assert found.phase not in {"OFFERED", "EXPIRED"}
        assert found.document["meta"]["uuid"] == lost.accepted
        assert found.document["meta"]["url"].startswith(federation.url)
        assert (await see(federation, lost.offered)).phase == "OFFERED"
        assert (await see(federation, UNKNOWN)).status == 404

        assert (await accept(federation, lost.accepted)).status == 200
        refused = await accept(federation, lost.offered)
        assert refused.status == 409
        assert refused.document["type"].endswith(":accept-lost")
        cancelled = await update(federation, lost.accepted, "CANCELLED")
        assert cancelled.phase == "CANCELLED"
        rejected = await update(federation, lost.offered, "REJECTED")
        assert rejected.phase == "REJECTED"
    assert lost.offered not in lost.sites["a"].open_reservations()


async def test_nothing_is_located_where_that_is_switched_off(tmp_path, lost):
    calls = len(lost.sites["a"].requests)
    async with service(tmp_path, lost.sites, locate=False) as federation:
        assert (await see(federation, lost.accepted)).status == 404
    sessions = [
        call for call in lost.sites["a"].requests[calls:] if "session" in call.path
    ]
    assert sessions == []


async def recover(directory, *arguments):
    """Run the command beside the sites, which this process serves."""
    return await asyncio.to_thread(
        completed, "recover", "--config", directory / "metabroker.yaml", *arguments
    )


async def test_sessions_are_recovered_by_command_while_the_service_runs(tmp_path, lost):
    store = sqlite_url(tmp_path / "store.db")
    async with service(tmp_path, lost.sites, store=store, locate=False) as federation:
        assert (await see(federation, lost.accepted)).status == 404
        file = tmp_path / "sessions"
        file.write_text(f"# of the log\n\n{lost.offered.upper()}  # not accepted\n")
        url = f"https://broker.example/sessions/{lost.accepted}"
        done = await recover(tmp_path, url, "--from-file", file)
        assert (done.returncode, done.stderr) == (0, "")
        site = owner_of(federation, lost.accepted).name
        assert f"{lost.accepted} {site} " in done.stdout
        assert (await see(federation, lost.accepted)).status == 200
        assert (await see(federation, lost.offered)).phase == "OFFERED"


async def test_what_no_site_knows_is_told_with_what_each_said(tmp_path, lost):
    async with service(tmp_path, lost.sites, store=sqlite_url(tmp_path / "store.db")):
        pass
    await lost.sites["b"].stop()
    done = await recover(tmp_path, UNKNOWN, lost.accepted, "--json")
    assert done.returncode == 1
    nowhere, found = json.loads(done.stdout)["sessions"]
    assert nowhere == {
        "session": UNKNOWN,
        "site": None,
        "phase": None,
        "answers": {"a": "not_found", "b": "connect_error"},
    }
    assert found["site"] == "a"
    plain = await recover(tmp_path, UNKNOWN)
    assert plain.returncode == 1
    assert plain.stdout.startswith(f"{UNKNOWN} not found (a: ")


async def test_where_users_are_known_they_are_the_operators_until_given_away(
    tmp_path, lost
):
    async with running_issuer() as issuer:
        auth = {
            "mode": "required",
            "issuer": issuer.url,
            "audience": AUDIENCE,
            "operators": "srcnet/operators",
        }
        store = sqlite_url(tmp_path / "store.db")
        async with service(tmp_path, lost.sites, store=store, auth=auth) as federation:

            async def seen_by(name, **claims):
                bearer = issuer.bearer(name, **claims)
                path = f"/sessions/{lost.accepted}"
                return (await read(federation, path, **bearer)).status

            operator = {"groups": ["/srcnet/operators"]}
            assert await seen_by("ana") == 404
            assert (await recover(tmp_path, lost.accepted)).returncode == 0
            assert await seen_by("ana") == 404
            assert await seen_by("olga", **operator) == 200
            given = await recover(
                tmp_path, lost.accepted, "--owner", issuer.url + "/", "ana"
            )
            assert given.returncode == 0

            async def is_anas():
                return await seen_by("ana") == 200

            await eventually(is_anas)
            assert await seen_by("olga", **operator) == 404
            assert await seen_by("bob") == 404


async def test_a_user_finds_a_session_with_the_users_own_token(tmp_path, lost):
    async with running_issuer() as issuer:
        relay = {"broker": {"credentials": "relay"}}
        settings = {
            "auth": {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
        }
        urls = {name: site.url for name, site in lost.sites.items()}
        async with running_federation(
            tmp_path,
            elsewhere=urls,
            entries={"a": relay, "b": relay},
            settings=settings,
        ) as federation:
            path = f"/sessions/{lost.accepted}"
            ana = issuer.bearer("ana")
            assert (await read(federation, path, **ana)).status == 200
            assert (await read(federation, path, **issuer.bearer("bob"))).status == 404
            site = owner_of(lost, lost.accepted)
            shown = [
                call.headers.get("authorization")
                for call in site.requests
                if call.path == path and call.method == "GET"
            ]
            assert set(shown[-2:]) == {ana["Authorization"]}
