"""Sites whose dialect nobody configured: found out, and nothing reserved by that."""

import asyncio
import json

import pytest

from site_adapters.simulated import SimulatedSite, run
from tests.support.conversation import eventually, site_reports
from tests.support.running import running_federation
from tests.support.simulated_dialogue import DIALECTS, Dialogue

JSON = {"Content-Type": "application/json"}
AUTO = {"broker": {"dialect": "auto"}}
NEW = Dialogue("2026-07")


async def submit(federation, speaks=NEW):
    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    return await response.json()


def a_site(dialect, **behaviour):
    return SimulatedSite(name=f"site-{dialect}", dialect=dialect, offers=1, **behaviour)


async def probed(site):
    async def was_probed():
        return site.requests

    await eventually(was_probed)


async def test_sites_of_every_dialect_are_found_out_and_used(tmp_path):
    sites = [
        *(a_site(dialect) for dialect in DIALECTS),
        SimulatedSite(name="site-flat", dialect="2025-05", flattened=True, offers=1),
    ]
    entries = {site.name: AUTO for site in sites}
    async with running_federation(tmp_path, *sites, entries=entries) as federation:
        offer_set = await submit(federation)
        offers = {NEW.uuid(offer) for offer in offer_set["offers"]}
        assert len(offers) == len(sites)
        for site in federation.sites.values():
            assert len(offers & site.sessions.keys()) == 1
            asked = json.loads(site.requests[-1].body)
            key = Dialogue(site.site.dialect).key
            assert asked["executable"][key].startswith("https://")
            uuid = next(iter(offers & site.sessions.keys()))
            answer = await federation.post(
                f"/sessions/{uuid}", json.dumps(NEW.update("REJECTED")), headers=JSON
            )
            assert (await answer.json())["phase"] == "REJECTED"
            assert site.open_reservations() == frozenset()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_finding_out_reserves_nothing(tmp_path, dialect):
    async with running_federation(
        tmp_path, a_site(dialect), entries={f"site-{dialect}": AUTO}
    ) as federation:
        site = federation.sites[f"site-{dialect}"]
        await probed(site)
        assert site.sessions == {}
        for count in (1, 2):
            await submit(federation)
            assert len(site.sessions) == count
        wanted = [json.loads(call.body) for call in site.requests if call.body]
        assert ["executable" in one for one in wanted][-2:] == [True, True]
        assert sum("executable" in one for one in wanted) == 2


async def test_no_site_is_sent_a_probe_where_that_is_switched_off(tmp_path):
    site = a_site("2026-07")
    async with running_federation(
        tmp_path, site, entries={site.name: AUTO}, settings={"dialect_probe": False}
    ) as federation:
        await submit(federation)
        bodies = [call.body for call in federation.sites[site.name].requests]
        assert len(bodies) == 1
        assert b"executable" in bodies[0]


async def test_a_site_that_was_down_is_found_out_when_it_is_back(tmp_path):
    site = a_site("2025-06")
    async with running_federation(
        tmp_path, site, entries={site.name: AUTO}
    ) as federation:
        running = federation.sites[site.name]
        await running.stop()
        assert "offers" not in await submit(federation)
        await running.start()
        assert len((await submit(federation))["offers"]) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("2025-11", "2026-07"), ("2026-02", "2026-04"), ("2026-04", "2026-02")],
)
async def test_a_site_upgraded_soon_after_the_start_is_found_out_again(
    tmp_path, before, after
):
    site = a_site(before)
    async with running_federation(
        tmp_path, site, entries={site.name: AUTO}
    ) as federation:
        running = federation.sites[site.name]
        assert len((await submit(federation))["offers"]) == 1
        port = int(running.url.rpartition(":")[2])
        await running.stop()
        async with run(a_site(after), port=port) as upgraded:

            async def makes_offers():
                await asyncio.sleep(0.2)
                return (await submit(federation)).get("offers")

            await eventually(makes_offers, within=20.0)
            assert "executable" in json.loads(upgraded.requests[-1].body)
        await running.start()


async def test_a_configured_dialect_is_never_probed(tmp_path):
    site = a_site("2025-11")
    async with running_federation(tmp_path, site) as federation:
        await submit(federation)
        running = federation.sites[site.name]
        assert b"{}" not in {call.body for call in running.requests}


async def test_operators_see_what_a_site_speaks_as_soon_as_it_is_found_out(tmp_path):
    site = a_site("2026-04")
    entries = {site.name: AUTO}
    async with running_federation(tmp_path, site, entries=entries) as federation:

        async def is_shown():
            report = (await site_reports(federation))[site.name]
            return report["dialect_spoken"] == "2026-04"

        await eventually(is_shown)
