"""Drains as one process of several knows them."""

import asyncio

import pytest

from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.domain.events import SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.services.draining import DrainBook, Draining
from tests.support.federation import InProcessFederation
from tests.support.virtual_time import virtual_time


class MemoryDrains:
    """Drains and their trail in dictionaries; ``broken`` makes every call fail."""

    def __init__(self):
        self.kept = {}
        self.entries = []
        self.broken = False

    def _check(self):
        if self.broken:
            raise StoreUnavailable("the store was broken by a test")

    async def drains(self, now):
        self._check()
        return [drain for drain in self.kept.values() if drain.until > now]

    async def drain(self, drain, entry):
        self._check()
        self.kept[drain.site] = drain
        self.entries.insert(0, entry)

    async def undrain(self, site, entry):
        self._check()
        if self.kept.pop(site, None) is None:
            return False
        self.entries.insert(0, entry)
        return True

    async def audit(self, limit):
        self._check()
        return self.entries[:limit]


class Bench:
    """A federation of two sites with drains."""

    def __init__(self, store=None):
        self.store = store or MemoryDrains()
        self.book = DrainBook()
        self.federation = InProcessFederation(drain_of=self.book.drain_of)
        for name in ("a", "b"):
            self.federation.add(name)

    def build(self):
        uuids = iter(map(str, range(99)))
        return Draining(
            book=self.book,
            drains=self.store,
            trail=self.store,
            health=self.federation.health,
            snapshot=self.federation,
            clock=self.federation.clock,
            new_uuid=lambda: next(uuids),
        )

    async def outcomes(self):
        offer_set = await self.federation.ask()
        return {answer.site: answer.outcome for answer in offer_set.answers}


@virtual_time
async def test_a_drained_site_is_not_asked_until_the_drain_ends():
    bench = Bench()
    async with bench.federation.running():
        draining = bench.build()
        drain = await draining.drain("a", 60, "racks", "olga")
        assert await bench.outcomes() == {"a": Outcome.DRAINED, "b": Outcome.OK}
        assert not bench.federation.brokers["a"].calls
        assert (drain.until - drain.since).total_seconds() == 60
        await asyncio.sleep(60)
        assert await bench.outcomes() == {"a": Outcome.OK, "b": Outcome.OK}


@virtual_time
async def test_the_reason_is_told_to_users():
    bench = Bench()
    async with bench.federation.running():
        await bench.build().drain("a", 60, "racks", "olga")
        offer_set = await bench.federation.ask()
        [answer] = [one for one in offer_set.answers if one.site == "a"]
        assert answer.detail == "racks"
        assert "olga" not in str(offer_set)


@virtual_time
async def test_another_replicas_drain_is_known_after_a_moment():
    first, second = (bench := Bench()), Bench(bench.store)
    async with first.federation.running(), second.federation.running():
        loop = asyncio.create_task(second.build().run())
        await first.build().drain("a", 60, "racks", "olga")
        await asyncio.sleep(3)
        assert second.federation.health.state("a") is SiteState.DRAINED
        await first.build().undrain("a", "done", "olga")
        await asyncio.sleep(3)
        assert second.federation.health.state("a") is not SiteState.DRAINED
        loop.cancel()


@virtual_time
async def test_while_the_store_is_away_drains_stay_and_still_end():
    bench = Bench()
    async with bench.federation.running():
        draining = bench.build()
        await draining.drain("a", 60, "racks", "olga")
        bench.store.broken = True
        loop = asyncio.create_task(draining.run())
        await asyncio.sleep(30)
        assert bench.federation.health.state("a") is SiteState.DRAINED
        await asyncio.sleep(40)
        assert bench.federation.health.state("a") is not SiteState.DRAINED
        loop.cancel()


@virtual_time
async def test_what_can_not_be_written_down_is_not_done():
    bench = Bench()
    async with bench.federation.running():
        bench.store.broken = True
        with pytest.raises(StoreUnavailable):
            await bench.build().drain("a", 60, "racks", "olga")
        assert bench.federation.health.state("a") is not SiteState.DRAINED


@virtual_time
async def test_a_site_that_is_not_configured_can_not_be_drained():
    bench = Bench()
    async with bench.federation.running():
        for attempt in (
            bench.build().drain("c", 60, "racks", "olga"),
            bench.build().undrain("c", "racks", "olga"),
        ):
            with pytest.raises(UnknownResource, match="'c'"):
                await attempt
        assert bench.store.entries == []
