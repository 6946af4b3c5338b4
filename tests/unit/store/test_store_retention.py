from dataclasses import replace

import pytest

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import PhaseChange, WinnerState
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    later,
    offer,
    offer_set,
    release,
    winner,
)

EXPIRED = later(301)


async def accept(store):
    await store.winners.claim(winner(FIRST), "a", later(30))
    await store.winners.settle(winner(FIRST), WinnerState.ACCEPTED, [])


async def test_a_set_whose_offers_expired_goes_with_all_its_parts(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    change = PhaseChange(FIRST, "session", "OFFERED", NOW)
    await store.routes.save_reading(await store.routes.get(FIRST), [change])
    assert await store.retention.prune(EXPIRED, 10) == 1
    assert await store.offer_sets.get(SET) is None
    assert await store.routes.of_offer_set(SET) == []
    assert await store.watches.history(FIRST) == []


async def test_a_set_without_offers_goes_by_its_age(store):
    await store.offer_sets.add(offer_set(), [], {})
    assert await store.retention.prune(NOW, 10) == 0
    assert await store.retention.prune(later(1), 10) == 1


async def test_an_offer_that_can_be_accepted_stays(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    await store.routes.mark(FIRST, SessionPhase.REJECTED)
    assert await store.retention.prune(later(300), 10) == 0
    await store.routes.mark(SECOND, SessionPhase.REJECTED)
    assert await store.retention.prune(later(300), 10) == 1


async def test_an_offer_that_never_expires_goes_by_the_age_of_its_set(store):
    endless = offer_set(offers=(offer(expires=None),))
    await store.offer_sets.add(endless, [], {})
    assert await store.retention.prune(NOW, 10) == 0
    assert await store.retention.prune(later(1), 10) == 1


async def test_an_undecided_acceptance_stays(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    await store.winners.claim(winner(FIRST), "a", later(30))
    assert await store.retention.prune(later(10**6), 10) == 0
    await store.winners.settle(winner(FIRST), WinnerState.LOST, [])
    assert await store.retention.prune(later(10**6), 10) == 1
    assert await store.winners.of_offer_set(SET) is None


async def test_an_accepted_session_stays_until_it_is_terminal(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND), [], {})
    await accept(store)
    assert await store.retention.prune(later(10**6), 10) == 0
    await store.watches.next_watch(FIRST, None)
    assert await store.retention.prune(later(10**6), 10) == 1


async def test_what_was_read_lately_stays(store):
    await store.offer_sets.add(offer_set(FIRST), [], {})
    await accept(store)
    route = await store.routes.get(FIRST)
    await store.routes.save_reading(replace(route, last_read=later(1000)), [])
    await store.watches.next_watch(FIRST, None)
    assert await store.retention.prune(later(1000), 10) == 0
    assert await store.retention.prune(later(1001), 10) == 1


async def test_no_more_go_than_asked_for_and_the_oldest_first(store):
    for age in (3, 1, 2):
        uuid = f"set-{age}"
        await store.offer_sets.add(
            offer_set(uuid=uuid, created=later(-age)), [release(uuid)], {}
        )
    assert await store.retention.prune(NOW, 2) == 2
    assert await store.offer_sets.get("set-1") is not None
    assert await store.retention.prune(NOW, 2) == 1
    assert await store.retention.prune(NOW, 2) == 0


@pytest.mark.parametrize(("seconds", "known"), [(9, 1), (10, 1), (11, 0)])
async def test_finished_releases_go_by_their_age(store, seconds, known):
    """A release that is still known isn't queued again."""
    await store.releases.queue([release(SECOND)], NOW)
    await store.releases.finish(release(SECOND), "released", later(10))
    await store.retention.prune(later(seconds), 10)
    await store.releases.queue([release(SECOND)], NOW)
    assert await store.releases.waiting() == 1 - known


async def test_a_release_that_waits_stays(store):
    await store.releases.queue([release()], NOW)
    await store.retention.prune(later(10**6), 10)
    assert await store.releases.waiting() == 1
