"""Sites that keep failing are left out for a while, and tried again."""

import asyncio

from aggregator.domain.events import SiteEjected
from aggregator.domain.outcomes import Outcome
from aggregator.services.limits import HealthLimits
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import (
    ask,
    eventually,
    metric,
    outcomes,
    site_reports,
)
from tests.support.federation import InProcessFederation
from tests.support.running import running_federation
from tests.support.virtual_time import virtual_time

GOOD = SimulatedSite(name="good", offers=1)
BAD = SimulatedSite(name="bad", offers=1)
FOREVER = {"health": {"probes": False, "errors": 3, "base_ejection": 600}}
BRIEF = {"health": {"probes": False, "errors": 3, "base_ejection": 0.3}}


def submissions(site):
    return sum(call.method == "POST" for call in site.requests)


async def test_row_24_a_flapping_site_is_ejected(tmp_path):
    async with running_federation(tmp_path, GOOD, BAD, settings=FOREVER) as federation:
        bad = federation.sites["bad"]
        for number in range(12):
            if number % 2:
                bad.script("request", faults.error(500))
            heard = await ask(federation)
            assert heard.status == 303
        assert submissions(bad) == 6
        assert (await site_reports(federation))["bad"]["state"] == "ejected"
        assert (await outcomes(federation, heard.uuid))["bad"] == "breaker_open"
        assert "urn:metabroker:site-missing" in heard.kinds
        assert await metric(federation, "metabroker_site_ejections_total") == 1
        assert await metric(federation, "metabroker_site_up", site="bad") == 0


async def test_row_24_half_open_one_request_tries_the_site(tmp_path):
    async with running_federation(tmp_path, GOOD, BAD, settings=BRIEF) as federation:
        bad = federation.sites["bad"]
        bad.script("request", faults.error(500), times=3)
        for _ in range(3):
            await ask(federation)

        async def half_open():
            return (await site_reports(federation))["bad"]["state"] == "half_open"

        await eventually(half_open)
        before = submissions(bad)
        bad.behave(latency={"request": 0.3})
        await asyncio.gather(*(ask(federation) for _ in range(12)))
        assert submissions(bad) == before + 1
        assert (await site_reports(federation))["bad"]["state"] == "up"


@virtual_time
async def test_row_24_ejections_grow_with_each_in_a_row():
    limits = HealthLimits(probes=False, errors=2, base_ejection=10, longest_ejection=25)
    federation = InProcessFederation(health=limits)
    federation.add("good")
    bad = federation.add("bad", outcome=Outcome.ERROR_5XX)
    async with federation.running():
        for _ in range(2):
            await federation.ask()
        for length in (10, 20, 25, 25):
            asked = len(bad.calls)
            await asyncio.sleep(length - 0.1)
            await federation.ask()
            assert len(bad.calls) == asked
            await asyncio.sleep(0.2)
            await federation.ask()
            assert len(bad.calls) == asked + 1
    assert len(federation.telemetry.of(SiteEjected)) == 5


async def test_row_25_when_all_are_ejected_all_are_asked(tmp_path):
    async with running_federation(tmp_path, GOOD, BAD, settings=FOREVER) as federation:
        for site in federation.sites.values():
            site.script("request", faults.error(500), times=4)
        for _ in range(4):
            assert (await ask(federation)).status == 503
        states = {s["state"] for s in (await site_reports(federation)).values()}
        assert states == {"ejected"}
        heard = await ask(federation)
        assert len(heard.sessions) == 2
        states = {s["state"] for s in (await site_reports(federation)).values()}
        assert states == {"up"}


async def test_row_26_a_passing_probe_does_not_end_an_ejection(tmp_path):
    settings = {"health": {**FOREVER["health"], "probes": True, "interval": 0.05}}
    async with running_federation(tmp_path, GOOD, BAD, settings=settings) as federation:
        bad = federation.sites["bad"]
        bad.script("request", faults.error(500), times=None)
        for _ in range(3):
            await ask(federation)

        async def probed():
            return await metric(
                federation, "metabroker_site_requests_total", site="bad", op="probe"
            )

        before = await probed()

        async def probed_often():
            return await probed() > before + 3

        await eventually(probed_often)
        report = (await site_reports(federation))["bad"]
        assert report["state"] == "ejected"
        assert (await ask(federation)).kinds >= {"urn:metabroker:site-missing"}
        assert submissions(bad) == 3
