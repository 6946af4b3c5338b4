"""Synthetic probes before a site that keeps books of what it reserved."""

import pytest

from aggregator import strict_yaml
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import REQUEST, eventually, metric, site_reports
from tests.support.running import running_federation


@pytest.fixture
async def federation(tmp_path):
    (tmp_path / "probe.yaml").write_bytes(strict_yaml.dump(strict_yaml.load(REQUEST)))
    synthetic = {"request": "probe.yaml", "interval": 0.2}
    async with running_federation(
        tmp_path,
        SimulatedSite(name="jpsrc", offers=3),
        SimulatedSite(name="espsrc", says_no="no room"),
        settings={"health": {"probes": False, "synthetic": synthetic}},
    ) as running:
        yield running


async def test_what_a_probe_reserves_is_given_back(federation):
    async def probed():
        report = (await site_reports(federation))["jpsrc"]
        return report["synthetic"]

    reading = await eventually(probed)
    assert (reading["outcome"], reading["offers"]) == ("ok", 3)

    async def rejected():
        counted = await metric(
            federation,
            "metabroker_loser_releases_total",
            site="jpsrc",
            outcome="released",
        )
        return counted >= 3

    await eventually(rejected)
    site = (await site_reports(federation))["jpsrc"]
    assert (site["state"], site["offers_24h"], site["open_reservations"]) == (
        *("up", 0, 0),
    )


async def test_it_is_shown_and_counted_apart(federation):
    async def probed():
        report = (await site_reports(federation))["espsrc"]
        return report["synthetic"]

    assert (await eventually(probed))["outcome"] == "no_offer"
    page = await (await federation.get("/ui/sites")).text()
    assert "End to end" in page
    calls = "metabroker_site_requests_total"
    assert await metric(federation, calls, site="espsrc", op="synthetic") > 0
    assert await metric(federation, calls, site="espsrc", op="request") == 0
