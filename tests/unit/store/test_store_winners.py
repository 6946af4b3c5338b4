from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from aggregator.domain.errors import UnknownResource
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import WinnerState
from aggregator.ports.store import SessionOverlaid
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    THIRD,
    later,
    offer_set,
    release,
    winner,
)

ACCEPTED, ACCEPTING, LOST = (
    WinnerState.ACCEPTED,
    WinnerState.ACCEPTING,
    WinnerState.LOST,
)


@pytest.fixture
async def winners(store):
    await store.offer_sets.add(offer_set(FIRST, SECOND, THIRD), [], {})
    return store.winners


async def is_open(store):
    return (await store.offer_sets.get(SET)).open


async def overlays(store):
    return [route.overlay for route in await store.routes.of_offer_set(SET)]


async def test_a_claim_makes_the_winner_and_closes_the_set(store, winners):
    claimed = winner(SECOND)
    assert await winners.claim(claimed, "a", later(30)) is claimed
    assert await winners.of_offer_set(SET) == claimed
    assert not await is_open(store)


async def test_a_second_claim_gets_the_winner_that_is_there(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    assert await winners.claim(winner(SECOND), "b", later(30)) == winner(FIRST)
    assert await winners.of_offer_set(SET) == winner(FIRST)


async def test_the_same_claim_again_is_told_from_the_first(winners):
    claimed = winner(FIRST)
    await winners.claim(claimed, "a", later(30))
    again = await winners.claim(claimed, "a", later(30))
    assert again == claimed
    assert again is not claimed


async def test_an_unknown_set_can_not_be_claimed(store):
    with pytest.raises(UnknownResource):
        await store.winners.claim(winner(), "a", later(30))
    assert await store.winners.of_offer_set(SET) is None


async def test_a_withdrawn_winner_reopens_the_set(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST))
    assert await winners.of_offer_set(SET) is None
    assert await is_open(store)
    assert (await store.offer_sets.get(SET)).version == 3
    second = winner(SECOND)
    assert await winners.claim(second, "a", later(30)) is second


async def test_a_winner_of_another_session_is_not_withdrawn(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(SECOND))
    assert await winners.of_offer_set(SET) == winner(FIRST)
    assert not await is_open(store)


async def test_the_release_of_a_refused_offer_is_queued_with_the_withdrawal(
    store, winners
):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST), [release(FIRST)])
    assert await store.releases.lease("a", NOW, later(30), 9) == [release(FIRST)]


async def test_what_is_released_when_it_is_withdrawn_is_never_accepted(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST), [release(FIRST)])
    assert await overlays(store) == [SessionPhase.REJECTED, None, None]
    with pytest.raises(SessionOverlaid):
        await winners.claim(winner(FIRST, since=later(1)), "a", later(30))
    assert not await winners.settle(winner(FIRST), ACCEPTED, [])
    assert await winners.of_offer_set(SET) is None
    assert await is_open(store)


async def test_a_later_claim_of_a_session_is_not_withdrawn(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST))
    again = winner(FIRST, since=later(1))
    await winners.claim(again, "a", later(30))
    await winners.withdraw(winner(FIRST), [release(FIRST)])
    assert await winners.of_offer_set(SET) == again
    assert await store.releases.waiting() == 0
    assert not await is_open(store)


async def test_what_a_sibling_overtook_is_released(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST))
    await winners.claim(winner(SECOND), "b", later(30))
    await winners.withdraw(winner(FIRST), [release(FIRST)])
    assert await winners.of_offer_set(SET) == winner(SECOND)
    assert await store.releases.lease("a", NOW, later(30), 9) == [release(FIRST)]


@pytest.mark.parametrize("state", [ACCEPTED, LOST])
async def test_a_settled_winner_is_not_withdrawn(store, winners, state):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.settle(winner(FIRST), state, [])
    await winners.withdraw(winner(FIRST), [release(FIRST)])
    assert (await winners.of_offer_set(SET)).state is state
    assert await overlays(store) == (
        [None, SessionPhase.REJECTED, SessionPhase.REJECTED]
        if state is ACCEPTED
        else [None, None, None]
    )
    assert await store.releases.waiting() == 0
    assert not await is_open(store)


async def test_an_accepted_winner_makes_losers_releases_and_a_watch(store, winners):
    await store.routes.mark(THIRD, SessionPhase.EXPIRED)
    await winners.claim(winner(FIRST), "a", later(30))
    assert await winners.settle(winner(FIRST), ACCEPTED, [release(SECOND)])
    assert await winners.of_offer_set(SET) == winner(FIRST, state=ACCEPTED)
    assert await overlays(store) == [None, SessionPhase.REJECTED, SessionPhase.EXPIRED]
    assert await store.releases.lease("a", NOW, later(30), 9) == [release(SECOND)]
    watched = await store.watches.lease_watches("a", NOW, later(30), 9)
    assert [route.session for route in watched] == [FIRST]


