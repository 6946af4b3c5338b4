import asyncio

import pytest

from aggregator.domain.errors import UnknownResource
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.virtual_time import virtual_time

SESSION = session_uuid("a")


async def get(federation, session=SESSION):
    return await federation.sessions.get(session, federation.caller())


def reads(federation):
    return [call for call in federation.brokers["a"].calls if call[0] == "read"]


def one_site(**behaviour):
    federation = InProcessFederation()
    federation.add("a", **behaviour)
    return federation


@virtual_time
async def test_a_thousand_polls_at_once_cost_the_site_one():
    federation = one_site(call_delay=0.5)
    async with federation.running():
        await federation.ask()
        views = await asyncio.gather(*(get(federation) for _ in range(1000)))
        assert {view.phase for view in views} == {SessionPhase.OFFERED}
        assert len(reads(federation)) == 1


@virtual_time
async def test_a_reading_is_given_again_within_its_freshness():
    federation = one_site()
    async with federation.running():
        await federation.ask()
        await get(federation)
        federation.brokers["a"].phases[SESSION] = SessionPhase.ACCEPTED
        await asyncio.sleep(1.9)
        assert (await get(federation)).phase is SessionPhase.OFFERED
        await asyncio.sleep(0.2)
        assert (await get(federation)).phase is SessionPhase.ACCEPTED
        assert len(reads(federation)) == 2


@virtual_time
async def test_a_poller_that_goes_away_takes_nobody_with_it():
    federation = one_site(call_delay=1)
    async with federation.running():
        await federation.ask()
        first = asyncio.create_task(get(federation))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(get(federation))
        await asyncio.sleep(0.1)
        first.cancel()
        assert (await second).phase is SessionPhase.OFFERED


@virtual_time
@pytest.mark.parametrize("fault", [Outcome.CONNECT_ERROR, Outcome.ERROR_5XX])
async def test_while_the_site_is_away_the_last_state_is_given_with_its_age(fault):
    federation = one_site()
    async with federation.running():
        await federation.ask()
        federation.brokers["a"].phases[SESSION] = SessionPhase.RUNNING
        await get(federation)
        await asyncio.sleep(42)
        federation.brokers["a"].read_faults.append(fault)
        view = await get(federation)
    assert view.phase is SessionPhase.RUNNING
    where, message = view.messages
    assert (where.kind, where.text) == ("urn:metabroker:at-site", "at a")
    assert message.kind == "urn:metabroker:status-stale"
    assert "42 s ago" in message.text


@virtual_time
async def test_a_site_that_forgot_the_session_is_not_taken_for_a_failure():
    federation = one_site()
    async with federation.running():
        await federation.ask()
        federation.brokers["a"].phases[SESSION] = SessionPhase.RUNNING
        await get(federation)
        await asyncio.sleep(5)
        federation.brokers["a"].phases.clear()
        view = await get(federation)
    assert view.phase is SessionPhase.RUNNING
    assert view.messages[-1].kind == "urn:metabroker:session-lost-at-site"


@virtual_time
async def test_reads_go_on_while_the_store_can_not_be_written():
    federation = one_site()
    async with federation.running():
        await federation.ask()
        await get(federation)
        federation.store.broken = True
        await asyncio.sleep(1)
        assert (await get(federation)).phase is SessionPhase.OFFERED


@virtual_time
async def test_phases_are_kept_as_history():
    federation = one_site()
    async with federation.running():
        await federation.ask()
        for phase in (SessionPhase.ACCEPTED, SessionPhase.PREPARING):
            federation.brokers["a"].phases[SESSION] = phase
            await asyncio.sleep(3)
            await get(federation)
    seen = [(row.component, row.phase) for row in federation.store.history_rows]
    assert seen == [("session", "ACCEPTED"), ("session", "PREPARING")]


@virtual_time
async def test_an_ended_session_is_not_asked_for_again():
    federation = one_site()
    async with federation.running():
        await federation.ask()
        federation.brokers["a"].phases[SESSION] = SessionPhase.COMPLETED
        await get(federation)
        await asyncio.sleep(60)
        assert (await get(federation)).phase is SessionPhase.COMPLETED
        assert len(reads(federation)) == 1


@virtual_time
async def test_an_unknown_session_is_unknown():
    federation = one_site()
    async with federation.running():
        with pytest.raises(UnknownResource):
            await get(federation, session_uuid("nobody"))
