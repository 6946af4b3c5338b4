"""The service is killed in the middle of things, and goes on where it was."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import aiohttp
import pytest

from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.conversation import accept, ask, eventually, read, see
from tests.support.served import served_federation

QUICK = {
    "acceptance": {
        "call": 1.0,
        "first_pause": 0.05,
        "longest_pause": 0.2,
        "lease": 1.0,
    },
    "releases": {
        "interval": 0.1,
        "first_pause": 0.05,
        "longest_pause": 0.2,
        "call": 0.5,
    },
}


@pytest.fixture
async def federation(tmp_path):
    async with AsyncExitStack() as stack:
        sites = [
            SimulatedSite(name="a", offers=1),
            SimulatedSite(name="b", offers=1, first_start=600),
        ]
        running = {s.name: await stack.enter_async_context(run(s)) for s in sites}
        yield await stack.enter_async_context(
            served_federation(tmp_path, running, QUICK)
        )


async def given_up(task):
    """Wait for an exchange that the crash ended."""
    with suppress(aiohttp.ClientError):
        await task


async def test_row_20_a_crash_at_any_step_of_an_acceptance_loses_nothing(federation):
    a, b = federation.sites["a"], federation.sites["b"]
    not_begun, not_asked, not_heard, not_released = [
        await ask(federation) for _ in range(4)
    ]

    b.script("update", faults.error(503), times=None)
    assert (await accept(federation, not_released.sessions[0])).status == 200
    a.script("update", faults.lost_answer(hold=30))
    hearing = asyncio.create_task(accept(federation, not_heard.sessions[0]))

    async def committed():
        return not_heard.sessions[0] in a.accepted

    await eventually(committed)
    calls = len(a.requests)
    a.script("update", replace(faults.lost_request(), delay=2))
    asking = asyncio.create_task(accept(federation, not_asked.sessions[0]))

    async def asked():
        return len(a.requests) > calls

    await eventually(asked)
    await federation.kill()
    await given_up(hearing)
    await given_up(asking)
    assert set(a.accepted) == {not_heard.sessions[0], not_released.sessions[0]}
    assert not_released.sessions[1] in b.open_reservations()

    b.clear_script()
    await federation.start()

    async def converged():
        return not_asked.sessions[0] in a.accepted and b.open_reservations() == {
            not_begun.sessions[1]
        }

    await eventually(converged, within=15)
    for heard in (not_asked, not_heard, not_released):
        first, second = heard.sessions
        assert (await accept(federation, first)).status == 200
        refused = await accept(federation, second)
        assert (refused.status, (await see(federation, second)).phase) == (
            409,
            "REJECTED",
        )
    assert (await accept(federation, not_begun.sessions[1])).status == 200
    assert b.accepted == (not_begun.sessions[1],)
    assert len(a.accepted) == 3
    assert (await read(federation, f"/offersets/{not_begun.uuid}")).status == 200


async def test_row_20_what_is_under_way_when_the_service_is_told_to_stop_is_finished(
    federation,
):
    a, b = federation.sites["a"], federation.sites["b"]
    heard = await ask(federation)
    a.script("update", replace(faults.late(0), hold=0.5))
    accepting = asyncio.create_task(accept(federation, heard.sessions[0]))

    async def committed():
        return a.accepted

    await eventually(committed)
    await federation.stop()
    assert (await accepting).status == 200
    await federation.start()
    assert (await accept(federation, heard.sessions[1])).status == 409

    async def released():
        return not b.open_reservations()

    await eventually(released, within=15)


async def test_row_20_an_acceptance_whose_client_went_away_is_finished_before_the_end(
    federation,
):
    a, b = federation.sites["a"], federation.sites["b"]
    heard = await ask(federation)
    a.script("update", replace(faults.late(0), hold=0.8))
    accepting = asyncio.create_task(accept(federation, heard.sessions[0]))

    async def committed():
        return a.accepted

    await eventually(committed)
    accepting.cancel()
    await asyncio.wait({accepting})
    await federation.stop()
    calls = [call.method for call in a.requests if "/sessions/" in call.path]
    assert calls == ["POST"]
    assert "acceptance_not_kept" not in federation.log

    a.script("read", faults.error(503), times=None)
    await federation.start()
    assert (await accept(federation, heard.sessions[0])).status == 200
    assert (await accept(federation, heard.sessions[1])).status == 409

    async def released():
        return not b.open_reservations()

    await eventually(released, within=15)