async def test_settling_twice_changes_nothing_more(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.settle(winner(FIRST), ACCEPTED, [release(SECOND)])
    await store.releases.finish(release(SECOND), "released", NOW)
    version = (await store.offer_sets.get(SET)).version
    assert await winners.settle(winner(FIRST), ACCEPTED, [release(SECOND)])
    assert await store.releases.waiting() == 0
    assert (await store.offer_sets.get(SET)).version == version


async def test_a_lost_winner_marks_no_losers_and_is_watched(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    assert await winners.settle(winner(FIRST), LOST, [])
    assert (await winners.of_offer_set(SET)).state is LOST
    assert await overlays(store) == [None, None, None]
    [watched] = await store.watches.lease_watches("a", NOW, later(30), 9)
    assert watched.session == FIRST
    assert not await is_open(store)


async def test_a_lost_winner_can_be_adopted(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.settle(winner(FIRST), LOST, [])
    assert await winners.settle(winner(FIRST), ACCEPTED, [release(SECOND)])
    assert (await winners.of_offer_set(SET)).state is ACCEPTED
    assert await store.releases.waiting() == 1


async def test_an_accepted_winner_is_never_lost(winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.settle(winner(FIRST), ACCEPTED, [])
    assert not await winners.settle(winner(FIRST), LOST, [])
    assert (await winners.of_offer_set(SET)).state is ACCEPTED


async def test_what_a_site_took_after_all_wins_where_nobody_else_did(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.withdraw(winner(FIRST))
    assert not await winners.settle(winner(FIRST), LOST, [])
    assert await winners.settle(winner(FIRST), ACCEPTED, [])
    assert await winners.of_offer_set(SET) == winner(FIRST, state=ACCEPTED)
    assert not await is_open(store)


async def test_where_another_won_nothing_is_settled(store, winners):
    await winners.claim(winner(SECOND), "a", later(30))
    assert not await winners.settle(winner(FIRST), ACCEPTED, [release(SECOND)])
    assert await winners.of_offer_set(SET) == winner(SECOND)
    assert await overlays(store) == [None, None, None]
    assert await store.releases.waiting() == 0


async def test_nothing_is_settled_in_a_set_that_is_gone(store):
    assert not await store.winners.settle(winner(), ACCEPTED, [release()])
    assert await store.releases.waiting() == 0


async def test_settling_is_all_or_nothing(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    broken = replace(release(SECOND), reason=None)
    with pytest.raises(IntegrityError):
        await winners.settle(winner(FIRST), ACCEPTED, [broken])
    assert await winners.of_offer_set(SET) == winner(FIRST)
    assert await overlays(store) == [None, None, None]
    assert await store.watches.lease_watches("a", NOW, later(30), 9) == []


async def test_an_abandoned_acceptance_is_leased_once(winners):
    await winners.claim(winner(FIRST), "a", later(30))
    assert await winners.accepting("b", later(59), later(29)) == []
    assert await winners.accepting("b", later(60), later(30)) == [winner(FIRST)]
    assert await winners.accepting("c", later(60), later(31)) == []
    assert await winners.accepting("c", later(90), later(60)) == [winner(FIRST)]


async def test_a_lease_is_extended_by_its_holder_only(winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.extend(SET, "a", later(60))
    await winners.extend(SET, "b", later(900))
    assert await winners.accepting("b", later(90), later(59)) == []
    assert await winners.accepting("b", later(90), later(60)) == [winner(FIRST)]


async def test_a_settled_acceptance_is_not_leased(winners):
    await winners.claim(winner(FIRST), "a", later(30))
    await winners.settle(winner(FIRST), LOST, [])
    assert await winners.accepting("b", later(990), later(900)) == []


async def test_what_its_user_rejected_can_not_win(store, winners):
    await store.routes.mark(FIRST, SessionPhase.REJECTED)
    with pytest.raises(SessionOverlaid) as caught:
        await winners.claim(winner(FIRST), "a", later(30))
    assert caught.value.phase is SessionPhase.REJECTED
    assert await is_open(store)
    assert await winners.of_offer_set(SET) is None


async def test_a_winner_can_not_be_rejected_but_cancelled(store, winners):
    await winners.claim(winner(FIRST), "a", later(30))
    assert not await store.routes.mark(FIRST, SessionPhase.REJECTED)
    assert await overlays(store) == [None, None, None]
    assert await store.routes.mark(FIRST, SessionPhase.CANCELLED)
