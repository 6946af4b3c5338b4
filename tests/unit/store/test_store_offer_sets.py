from dataclasses import replace

import pytest

from aggregator.domain.records import Route
from aggregator.ports.store import SessionsTaken
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    THIRD,
    later,
    offer,
    offer_set,
    release,
    winner,
)

OTHER_SET = "4c2e6ab8-3f60-4b8e-9a5d-0d6a63a3f002"


async def test_a_set_comes_back_as_it_was(store):
    kept = offer_set(FIRST, SECOND)
    await store.offer_sets.add(kept, [], {})
    assert await store.offer_sets.get(SET) == kept


async def test_an_unknown_set_is_none(store):
    assert await store.offer_sets.get(SET) is None


async def test_payloads_come_back_exactly(store):
    payload = {
        "z": 1,
        "a": {"datasize": 27487790694400, "max": 2**64 - 1, "min": -(2**63)},
        "float": 0.1,
        "whole float": 3.0,
        "none": None,
        "list": [True, {"unknown": "ключ ☃"}],
    }
    exact = offer(payload=payload, residue={"/a": payload})
    kept = offer_set(offers=(exact,), ranking=payload)
    kept = replace(
        kept, request=replace(kept.request, payload=payload, residue=payload)
    )
    await store.offer_sets.add(kept, [], {})

    found = await store.offer_sets.get(SET)
    assert repr(found.offers[0].payload) == repr(payload)
    assert repr(found.offers[0].residue) == repr({"/a": payload})
    assert repr(found.request.payload) == repr(payload)
    assert repr(found.request.residue) == repr(payload)
    assert repr(found.ranking) == repr(payload)
    route = await store.routes.get(FIRST)
    assert repr(route.last_payload) == repr(payload)
    assert repr(route.residue) == repr(payload)


async def test_each_offer_gets_a_route(store):
    minted = offer(SECOND, site="madrid", site_session="theirs", expires=None)
    kept = offer_set(offers=(offer(FIRST), minted))
    await store.offer_sets.add(kept, [], {SECOND: later(90)})
    assert await store.routes.get(SECOND) == Route(
        session=SECOND,
        offer_set=SET,
        site="madrid",
        site_session="theirs",
        issuer="https://issuer.example",
        subject="ana",
        dialect="2025-11",
        residue={"/executable": {"digest": "0000"}},
        position=1,
        expires=None,
        estimated_start=later(90),
        overlay=None,
        last_payload={"meta": {"uuid": SECOND}, "phase": "OFFERED"},
        last_residue={"/meta": {"type": "x"}},
        last_read=NOW,
    )


async def test_a_set_without_offers_is_kept(store):
    kept = offer_set()
    await store.offer_sets.add(kept, [], {})
    assert await store.offer_sets.get(SET) == kept
    assert await store.routes.of_offer_set(SET) == []


async def test_releases_are_queued_with_the_set(store):
    await store.offer_sets.add(offer_set(FIRST), [release(THIRD)], {})
    assert await store.releases.lease("a", NOW, later(30), 10) == [release(THIRD)]


async def test_a_session_of_another_set_is_refused_and_nothing_kept(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    intruder = offer_set(FIRST, SECOND, uuid=OTHER_SET, subject="eve")
    with pytest.raises(SessionsTaken) as refused:
        await store.offer_sets.add(intruder, [release(THIRD)], {})
    assert refused.value.sessions == {FIRST: "lisboa"}
    assert await store.offer_sets.get(OTHER_SET) is None
    assert await store.releases.waiting() == 0
    assert (await store.routes.get(FIRST)).subject == "ana"


async def test_a_set_grows(store):
    await store.offer_sets.add(
        offer_set(FIRST, SECOND), [], {FIRST: later(10), SECOND: later(20)}
    )
    grown = replace(offer_set(THIRD, SECOND, FIRST), version=2)
    done = await store.offer_sets.replace(
        grown, [release("left")], {THIRD: later(5), FIRST: later(11)}
    )
    assert done
    assert await store.offer_sets.get(SET) == grown
    routes = await store.routes.of_offer_set(SET)
    assert [(r.session, r.position, r.estimated_start) for r in routes] == [
        (THIRD, 0, later(5)),
        (SECOND, 1, later(20)),
        (FIRST, 2, later(11)),
    ]
    assert await store.releases.waiting() == 1


@pytest.mark.parametrize("version", [1, 3])
async def test_a_set_of_another_version_does_not_grow(store, version):
    kept = offer_set(FIRST)
    await store.offer_sets.add(kept, [], {})
    grown = replace(offer_set(FIRST, SECOND), version=version)
    assert not await store.offer_sets.replace(grown, [release(THIRD)], {})
    assert await store.offer_sets.get(SET) == kept
    assert await store.routes.get(SECOND) is None
    assert await store.releases.waiting() == 0


async def test_a_closed_set_does_not_grow(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    await store.winners.claim(winner(FIRST), "a", later(30))
    closed = await store.offer_sets.get(SET)
    assert (closed.open, closed.version) == (False, 2)
    grown = replace(offer_set(FIRST, SECOND), version=3)
    assert not await store.offer_sets.replace(grown, [], {})


async def test_an_unknown_set_does_not_grow(store):
    assert not await store.offer_sets.replace(offer_set(FIRST, version=2), [], {})


async def test_a_set_does_not_grow_by_a_session_of_another(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    other = offer_set(SECOND, uuid=OTHER_SET)
    await store.offer_sets.add(other, [], {})
    grown = offer_set(SECOND, FIRST, THIRD, uuid=OTHER_SET, version=2)
    with pytest.raises(SessionsTaken) as refused:
        await store.offer_sets.replace(grown, [], {})
    assert refused.value.sessions == {FIRST: "lisboa"}
    assert await store.offer_sets.get(OTHER_SET) == other
    assert await store.routes.get(THIRD) is None


async def test_taken_sessions_are_named_among_very_many(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    many = [SECOND, *(f"other-{number}" for number in range(2500)), FIRST]
    with pytest.raises(SessionsTaken) as refused:
        await store.offer_sets.add(offer_set(*many, uuid=OTHER_SET), [], {})
    assert refused.value.sessions == {FIRST: "lisboa", SECOND: "lisboa"}


async def test_names_may_hold_what_postgresql_can_not(store):
    nasty = "a\0b\\0c\\\0"
    await store.offer_sets.add(
        offer_set(offers=(offer(nasty),), uuid="set\0", subject="\\"), [], {}
    )
    assert (await store.offer_sets.get("set\0")).subject == "\\"
    assert (await store.routes.get(nasty)).site_session == nasty
    assert await store.routes.get("a\0") is None
    assert await store.routes.get("a\\0b") is None
