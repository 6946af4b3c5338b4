from dataclasses import replace

import pytest

from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.records import Decision
from tests.support.stored_records import FIRST, NOW, SET, later

OTHER = "5d2e6ab8-3f60-4b8e-9a5d-0d6a63a3f002"
LARGEST = 10_000
MOST = 100


def decision(offer_set=SET, seconds=0.0, **members):
    return Decision(
        **{
            "offer_set": offer_set,
            "version": 1,
            "moment": later(seconds),
            "policy": PolicyIdentity("default", 7, "ab" * 32),
            "best": FIRST,
            "inputs": {"request_id": offer_set, "offers": [{"site": "lisboa"}]},
            "issuer": "https://issuer.example",
            "subject": "ana",
            **members,
        }
    )


def numbered(count):
    return [decision(f"set-{n:03}", n) for n in range(count)]


async def keep(store, *decisions, largest=LARGEST, most=MOST):
    return await store.decisions.keep(decisions, largest, most)


async def sets(store, since=NOW, before=None, limit=50):
    page = await store.decisions.page(since, before, limit)
    return [one.offer_set for one in page]


async def test_a_decision_comes_back_as_it_was_kept(store):
    assert await keep(store, decision(), decision(OTHER, best=None)) == []
    assert await store.decisions.of_offer_set(SET) == decision()
    assert await store.decisions.of_offer_set(OTHER) == decision(OTHER, best=None)
    assert await store.decisions.of_offer_set("none") is None


async def test_the_decision_of_the_latest_version_is_the_one_that_is_kept(store):
    second = decision(seconds=5, version=2)
    await keep(store, decision())
    await keep(store, second)
    await keep(store, decision())
    assert await store.decisions.of_offer_set(SET) == second
    third = decision(version=3)
    await keep(store, third, replace(second, best=None))
    assert await store.decisions.of_offer_set(SET) == third


async def test_what_is_too_large_is_not_kept_and_told(store):
    large = decision(OTHER, inputs={"offers": [hash((n, "x")) for n in range(900)]})
    assert await keep(store, large, decision(), largest=1000) == [OTHER]
    assert await sets(store) == [SET]


async def test_the_oldest_beyond_the_number_are_removed(store):
    await keep(store, *numbered(5), most=3)
    assert await sets(store) == ["set-004", "set-003", "set-002"]
    await keep(store, decision("new", 10), most=3)
    assert await sets(store) == ["new", "set-004", "set-003"]


async def test_decisions_of_one_moment_are_counted_too(store):
    await keep(store, *(decision(name) for name in "abcd"), most=2)
    assert await sets(store) == ["d", "c"]


@pytest.mark.parametrize("same_moment", [True, False])
async def test_pages_follow_each_other_without_gap_or_repetition(store, same_moment):
    kept = numbered(7)
    if same_moment:
        kept = [replace(one, moment=NOW) for one in kept]
    await keep(store, *kept)
    found, before = [], None
    while page := await store.decisions.page(NOW, before, 3):
        assert len(page) <= 3
        found += [one.offer_set for one in page]
        before = (page[-1].moment, page[-1].offer_set)
    assert found == sorted((one.offer_set for one in kept), reverse=True)


async def test_only_what_was_made_since_is_found(store):
    await keep(store, *numbered(4))
    assert await sets(store, since=later(2)) == ["set-003", "set-002"]


async def test_decisions_are_pruned_by_age(store):
    await keep(store, *numbered(4))
    await store.retention.prune(later(1), 10)
    assert await sets(store) == ["set-003", "set-002", "set-001"]
    await store.retention.prune(later(99), 2)
    assert await sets(store) == ["set-003"]
