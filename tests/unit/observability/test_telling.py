"""What the use cases tell of limits, lookups, ranks and phases, for metrics to count."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aggregator.domain import events
from aggregator.domain.drains import Drain
from aggregator.domain.errors import Overloaded, StoreUnavailable, UserOverLimit
from aggregator.domain.events import LookupOutcome, ShedScope
from aggregator.domain.offers import DataItem
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import Principal
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.tallies import SiteHoldings
from aggregator.domain.updates import phase_update
from aggregator.services.census import Census
from aggregator.services.limits import BudgetLimits, FanOutLimits, StatusLimits
from tests.support.federation import REQUEST, InProcessFederation
from tests.support.virtual_time import virtual_time

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2100, 1, 1, tzinfo=UTC)
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
    counts = [
        event.by_site.get("a", SiteHoldings()).open_reservations
        for event in told(federation, events.HoldingsCounted)
    ]
    assert counts[0] == 3
    assert counts[-1] == 0
    assert len(counts) == 7
    assert told(federation, events.RoutesCounted) == [events.RoutesCounted(3)]


@virtual_time
async def test_offers_that_nobody_wanted_are_told_a_minute_after_their_end():
    federation = InProcessFederation()
    federation.add("a", offers=3, expires=100)
    async with federation.running():
        offer_set = await federation.ask()
        census = Census(federation.store, federation.clock, federation.telemetry)
        await federation.updating.update(
            offer_set.offers[0].session,
            phase_update(SessionPhase.REJECTED),
            federation.caller(),
        )
        running = asyncio.create_task(census.run())
        await asyncio.sleep(155)
        assert told(federation, events.OffersExpired) == []
        await asyncio.sleep(30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told(federation, events.OffersExpired) == [events.OffersExpired("a", 2)]


@pytest.mark.parametrize(
    ("accepted", "started", "regrets"),
    [(0, 100, [40]), (0, 50, [0]), (1, 700, [640])],
    ids=["later", "not later", "the second"],
)
@virtual_time
async def test_start_is_compared_with_the_best_estimate_beside_it(
    accepted, started, regrets
):
    federation = InProcessFederation(status=StatusLimits(freshness=0))
    federation.add("a", start=60)
    federation.add("b", start=60)
    async with federation.running():
        offer_set = await federation.ask()
        taken = offer_set.offers[accepted]
        await federation.updating.update(
            taken.session, phase_update(SessionPhase.ACCEPTED), federation.caller()
        )
        broker = federation.brokers[taken.site]
        await asyncio.sleep(started)
        broker.phases[taken.site_session] = SessionPhase.RUNNING
        for _ in range(2):
            await federation.sessions.get(taken.session, federation.caller())
    told_of = [round(e.seconds) for e in told(federation, events.RegretObserved)]
    assert told_of == regrets


@virtual_time
async def test_start_without_an_alternative_is_not_regretted():
    federation = InProcessFederation()
    federation.add("a", start=60)
    async with federation.running():
        (offer,) = (await federation.ask()).offers
        await federation.updating.update(
            offer.session, phase_update(SessionPhase.ACCEPTED), federation.caller()
        )
        await asyncio.sleep(100)
        federation.brokers["a"].phases[offer.site_session] = SessionPhase.RUNNING
        await federation.sessions.get(offer.session, federation.caller())
    assert len(told(federation, events.StartObserved)) == 1
    assert told(federation, events.RegretObserved) == []


@virtual_time
async def test_sites_that_were_not_asked_are_told_with_why():
    federation = InProcessFederation(
        drain_of=lambda site: (
            Drain(site, LONG_AGO, FAR_OFF, "o", "r") if site == "b" else None
        )
    )
    federation.add("a")
    federation.add("b")
    async with federation.running():
        await federation.ask()
    assert told(federation, events.SiteNotAsked) == [
        events.SiteNotAsked("b", Outcome.DRAINED)
    ]


@virtual_time
async def test_census_of_a_store_that_is_away_says_so():
    federation = InProcessFederation()
    async with federation.running():
        federation.store.broken = True
        census = Census(federation.store, federation.clock, federation.telemetry)
        with pytest.raises(StoreUnavailable):
            await census.count()
