"""Decisions are kept beside the way to the client, and what can't be kept is lost."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
import structlog

from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.domain.principal import Principal
from aggregator.domain.ranking.replay import replay_inputs
from aggregator.domain.records import OfferSet
from aggregator.services.background import Background
from aggregator.services.composing import Composed
from aggregator.services.decisions import Decisions
from aggregator.services.limits import DecisionLimits
from aggregator.store.sql_store import open_store
from tests.support.ranking import (
    NOW,
    knowing,
    offer,
    plain_policy,
    ranked,
    wanting,
)

ANA = Principal("https://issuer.example", "ana")
BOB = Principal("https://issuer.example", "bob")
OFFERS = [offer("near", 60), offer("far", 600)]


def composed(uuid="one", offers=OFFERS):
    ranking = ranked(plain_policy(), offers, request_id=uuid)
    offer_set = OfferSet(uuid, NOW, wanting(), ANA.issuer, ANA.subject)
    inputs = partial(replay_inputs, wanting(), uuid, offers, knowing(), NOW)
    return Composed(offer_set, ranking, inputs, (), {})


@pytest.fixture
async def store():
    async with open_store("sqlite:///:memory:") as opened:
        yield opened.decisions


@pytest.fixture
async def background():
    async with Background().running() as running:
        yield running


class HeldStore:
    """A store that writes when it is let, or fails."""

    def __init__(self, store):
        self.let = asyncio.Event()
        self.batches = []
        self.fails = False
        self._store = store

    async def keep(self, decisions, largest, most):
        self.batches.append([one.offer_set for one in decisions])
        await self.let.wait()
        if self.fails:
            raise StoreUnavailable("the disk is full")
        return await self._store.keep(decisions, largest, most)

    async def of_offer_set(self, offer_set):
        return await self._store.of_offer_set(offer_set)


async def settled(decisions):
    async with asyncio.timeout(5):
        while decisions._is_writing:
            await asyncio.sleep(0.001)


async def test_a_decision_is_found_before_and_after_it_is_written(store, background):
    held = HeldStore(store)
    decisions = Decisions(held, background, DecisionLimits())
    decisions.note(composed(), 1)
    before = await decisions.get("one", ANA)
    held.let.set()
    await settled(decisions)
    assert await store.of_offer_set("one") == before
    assert await decisions.get("one", ANA) == before
    assert (before.best, before.version) == ("near-0", 1)


async def test_a_set_without_offers_has_a_decision_too(store, background):
    decisions = Decisions(store, background, DecisionLimits())
    decisions.note(composed(offers=[]), 1)
    await settled(decisions)
    assert (await store.of_offer_set("one")).best is None


async def test_a_later_version_takes_the_place_of_one_that_waits(store, background):
    held = HeldStore(store)
    decisions = Decisions(held, background, DecisionLimits())
    decisions.note(composed(), 1)
    async with asyncio.timeout(5):
        while not held.batches:
            await asyncio.sleep(0.001)
    decisions.note(composed(offers=OFFERS[1:]), 2)
    held.let.set()
    await settled(decisions)
    kept = await store.of_offer_set("one")
    assert (kept.version, kept.best) == (2, "far-0")


async def test_others_do_not_see_it(store, background):
    decisions = Decisions(store, background, DecisionLimits())
    decisions.note(composed(), 1)
    with pytest.raises(UnknownResource):
        await decisions.get("one", BOB)
    await settled(decisions)
    with pytest.raises(UnknownResource):
        await decisions.get("one", BOB)


async def test_too_many_that_wait_are_lost_and_logged(store, background):
    held = HeldStore(store)
    decisions = Decisions(held, background, DecisionLimits(waiting=2))
    with structlog.testing.capture_logs() as logs:
        for name in ("a", "b", "c"):
            decisions.note(composed(name), 1)
    assert [(one["event"], one["offer_set"]) for one in logs] == [
        ("decision_lost", "c")
    ]
    held.let.set()
    await settled(decisions)
    assert await store.of_offer_set("c") is None
    assert await store.of_offer_set("b") is not None


async def test_a_store_that_is_away_loses_decisions_and_nothing_else(store, background):
    held = HeldStore(store)
    held.let.set()
    held.fails = True
    decisions = Decisions(held, background, DecisionLimits())
    with structlog.testing.capture_logs() as logs:
        decisions.note(composed("a"), 1)
        await settled(decisions)
    assert [(one["event"], one["reason"]) for one in logs] == [
        ("decisions_lost", "the disk is full")
    ]
    held.fails = False
    decisions.note(composed("b"), 1)
    await settled(decisions)
    assert await store.of_offer_set("a") is None
    assert await store.of_offer_set("b") is not None


async def test_one_that_is_too_large_is_lost_alone(store, background):
    limits = DecisionLimits(largest=600)
    decisions = Decisions(store, background, limits)
    many = [offer(f"site-{n}", n, session=f"{hash((n, 1)):x}") for n in range(99)]
    with structlog.testing.capture_logs() as logs:
        decisions.note(composed("large", many), 1)
        decisions.note(composed("small"), 1)
        await settled(decisions)
    assert [one["offer_set"] for one in logs] == ["large"]
    assert await store.of_offer_set("small") is not None


async def test_none_is_kept_where_that_is_configured(store, background):
    decisions = Decisions(store, background, replace(DecisionLimits(), kept=0))
    decisions.note(composed(), 1)
    await settled(decisions)
    assert await store.of_offer_set("one") is None


async def test_what_waits_is_written_before_the_service_ends(store):
    async with Background().running() as background:
        Decisions(store, background, DecisionLimits()).note(composed(), 1)
    assert await store.of_offer_set("one") is not None
