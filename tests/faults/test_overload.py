"""More than we can do: refused at once, and nothing is left of it afterwards."""

import asyncio
import gc
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from aggregator.domain.errors import NoSiteToAsk, Overloaded
from aggregator.domain.sites import Site
from aggregator.services.limits import FanOutLimits
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import (
    accept,
    ask,
    eventually,
    metric,
    outcomes,
    site_reports,
    update,
)
from tests.support.federation import InProcessFederation
from tests.support.running import running_federation
from tests.support.virtual_time import virtual_time

SLOW = SimulatedSite(name="slow", offers=1, latency={"request": 0.5})
QUICK = SimulatedSite(name="quick", offers=1)
DESCRIPTORS = Path("/proc/self/fd")


async def test_row_35_more_fan_outs_than_may_be_are_shed_at_once(tmp_path):
    settings = {"fan_out": {"concurrent": 5, "deadline": 2.0, "shortest_wait": 0.2}}
    async with running_federation(
        tmp_path, SLOW, QUICK, settings=settings
    ) as federation:
        heard = await asyncio.gather(*(ask(federation) for _ in range(30)))
        statuses = Counter(one.status for one in heard)
        assert statuses == {303: 5, 503: 25}
        for one in heard:
            if one.status == 503:
                assert one.document["type"].endswith(":overloaded")
                assert one.headers["Retry-After"]
                assert one.seconds < 0.5
        assert await metric(federation, "metabroker_fanouts_inflight") == 0
        assert len(federation.sites["slow"].sessions) == 5
        assert (await ask(federation)).status == 303


async def test_row_35_no_site_gets_more_calls_at_once_than_it_may(tmp_path):
    narrow = {"slow": {"broker": {"in_flight": 3}}}
    async with running_federation(tmp_path, SLOW, QUICK, entries=narrow) as federation:
        heard = await asyncio.gather(*(ask(federation) for _ in range(12)))
        assert {one.status for one in heard} == {303}
        said = [(await outcomes(federation, one.uuid))["slow"] for one in heard]
        assert Counter(said) == {"ok": 3, "busy": 9}
        assert len(federation.sites["slow"].sessions) == 3
        assert (await site_reports(federation))["slow"]["in_flight"] == 0


async def test_row_35_a_site_that_is_slow_to_offer_can_still_be_told_of_its_offers(
    tmp_path,
):
    settings = {"fan_out": {"deadline": 0.3, "shortest_wait": 0.1, "late_answers": 3}}
    only = SimulatedSite(name="slow", offers=1)
    async with running_federation(
        tmp_path,
        only,
        settings=settings,
        entries={"slow": {"broker": {"in_flight": 4}}},
    ) as federation:
        site = federation.sites["slow"]
        first, second = [await ask(federation) for _ in range(2)]
        site.behave(latency={"request": 30})
        await asyncio.gather(*(ask(federation) for _ in range(8)))
        assert (await site_reports(federation))["slow"]["in_flight"] == 3
        assert (await accept(federation, first.sessions[0])).status == 200
        rejected = await update(federation, second.sessions[0], "REJECTED")
        assert rejected.phase == "REJECTED"
        assert site.open_reservations() == frozenset()


@virtual_time
async def test_row_35_five_hundred_fan_outs_at_twenty_sites_of_which_one_is_slow():
    federation = InProcessFederation(fan_out=FanOutLimits(concurrent=200))
    for number in range(19):
        federation.add(f"s{number}", delay=1, site=site(f"s{number}"))
    federation.add("slow", delay=30, site=site("slow"))
    async with federation.running():
        loop = asyncio.get_running_loop()
        began = loop.time()
        ends, seconds, waits = Counter(), [], []

        async def one():
            try:
                await federation.ask()
            except (Overloaded, NoSiteToAsk) as error:
                waits.append(error.retry_after)
                ends[type(error)] += 1
            else:
                ends["offers"] += 1
            seconds.append(loop.time() - began)

        async with asyncio.TaskGroup() as group:
            for _ in range(500):
                group.create_task(one())
            await asyncio.sleep(0.5)
            assert {federation.calls.open_calls(n) for n in federation.sites} == {24}
        assert ends == {Overloaded: 300, NoSiteToAsk: 176, "offers": 24}
        assert all(waits)
        assert sorted(seconds)[475] == 0
        assert max(seconds) == pytest.approx(1.5)
        await asyncio.sleep(70)
        assert {federation.calls.open_calls(n) for n in federation.sites} == {0}


def open_files():
    return len(list(DESCRIPTORS.iterdir()))


def site(name):
    return Site(name, f"https://{name}.example", in_flight=32)


async def test_row_35_memory_tasks_and_sockets_return_to_where_they_were(tmp_path):
    settings = {
        "fan_out": {
            "concurrent": 4,
            "deadline": 0.4,
            "shortest_wait": 0.1,
            "late_answers": 0.2,
        },
        "status": {"freshness": 0.0, "cached": 10},
    }
    mute = SimulatedSite(name="slow", latency={"request": 30})
    async with running_federation(
        tmp_path, mute, QUICK, settings=settings
    ) as federation:

        async def burst():
            await asyncio.gather(*(ask(federation) for _ in range(40)))
            await eventually(nobody_is_asked)

        async def nobody_is_asked():
            return not any(
                t.get_name() == "request_offers" for t in asyncio.all_tasks()
            )

        await burst()
        # Connections are kept for a while; one that leaked for each request would show.
        files = open_files()
        tasks = len(asyncio.all_tasks())
        await burst()
        await burst()
        assert open_files() < files + 20
        assert len(asyncio.all_tasks()) < tasks + 20
        gc.collect()
        tracemalloc.start()
        try:
            await burst()
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(3):
                await burst()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 2_000_000
