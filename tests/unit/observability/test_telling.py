"""What the use cases tell of limits, lookups, ranks and phases, for metrics to count."""

import asyncio
from dataclasses import replace

import pytest

from aggregator.domain import events
from aggregator.domain.errors import Overloaded, StoreUnavailable, UserOverLimit
from aggregator.domain.events import LookupOutcome, ShedScope
from aggregator.domain.offers import DataItem
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import Principal
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.updates import phase_update
from aggregator.services.census import Census
from aggregator.services.limits import BudgetLimits, FanOutLimits
from tests.support.federation import REQUEST, InProcessFederation
from tests.support.virtual_time import virtual_time

USER = Principal("https://issuer.example", "u1")


def told(federation, kind):
    return federation.telemetry.of(kind)


@virtual_time
async def test_fan_outs_under_way_are_told_up_and_down_and_those_refused():
    federation = InProcessFederation(fan_out=FanOutLimits(concurrent=2))
    federation.add("slow", delay=3)
    async with federation.running():
        first = [asyncio.create_task(federation.ask()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await federation.ask()
        await asyncio.gather(*first)
    counts = [event.count for event in told(federation, events.FanOutsUnderWay)]
    assert counts == [1, 2, 1, 0]
    assert told(federation, events.FanOutShed) == [events.FanOutShed(ShedScope.ALL)]


@virtual_time
async def test_user_who_asks_for_too_much_is_told_apart():
    federation = InProcessFederation(budget=BudgetLimits(per_user=1))
    federation.add("a")
    async with federation.running():
        await federation.ask(principal=USER)
        with pytest.raises(UserOverLimit):
            await federation.ask(principal=USER)
    assert told(federation, events.FanOutShed) == [events.FanOutShed(ShedScope.USER)]


class OneDataset:
    """A catalogue that knows one dataset, after ``delay`` seconds."""

    def __init__(self, known, delay=0.0):
        self._known = known
        self._delay = delay

    async def locate(self, dids, deadline):
        await asyncio.sleep(self._delay)
        return {
            did: LocatedData(did, (Replica("RSE"),), 1)
            for did in dids
            if did == self._known
        }


@virtual_time
async def test_lookups_are_told_by_their_outcome():
    known, unknown = Did("testing", "known"), Did("testing", "unknown")
    for delay, outcomes in (
        (0, {LookupOutcome.LOCATED: 1, LookupOutcome.UNKNOWN: 1}),
        (9, {LookupOutcome.UNANSWERED: 2}),
    ):
        federation = InProcessFederation()
        federation.add("a")
        present = federation.current
        catalogue = OneDataset(known, delay)
        federation.current = lambda present=present, catalogue=catalogue: replace(
            present(), catalogue=catalogue
        )
        wanted = tuple(DataItem(str(did), did=did) for did in (known, unknown, known))
        async with federation.running():
            await federation.ask(replace(REQUEST, data=wanted), wait=1)
        told_of = told(federation, events.DataLookedUp)
        assert {event.outcome: event.count for event in told_of} == outcomes


@virtual_time
async def test_rank_of_the_accepted_offer_and_its_phases_are_told():
    federation = InProcessFederation()
    federation.add("a", start=60)
    federation.add("b", start=600)
    async with federation.running():
        offer_set = await federation.ask()
        second = offer_set.offers[1]
        assert second.site == "b"
        await federation.updating.update(
            second.session, phase_update(SessionPhase.ACCEPTED), federation.caller()
        )
        federation.brokers["b"].phases[second.site_session] = SessionPhase.RUNNING
        for _ in range(2):
            await asyncio.sleep(10)
            await federation.sessions.get(second.session, federation.caller())
    (accepted,) = told(federation, events.AcceptFinished)
    assert (accepted.outcome, accepted.rank) == (events.AcceptOutcome.ACCEPTED, 2)
    assert told(federation, events.SessionPhaseSeen) == [
        events.SessionPhaseSeen("b", SessionPhase.ACCEPTED),
        events.SessionPhaseSeen("b", SessionPhase.RUNNING),
    ]


@virtual_time
async def test_open_reservations_are_counted_now_and_then():
    federation = InProcessFederation()
    federation.add("a", offers=3, expires=100)
    async with federation.running():
        await federation.ask()
        census = Census(federation.store, federation.clock, federation.telemetry)
        running = asyncio.create_task(census.run())
        await asyncio.sleep(1)
        federation.store.broken = True
        await asyncio.sleep(15)
        federation.store.broken = False
        await asyncio.sleep(100)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    counts = [event.count for event in told(federation, events.ReservationsOpen)]
    assert counts[0] == 3
    assert counts[-1] == 0
    assert len(counts) == 7


@virtual_time
async def test_census_of_a_store_that_is_away_says_so():
    federation = InProcessFederation()
    async with federation.running():
        federation.store.broken = True
        census = Census(federation.store, federation.clock, federation.telemetry)
        with pytest.raises(StoreUnavailable):
            await census.count()
