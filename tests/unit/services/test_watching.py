"""Sessions are watched without clients: accepted ones, and those thought lost."""

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from aggregator.domain.errors import AcceptPending
from aggregator.domain.events import AcceptFinished, AcceptOutcome
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import WinnerState
from aggregator.domain.updates import phase_update
from tests.support.federation import InProcessFederation
from tests.support.virtual_time import virtual_time

ACCEPT = phase_update(SessionPhase.ACCEPTED)
AWAY = [Outcome.CONNECT_ERROR] * 1000


@asynccontextmanager
async def lost(*, taken=True):
    """Site a was asked to accept, did so or not, and went away before saying it."""
    federation = InProcessFederation()
    federation.add("a", expires=60)
    federation.add("b", expires=36_000)
    async with federation.running():
        offer_set = await federation.ask()
        offers = {offer.site: offer.session for offer in offer_set.offers}
        federation.brokers["a"].faults.append((Outcome.TIMEOUT, taken))
        federation.brokers["a"].read_faults.extend(AWAY)
        with pytest.raises(AcceptPending):
            await federation.updating.update(offers["a"], ACCEPT, federation.caller())
        await asyncio.sleep(200)
        assert federation.store.winner[offer_set.uuid].state is WinnerState.LOST
        yield federation, offers, offer_set.uuid


async def get(federation, session):
    return await federation.sessions.get(session, federation.caller())


def outcomes(federation):
    return [event.outcome for event in federation.telemetry.of(AcceptFinished)]


async def assert_adopted(federation, offers, uuid):
    assert federation.store.winner[uuid].state is WinnerState.ACCEPTED
    assert outcomes(federation)[-1] is AcceptOutcome.ADOPTED
    assert (await get(federation, offers["a"])).phase is SessionPhase.ACCEPTED
    assert (await get(federation, offers["b"])).phase is SessionPhase.REJECTED
    await federation.releasing.work_off()
    assert federation.brokers["b"].phases[offers["b"]] is SessionPhase.REJECTED


@virtual_time
async def test_the_watcher_adopts_what_shows_as_taken():
    async with lost() as (federation, offers, uuid):
        assert await federation.watching.look()
        assert federation.store.winner[uuid].state is WinnerState.LOST
        federation.brokers["a"].read_faults.clear()
        assert not await federation.watching.look()
        await asyncio.sleep(61)
        assert await federation.watching.look()
        await assert_adopted(federation, offers, uuid)


@virtual_time
async def test_a_poll_adopts_what_shows_as_taken():
    async with lost() as (federation, offers, uuid):
        federation.brokers["a"].read_faults.clear()
        assert (await get(federation, offers["a"])).phase is SessionPhase.ACCEPTED
        await assert_adopted(federation, offers, uuid)


@virtual_time
async def test_what_could_not_be_kept_is_adopted_by_the_next_reading():
    async with lost() as (federation, offers, uuid):
        federation.brokers["a"].read_faults.clear()
        federation.brokers["a"].call_delay = 1.0
        polling = asyncio.create_task(get(federation, offers["a"]))
        await asyncio.sleep(0.5)
        federation.store.broken = True
        assert (await polling).phase is SessionPhase.ACCEPTED
        federation.store.broken = False
        assert federation.store.winner[uuid].state is WinnerState.LOST
        await asyncio.sleep(61)
        assert await federation.watching.look()
        await assert_adopted(federation, offers, uuid)


@virtual_time
async def test_what_its_site_never_took_is_watched_no_more():
    async with lost(taken=False) as (federation, offers, uuid):
        federation.brokers["a"].read_faults.clear()
        assert await federation.watching.look()
        assert federation.store.watched == {}
        assert federation.store.winner[uuid].state is WinnerState.LOST
        assert (await get(federation, offers["a"])).phase is SessionPhase.EXPIRED
        assert federation.brokers["b"].phases[offers["b"]] is SessionPhase.OFFERED


@virtual_time
async def test_what_its_site_forgot_is_watched_no_more():
    async with lost() as (federation, _, _):
        federation.brokers["a"].read_faults.clear()
        federation.brokers["a"].phases.clear()
        assert await federation.watching.look()
        assert federation.store.watched == {}


@virtual_time
async def test_an_expired_offer_that_nobody_accepted_is_not_asked_for():
    federation = InProcessFederation()
    site = federation.add("a", expires=60)
    async with federation.running():
        [offer] = (await federation.ask()).offers
        await asyncio.sleep(61)
        calls = list(site.calls)
        assert (await get(federation, offer.session)).phase is SessionPhase.EXPIRED
        assert site.calls == calls


@virtual_time
async def test_an_accepted_session_is_watched_until_it_ends():
    federation = InProcessFederation()
    site = federation.add("a", start=3600)
    async with federation.running():
        [offer] = (await federation.ask()).offers
        await federation.updating.update(offer.session, ACCEPT, federation.caller())
        for phase in ("PREPARING", "RUNNING", "COMPLETED"):
            site.phases[offer.session] = SessionPhase(phase)
            assert await federation.watching.look()
            await asyncio.sleep(61)
        assert not await federation.watching.look()
    seen = [row.phase for row in federation.store.history_rows]
    assert seen == ["ACCEPTED", "PREPARING", "RUNNING", "COMPLETED"]


@virtual_time
async def test_around_its_start_a_session_is_watched_closely():
    federation = InProcessFederation()
    federation.add("a", start=1000)
    async with federation.running():
        [offer] = (await federation.ask()).offers
        await federation.updating.update(offer.session, ACCEPT, federation.caller())
        looks = []
        for second in range(1300):
            if await federation.watching.look():
                looks.append(second)
            await asyncio.sleep(1)
    for earlier, later in pairwise(looks):
        assert later - earlier == (5 if 880 <= earlier <= 1120 else 60)
