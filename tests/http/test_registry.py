"""The site registry behind a running service: overlaid, remembered, never waited for."""

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.conversation import (
    ask,
    eventually,
    metric,
    outcomes,
    site_reports,
)
from tests.support.registry import (
    TOKEN,
    area,
    downtime,
    node,
    running_registry,
    site,
    storage,
)
from tests.support.running import REFERENCE, running_federation

SITES = (SimulatedSite(name="jpsrc"), SimulatedSite(name="espsrc"))


def jpsrc(**members):
    return node(
        "JPSRC",
        site(
            "JPSRC",
            country="JP",
            latitude=35.6754,
            longitude=139.5369,
            storages=[storage(area("JPSRC_STORM"))],
            **members,
        ),
    )


@pytest.fixture
async def registry():
    async with running_registry(nodes=[jpsrc()]) as running:
        yield running


def settings(registry, **more):
    entry = {"kind": "site-capabilities", "url": registry.url, "interval": 1}
    return {"registry": entry, **more}


async def report_of(federation, name="jpsrc"):
    return (await site_reports(federation))[name]


async def becomes(federation, name="jpsrc", **wanted):
    """Wait until a site's report has these members."""

    async def has_become():
        report = await report_of(federation, name)
        return {key: report[key] for key in wanted} == wanted

    await eventually(has_become)


async def test_what_the_registry_knows_is_laid_over_the_sites(tmp_path, registry):
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        await becomes(federation, country="JP", latitude=35.6754, rses=["JPSRC_STORM"])
        other = await report_of(federation, "espsrc")
        assert (other["country"], other["rses"]) == ("", [])
        assert (await report_of(federation))["url"] == federation.sites["jpsrc"].url
        assert await metric(federation, "metabroker_registry_sites") == 1


async def test_the_data_that_it_knows_of_count_in_the_ranking(tmp_path, registry):
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        await becomes(federation, rses=["JPSRC_STORM"])
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        ranking = await (
            await federation.get(f"/offersets/{offer_set['uuid']}/ranking")
        ).json()
        moved = {
            one["site"]: one["estimate"]["bytes_to_move"] for one in ranking["offers"]
        }
        assert moved["jpsrc"] == 0
        assert moved["espsrc"] > 0


async def test_a_downtime_there_is_maintenance_here(tmp_path, registry):
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        await becomes(federation, country="JP")
        registry.nodes = [jpsrc(compute=[{"downtime": [downtime()]}])]
        await becomes(federation, state="maintenance", why="works")
        heard = await ask(federation)
        assert (await outcomes(federation, heard.uuid))["jpsrc"] == "downtime"
        assert (await report_of(federation))["health"] in {"up", "unknown"}


async def test_a_site_that_is_disabled_there_is_not_asked(tmp_path, registry):
    registry.nodes = [jpsrc(is_force_disabled=True)]
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        await becomes(federation, state="disabled", why="disabled in the site registry")
        heard = await ask(federation)
        assert (await outcomes(federation, heard.uuid))["jpsrc"] == "disabled"
        registry.nodes = [jpsrc()]
        await becomes(federation, state="unknown")


async def test_while_it_is_away_what_it_said_stays(tmp_path, registry):
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        await becomes(federation, country="JP")
        asked = len(registry.asked)
        registry.status = 500

        async def refused():
            return len(registry.asked) > asked + 1

        await eventually(refused)
        assert (await report_of(federation))["country"] == "JP"
        failed = await metric(
            federation, "metabroker_registry_reads_total", result="failed"
        )
        assert failed >= 1


async def test_what_it_said_outlives_a_restart_without_it(tmp_path, registry):
    store = {"store": f"sqlite:///{tmp_path / 'kept.db'}"}
    wanted = settings(registry, **store)
    async with running_federation(tmp_path, *SITES, settings=wanted) as first:
        await becomes(first, country="JP")

        async def remembered():
            read = "metabroker_registry_reads_total"
            return await metric(first, read, result="ok") >= 2

        await eventually(remembered)
    registry.status = 500
    async with running_federation(tmp_path, *SITES, settings=wanted) as second:
        await becomes(second, country="JP", rses=["JPSRC_STORM"])


async def test_a_start_does_not_wait_for_it(tmp_path, registry):
    registry.silent = True
    async with running_federation(
        tmp_path, *SITES, settings=settings(registry)
    ) as federation:
        heard = await ask(federation)
        assert await outcomes(federation, heard.uuid) == {"jpsrc": "ok", "espsrc": "ok"}
        assert registry.asked


async def test_a_reload_keeps_what_it_said(tmp_path, registry):
    async with running_federation(
        tmp_path,
        *SITES,
        settings=settings(registry, reload={"interval": 0.1, "settle": 0.0}),
    ) as federation:
        await becomes(federation, country="JP")
        file = tmp_path / "sites.yaml"
        text = file.read_text()
        assert "required: always" in text
        file.write_text(text.replace("required: always", "required: never"))
        await becomes(federation, required="never")
        report = await report_of(federation)
        assert (report["country"], report["rses"]) == ("JP", ["JPSRC_STORM"])


async def test_its_token_is_shown_to_it_and_to_nobody_else(tmp_path, registry, capfd):
    (tmp_path / "token").write_text(TOKEN)
    registry.token = TOKEN
    wanted = settings(registry)
    wanted["registry"]["token_file"] = "token"
    async with running_federation(tmp_path, *SITES, settings=wanted) as federation:
        await becomes(federation, country="JP")
        await ask(federation)
        for path in ("/federation/sites", "/ui/sites", "/metrics", "/health"):
            assert TOKEN not in await (await federation.get(path)).text()
    logged = capfd.readouterr()
    assert TOKEN not in logged.out + logged.err
