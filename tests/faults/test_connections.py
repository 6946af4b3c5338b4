"""What sites do to connections: the others' offers come in time all the same."""

import asyncio
import socket

import pytest

from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import (
    ask,
    eventually,
    metric,
    outcomes,
    read,
    site_reports,
)
from tests.support.federation import InProcessFederation
from tests.support.leaks import nothing_more
from tests.support.raw_site import black_hole, closed_port, raw_site
from tests.support.running import running_federation
from tests.support.virtual_time import virtual_time

DEADLINE = 0.6
SLACK = 3
BRIEF = {"fan_out": {"deadline": DEADLINE, "shortest_wait": 0.1, "late_answers": 0.4}}
GOOD = SimulatedSite(name="good")


def assert_at_the_deadline(heard):
    assert DEADLINE * 0.9 <= heard.seconds < DEADLINE * SLACK


def knows_no_invalid_name(resolve):
    """A resolver of our own: no name server is asked about names that don't exist."""

    def resolver(host, *arguments, **named):
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **named)

    return resolver


UNREACHABLE = {
    "refused": lambda: f"http://127.0.0.1:{closed_port()}",
    "unknown name": lambda: "http://nowhere.invalid",
    "no route": lambda: "http://255.255.255.255:9",
}


@pytest.mark.parametrize("why", UNREACHABLE)
async def test_row_01_a_site_that_can_not_be_reached_costs_no_wait(
    tmp_path, monkeypatch, why
):
    ours = knows_no_invalid_name(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", ours)
    settings = {"health": {"probes": False, "errors": 2}}
    async with running_federation(
        tmp_path, GOOD, elsewhere={"gone": UNREACHABLE[why]()}, settings=settings
    ) as federation:
        heard = await ask(federation)
        assert heard.status == 303
        assert len(heard.sessions) == 4
        assert "urn:metabroker:site-missing" in heard.kinds
        sites = (await read(federation, f"/offersets/{heard.uuid}/sites")).document
        gone = next(site for site in sites["sites"] if site["site"] == "gone")
        assert gone["outcome"] == "connect_error"
        assert gone["seconds"] < 0.05 * SLACK
        report = (await site_reports(federation))["gone"]
        assert (report["state"], report["consecutive_errors"]) == ("degraded", 1)

        await ask(federation)
        assert (await site_reports(federation))["gone"]["state"] == "ejected"


async def test_row_02_a_black_hole_costs_the_deadline_and_waits_do_not_stack(tmp_path):
    with black_hole() as url:
        async with running_federation(
            tmp_path, GOOD, elsewhere={"hole": url}, settings=BRIEF
        ) as federation:
            alone = await ask(federation)
            assert_at_the_deadline(alone)
            assert await outcomes(federation, alone.uuid) == {
                "good": "ok",
                "hole": "pending",
            }
            for heard in await asyncio.gather(*(ask(federation) for _ in range(10))):
                assert heard.status == 303
                assert_at_the_deadline(heard)


async def say_nothing(writer):
    await asyncio.Event().wait()


async def test_row_03_a_site_that_never_answers_is_abandoned_and_forgotten(tmp_path):
    async with (
        raw_site(say_nothing) as mute,
        running_federation(
            tmp_path, GOOD, elsewhere={"mute": mute.url}, settings=BRIEF
        ) as federation,
    ):
        heard = await ask(federation)
        assert_at_the_deadline(heard)
        assert (await outcomes(federation, heard.uuid))["mute"] == "pending"

        async def abandoned():
            return (await outcomes(federation, heard.uuid))["mute"] == "timeout"

        await eventually(abandoned)
        assert len(mute.requests) == 1
        assert (await site_reports(federation))["mute"]["in_flight"] == 0
        counted = await metric(
            federation, "metabroker_site_requests_total", site="mute", outcome="timeout"
        )
        assert counted == 1
        assert await nobody_is_asked()


async def nobody_is_asked():
    return not any(t.get_name() == "request_offers" for t in asyncio.all_tasks())


@virtual_time
async def test_row_03_the_call_ends_exactly_when_late_answers_do():
    federation = InProcessFederation()
    federation.add("good")
    federation.add("mute", delay=10_000)
    async with federation.running():
        loop = asyncio.get_running_loop()
        began = loop.time()
        await federation.ask(wait=2.0)
        assert loop.time() - began == pytest.approx(2)
        await asyncio.sleep(59.9)
        assert federation.calls.open_calls("mute") == 1
        await asyncio.sleep(0.2)
        assert federation.calls.open_calls("mute") == 0


@pytest.mark.parametrize("fault", [faults.stalled(), faults.dripping(0.05)])
async def test_row_04_the_deadline_is_for_the_whole_answer(tmp_path, fault):
    slow = SimulatedSite(name="slow")
    async with running_federation(tmp_path, GOOD, slow, settings=BRIEF) as federation:
        federation.sites["slow"].script("request", fault)
        heard = await ask(federation)
        assert heard.status == 303
        assert_at_the_deadline(heard)
        assert (await outcomes(federation, heard.uuid))["slow"] == "pending"


async def test_row_06_many_slow_sites_cost_one_deadline(tmp_path):
    sites = [SimulatedSite(name=f"s{n}", latency={"request": 30}) for n in range(8)]
    async with running_federation(tmp_path, *sites, settings=BRIEF) as federation:
        heard = await ask(federation)
        assert heard.status == 504
        assert heard.document["type"].endswith(":sites-silent")
        assert heard.headers["Retry-After"]
        assert_at_the_deadline(heard)
        assert {site["outcome"] for site in heard.document["sites"]} == {"pending"}
        assert len(heard.document["sites"]) == 8
        later = await read(federation, heard.document["offerset"])
        assert (later.status, later.document["type"]) == (504, heard.document["type"])


@virtual_time
async def test_row_06_exactly_one_deadline():
    federation = InProcessFederation()
    for number in range(20):
        federation.add(f"s{number}", delay=7.9)
    async with federation.running():
        loop = asyncio.get_running_loop()
        began = loop.time()
        offer_set = await federation.ask()
        assert loop.time() - began == pytest.approx(7.9)
        assert len(offer_set.offers) == 20


async def test_sites_that_are_left_to_themselves_leave_nothing_in_a_running_service(
    tmp_path,
):
    async with (
        raw_site(say_nothing) as mute,
        running_federation(
            tmp_path, GOOD, elsewhere={"mute": mute.url}, settings=BRIEF
        ) as federation,
    ):
        # Connections to clients and to the good site are kept for a while.
        await asyncio.gather(*(ask(federation) for _ in range(8)))
        await eventually(nobody_is_asked)
        async with nothing_more():
            await asyncio.gather(*(ask(federation) for _ in range(4)))
            await eventually(nobody_is_asked)
