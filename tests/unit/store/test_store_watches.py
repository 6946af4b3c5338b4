import pytest

from aggregator.domain.records import WinnerState
from tests.support.stored_records import FIRST, NOW, later, offer_set, winner


@pytest.fixture
async def watches(store):
    """Three accepted sessions: first, second, third, accepted in this order."""
    for place, session in enumerate(("first", "second", "third")):
        uuid = f"set-{place}"
        won = winner(session, offer_set=uuid, since=later(place))
        await store.offer_sets.add(offer_set(session, uuid=uuid), [], {})
        await store.winners.claim(won, "a", later(30))
        await store.winners.settle(won, WinnerState.ACCEPTED, [])
    return store.watches


async def sessions(watches, now, until, limit=9):
    routes = await watches.lease_watches("a", now, until, limit)
    return [route.session for route in routes]


async def test_accepted_sessions_are_due_in_order(watches):
    assert await sessions(watches, later(1), later(30)) == ["first", "second"]
    assert await sessions(watches, later(2), later(30)) == ["third"]


async def test_no_more_than_asked_for(watches):
    assert await sessions(watches, later(2), later(30), 1) == ["first"]
    assert await sessions(watches, later(2), later(30), 1) == ["second"]


async def test_a_lease_of_a_watch_ends(watches):
    await sessions(watches, later(2), later(30))
    assert await sessions(watches, later(29), later(60)) == []
    assert len(await sessions(watches, later(30), later(60))) == 3


async def test_a_watch_is_due_when_it_was_said(watches):
    await sessions(watches, later(2), later(900))
    await watches.next_watch("second", later(60))
    assert await sessions(watches, later(59), later(90)) == []
    assert await sessions(watches, later(60), later(90)) == ["second"]


async def test_a_terminal_session_is_watched_no_more(watches):
    await watches.next_watch("first", None)
    await watches.next_watch("first", NOW)
    assert await sessions(watches, later(9000), later(9900)) == ["second", "third"]


async def test_a_watch_brings_the_whole_route(store, watches):
    [route] = await watches.lease_watches("a", NOW, later(30), 1)
    assert route == await store.routes.get("first")


async def test_a_session_that_was_never_read_has_no_history(store):
    assert await store.watches.history(FIRST) == []


async def test_a_lost_session_is_watched_too(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    await store.winners.claim(winner(), "a", later(30))
    assert await sessions(store.watches, later(1), later(30)) == []
    await store.winners.settle(winner(), WinnerState.LOST, [])
    assert await sessions(store.watches, later(1), later(30)) == [FIRST]
    await store.winners.settle(winner(), WinnerState.ACCEPTED, [])
    assert await sessions(store.watches, later(29), later(60)) == []


async def test_an_adopted_session_is_watched_again(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    await store.winners.claim(winner(), "a", later(30))
    await store.winners.settle(winner(), WinnerState.LOST, [])
    await store.watches.next_watch(FIRST, None)
    await store.winners.settle(winner(), WinnerState.ACCEPTED, [])
    assert await sessions(store.watches, later(1), later(30)) == [FIRST]
