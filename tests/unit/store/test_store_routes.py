from dataclasses import replace

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import PhaseChange
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    THIRD,
    later,
    offer_set,
    release,
)


def seen(phase, seconds, component="session", session=FIRST):
    return PhaseChange(session, component, phase, later(seconds))


async def test_an_unknown_route_is_none(store):
    assert await store.routes.get(FIRST) is None


async def test_a_reading_is_kept(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    route = replace(
        await store.routes.get(FIRST),
        last_payload={"phase": "RUNNING", "n": 2**60},
        last_residue={"/n": 1},
        last_read=later(5),
    )
    await store.routes.save_reading(route, [])
    assert await store.routes.get(FIRST) == route
    assert (await store.routes.get(SECOND)).last_read == NOW


async def test_an_older_reading_does_not_replace_a_newer_one(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    route = await store.routes.get(FIRST)
    newer = replace(route, last_payload={"phase": "RUNNING"}, last_read=later(5))
    older = replace(route, last_payload={"phase": "WAITING"}, last_read=later(4))
    await store.routes.save_reading(newer, [seen("RUNNING", 5)])
    await store.routes.save_reading(older, [seen("WAITING", 4)])
    assert await store.routes.get(FIRST) == newer
    assert await store.watches.history(FIRST) == [
        seen("WAITING", 4),
        seen("RUNNING", 5),
    ]


async def test_a_phase_keeps_the_time_when_it_was_first_seen(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    route = await store.routes.get(FIRST)
    first = [seen("WAITING", 1), seen("PREPARING", 1, "data/in")]
    await store.routes.save_reading(route, first)
    await store.routes.save_reading(
        route,
        [seen("WAITING", 2), seen("PREPARING", 2), seen("PREPARING", 2, "data/in")],
    )
    assert await store.watches.history(FIRST) == [
        seen("PREPARING", 1, "data/in"),
        seen("WAITING", 1),
        seen("PREPARING", 2),
    ]


async def test_an_overlay_is_never_cleared_nor_replaced(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    route = await store.routes.get(FIRST)
    await store.routes.save_reading(replace(route, overlay=SessionPhase.CANCELLED), [])
    await store.routes.save_reading(route, [])
    await store.routes.save_reading(replace(route, overlay=SessionPhase.EXPIRED), [])
    await store.routes.mark(FIRST, SessionPhase.REJECTED)
    assert (await store.routes.get(FIRST)).overlay is SessionPhase.CANCELLED


async def test_a_reading_of_a_route_that_is_gone_is_passed_over(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    gone = replace(await store.routes.get(FIRST), session=SECOND)
    await store.routes.save_reading(gone, [seen("RUNNING", 1, session=SECOND)])
    assert await store.routes.get(SECOND) is None
    assert await store.watches.history(SECOND) == []


async def test_releases_are_queued_with_the_mark_that_makes_them_due(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    await store.routes.mark(SECOND, SessionPhase.EXPIRED)
    assert await store.routes.mark(FIRST, SessionPhase.REJECTED, [release(FIRST)])
    assert not await store.routes.mark(SECOND, SessionPhase.REJECTED, [release(SECOND)])
    queued = await store.releases.lease("a", NOW, later(30), 9)
    assert queued == [release(FIRST)]


async def test_marking_marks_those_that_have_no_overlay(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND, THIRD), [], {})
    await store.routes.mark(SECOND, SessionPhase.EXPIRED)
    assert await store.routes.mark(FIRST, SessionPhase.REJECTED)
    assert not await store.routes.mark(SECOND, SessionPhase.REJECTED)
    assert not await store.routes.mark("unknown", SessionPhase.REJECTED)
    routes = await store.routes.of_offer_set(SET)
    assert [route.overlay for route in routes] == [
        SessionPhase.REJECTED,
        SessionPhase.EXPIRED,
        None,
    ]
