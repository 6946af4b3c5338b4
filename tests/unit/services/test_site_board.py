"""The board: shared by those who follow it, and bounded."""

import asyncio
from contextlib import aclosing

import pytest

from aggregator.domain.errors import Overloaded, StoreUnavailable
from aggregator.domain.events import Operation, SiteCalled
from aggregator.domain.outcomes import Outcome
from aggregator.domain.tallies import SiteTally
from aggregator.services import site_board
from aggregator.services.draining import DrainBook
from aggregator.services.limits import FollowLimits
from aggregator.services.site_activity import KEPT, SiteActivity, percentile
from aggregator.services.site_board import SiteBoard
from aggregator.services.tallies import RememberedTallies
from tests.support.federation import InProcessFederation
from tests.support.in_process import RecordedTelemetry
from tests.support.virtual_time import virtual_time


class Counting:
    """Tallies that count how often they are asked for."""

    def __init__(self):
        self.asked = 0
        self.broken = False

    async def of_sites(self, now, since):
        self.asked += 1
        assert (now - since).total_seconds() == 86400
        if self.broken:
            raise StoreUnavailable("the store was broken by a test")
        return {"a": SiteTally(offers=self.asked)}


class Bench:
    def __init__(self, **limits):
        self.federation = InProcessFederation()
        for name in ("a", "b"):
            self.federation.add(name)
        self.tallies = Counting()
        self.limits = FollowLimits(**limits)

    def build(self):
        federation = self.federation
        return SiteBoard(
            snapshot=federation,
            health=federation.health,
            calls=federation.calls,
            book=DrainBook(),
            tallies=RememberedTallies(self.tallies, federation.clock),
            activity=SiteActivity(RecordedTelemetry()),
            clock=federation.clock,
            limits=self.limits,
        )


@virtual_time
async def test_those_who_follow_share_each_board():
    bench = Bench()
    async with bench.federation.running():
        board = bench.build()
        async with aclosing(board.boards()) as one, aclosing(board.boards()) as other:
            boards = [await asyncio.gather(anext(one), anext(other)) for _ in range(3)]
        assert [first is second for first, second in boards] == [True] * 3
        assert len({id(first) for first, _ in boards}) == 3


@virtual_time
async def test_only_so_many_follow_at_once():
    bench = Bench()
    async with bench.federation.running():
        board = bench.build()
        streams = [board.boards() for _ in range(site_board._FOLLOWERS)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(Overloaded):
            await anext(board.boards())
        await streams.pop().aclose()
        more = board.boards()
        await anext(more)
        for stream in (*streams, more):
            await stream.aclose()


@virtual_time
async def test_a_stream_ends_after_a_while():
    bench = Bench(longest_stream=5, interval=1)
    async with bench.federation.running():
        boards = [board async for board in bench.build().boards()]
    assert len(boards) == 5


@virtual_time
async def test_the_store_counts_now_and_then_however_many_look():
    bench = Bench()
    async with bench.federation.running():
        board = bench.build()
        boards = await asyncio.gather(*(board.board() for _ in range(20)))
        assert {one.views[0].tally.offers for one in boards} == {1}
        assert boards[0].views[1].tally == SiteTally()
        await asyncio.sleep(11)
        assert (await board.board()).views[0].tally.offers == 2


@virtual_time
async def test_without_the_store_the_last_counts_are_shown_or_none():
    bench = Bench()
    bench.tallies.broken = True
    async with bench.federation.running():
        board = bench.build()
        assert (await board.board()).views[0].tally is None
        bench.tallies.broken = False
        await asyncio.sleep(11)
        assert (await board.board()).views[0].tally.offers == 2
        bench.tallies.broken = True
        await asyncio.sleep(11)
        assert (await board.board()).views[0].tally.offers == 2


def called(operation, outcome=Outcome.OK, seconds=0.1, site="a"):
    return SiteCalled(site, operation, outcome, seconds)


@virtual_time
async def test_the_latest_calls_are_remembered_of_each_kind():
    following = RecordedTelemetry()
    activity = SiteActivity(following)
    for number in range(2 * KEPT):
        activity.record(called(Operation.PROBE, seconds=number))
    activity.record(called(Operation.REQUEST, Outcome.TIMEOUT))
    activity.record(called(Operation.SYNTHETIC, Outcome.NO_OFFER))
    activity.record(called(Operation.SESSION))
    probes, requests = activity.of("a").probes, activity.of("a").requests
    assert [one.seconds for one in probes] == [*range(KEPT, 2 * KEPT)]
    assert [one.failed for one in requests] == [True, False]
    assert len(following.events) == 2 * KEPT + 3


@virtual_time
async def test_what_is_old_or_of_sites_that_are_gone_is_forgotten():
    activity = SiteActivity(RecordedTelemetry())
    for site in ("a", "b"):
        activity.record(called(Operation.PROBE, site=site))
    activity.keep(["a"])
    assert (len(activity.of("a").probes), activity.of("b").probes) == (1, ())
    await asyncio.sleep(7 * 3600)
    assert activity.of("a").probes == ()


@virtual_time
async def test_percentiles_are_of_calls_that_succeeded():
    activity = SiteActivity(RecordedTelemetry())
    for number in range(1, 21):
        activity.record(called(Operation.PROBE, seconds=float(number)))
        activity.record(called(Operation.PROBE, Outcome.TIMEOUT, 99.0))
    probes = activity.of("a").probes
    assert (percentile(probes, 0.5), percentile(probes, 0.95)) == (10.0, 19.0)
    assert percentile((), 0.5) is None
