"""What is remembered of a catalogue, for how long, on a virtual clock."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.catalogue.caching import CacheLimits, CachingCatalogue
from aggregator.catalogue.lookups import Lookup
from aggregator.domain.events import CacheOutcome, CatalogueRemembered
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import LocatedData, Replica
from aggregator.services.background import Background
from tests.support.in_process import RecordedTelemetry
from tests.support.lookups import did, in_seconds
from tests.support.virtual_time import virtual_time

LIMITS = CacheLimits(
    timeout=5, ttl=300, negative_ttl=30, stale_for=3600, pause=10, entries=100
)
HERE = LocatedData(did("testing:here"), (Replica("A"),), size=7)


class Service:
    """A catalogue service in this process, which does what a test tells it to."""

    def __init__(self):
        self.data = {HERE.did: HERE}
        self.delay = 0.0
        self.fault = None
        self.asked = []

    async def look_up(self, dids, deadline):
        self.asked.append([str(one) for one in dids])
        left = deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(min(self.delay, left))
        if self.delay >= left:
            return Lookup(fault=Outcome.TIMEOUT)
        if self.fault is not None:
            return Lookup(fault=self.fault)
        located = {one: self.data[one] for one in dids if one in self.data}
        return Lookup(located, frozenset(dids) - located.keys())


class Bench:
    def __init__(self, background, limits):
        self.service = Service()
        self.telemetry = RecordedTelemetry()
        self.catalogue = CachingCatalogue(
            self.service, background, self.telemetry, limits
        )

    async def locate(self, *texts, seconds=2.0):
        dids = [did(text) for text in texts]
        return await self.catalogue.locate(dids, in_seconds(seconds))

    def reads(self):
        return [(e.outcome, e.count) for e in self.telemetry.of(CatalogueRemembered)]


@asynccontextmanager
async def bench(limits=LIMITS):
    async with Background().running() as background:
        yield Bench(background, limits)


@virtual_time
async def test_an_answer_is_good_for_its_time_to_live():
    async with bench() as b:
        for wait in (0, 299, 0.5):
            await asyncio.sleep(wait)
            assert await b.locate("testing:here") == {HERE.did: HERE}
        assert len(b.service.asked) == 1
        await asyncio.sleep(1)
        assert await b.locate("testing:here") == {HERE.did: HERE}
        assert len(b.service.asked) == 2
        hit, missed = (CacheOutcome.HIT, 1), (CacheOutcome.MISSED, 1)
        assert b.reads() == [missed, hit, hit, missed]


@virtual_time
async def test_that_something_is_unknown_is_remembered_for_less_long():
    async with bench() as b:
        for wait in (0, 29):
            await asyncio.sleep(wait)
            assert await b.locate("testing:never") == {}
        assert len(b.service.asked) == 1
        await asyncio.sleep(2)
        b.service.data[did("testing:never")] = HERE
        assert await b.locate("testing:never") == {did("testing:never"): HERE}
        assert b.reads()[1] == (CacheOutcome.UNKNOWN, 1)


@virtual_time
async def test_data_without_any_replica_are_looked_for_again_soon():
    async with bench() as b:
        bare = LocatedData(HERE.did, (), size=7)
        b.service.data[HERE.did] = bare
        assert await b.locate("testing:here") == {HERE.did: bare}
        await asyncio.sleep(31)
        await b.locate("testing:here")
        assert len(b.service.asked) == 2


@virtual_time
async def test_many_requests_at_once_cost_one_lookup():
    async with bench() as b:
        b.service.delay = 1
        found = await asyncio.gather(*(b.locate("testing:here") for _ in range(100)))
        assert found == [{HERE.did: HERE}] * 100
        assert b.service.asked == [["testing:here"]]
        assert b.reads().count((CacheOutcome.JOINED, 1)) == 99


@virtual_time
async def test_requests_share_what_they_share():
    async with bench() as b:
        b.service.delay = 1
        await asyncio.gather(
            b.locate("testing:here", "testing:x"),
            b.locate("testing:x", "testing:y"),
            b.locate("testing:y", "testing:here", "testing:here"),
        )
        assert b.service.asked == [["testing:here", "testing:x"], ["testing:y"]]


@virtual_time
async def test_a_lookup_goes_on_when_who_began_it_is_gone():
    async with bench() as b:
        b.service.delay = 1
        first = asyncio.create_task(b.locate("testing:here"))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(b.locate("testing:here"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == {HERE.did: HERE}
        assert len(b.service.asked) == 1


@virtual_time
async def test_a_request_waits_until_its_deadline_and_the_next_one_finds_the_answer():
    async with bench() as b:
        b.service.delay = 3
        began = in_seconds(0)
        assert await b.locate("testing:here", seconds=2) == {}
        assert in_seconds(0) - began == pytest.approx(2)
        await asyncio.sleep(1.1)
        assert await b.locate("testing:here", seconds=0) == {HERE.did: HERE}
        assert len(b.service.asked) == 1


@virtual_time
async def test_a_deadline_that_has_passed_is_no_wait():
    async with bench() as b:
        b.service.delay = 1
        began = in_seconds(0)
        assert await b.locate("testing:here", seconds=-1) == {}
        assert in_seconds(0) == began


@virtual_time
async def test_the_last_good_answer_is_given_while_the_catalogue_is_away():
    async with bench() as b:
        await b.locate("testing:here")
        await asyncio.sleep(301)
        b.service.fault = Outcome.CONNECT_ERROR
        found = (await b.locate("testing:here"))[HERE.did]
        assert (found.replicas, found.size) == (HERE.replicas, HERE.size)
        assert found.caveat == (
            "the catalogue doesn't answer, this is what it said 5 min 1 s ago"
        )
        assert b.reads()[-2:] == [(CacheOutcome.MISSED, 1), (CacheOutcome.STALE, 1)]
        await asyncio.sleep(3600)
        assert await b.locate("testing:here") == {}


@virtual_time
async def test_the_last_good_answer_is_given_while_the_catalogue_is_slow():
    async with bench() as b:
        await b.locate("testing:here")
        await asyncio.sleep(301)
        b.service.delay = 4
        assert (await b.locate("testing:here"))[HERE.did].caveat
        await asyncio.sleep(3)
        assert await b.locate("testing:here") == {HERE.did: HERE}


@virtual_time
async def test_what_the_catalogue_no_longer_knows_is_not_given_as_old():
    async with bench() as b:
        await b.locate("testing:here")
        await asyncio.sleep(301)
        b.service.data.clear()
        assert await b.locate("testing:here") == {}
        b.service.fault = Outcome.CONNECT_ERROR
        await asyncio.sleep(31)
        assert await b.locate("testing:here") == {}


@virtual_time
async def test_a_failed_lookup_is_not_tried_again_at_once():
    async with bench() as b:
        b.service.fault = Outcome.ERROR_5XX
        for wait in (0, 1, 8):
            await asyncio.sleep(wait)
            assert await b.locate("testing:here") == {}
        assert len(b.service.asked) == 1
        assert b.reads()[1:] == [(CacheOutcome.PAUSED, 1)] * 2
        b.service.fault = None
        await asyncio.sleep(2)
        assert await b.locate("testing:here") == {HERE.did: HERE}


@virtual_time
async def test_a_catalogue_that_hangs_delays_three_requests_and_then_one_now_and_then():
    async with bench() as b:
        b.service.delay = 1000
        waits = []
        for number in range(20):
            began = in_seconds(0)
            await b.locate(f"testing:{number}")
            waits.append(in_seconds(0) - began)
            await asyncio.sleep(5 - waits[-1])
        assert waits.count(pytest.approx(2)) == len(b.service.asked)
        assert waits[:5] == pytest.approx([2, 2, 2, 0, 0])
        assert len(b.service.asked) <= 7


@virtual_time
async def test_a_catalogue_that_is_back_is_asked_again():
    async with bench() as b:
        b.service.fault = Outcome.CONNECT_ERROR
        for number in range(5):
            await b.locate(f"testing:{number}")
        assert len(b.service.asked) == 3
        b.service.fault = None
        await asyncio.sleep(10.1)
        assert await b.locate("testing:here") == {HERE.did: HERE}
        await b.locate("testing:a")
        await b.locate("testing:b")
        assert len(b.service.asked) == 6


@virtual_time
async def test_data_that_the_catalogue_refuses_to_speak_of_do_not_silence_it():
    async with bench() as b:
        b.service.fault = Outcome.FORBIDDEN
        for number in range(10):
            await b.locate(f"secret:{number}")
        assert len(b.service.asked) == 10


@virtual_time
async def test_memory_is_bounded():
    async with bench() as b:
        for first in range(0, 1000, 100):
            names = [f"testing:{number}" for number in range(first, first + 100)]
            b.service.data.update((did(name), HERE) for name in names)
            assert len(await b.locate(*names)) == 100
        remembered = await b.locate("testing:0", "testing:999")
        assert len(remembered) == 2
        assert b.service.asked[-1] == ["testing:0"]


@virtual_time
async def test_one_request_looks_up_a_thousand_data_at_most():
    async with bench() as b:
        await b.locate(*(f"testing:{number}" for number in range(5000)))
        assert [len(asked) for asked in b.service.asked] == [1000]


@virtual_time
async def test_a_service_that_breaks_leaves_nothing_behind():
    async with bench() as b:

        async def broken(dids, deadline):
            raise ValueError("broken")

        b.service.look_up, answers = broken, b.service.look_up
        assert await b.locate("testing:here") == {}
        b.service.look_up = answers
        assert await b.locate("testing:here") == {HERE.did: HERE}
