"""What sites hold for users, and which offers expired with nobody wanting them."""

import asyncio
from collections import Counter

import pytest

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import PhaseChange, WinnerState
from aggregator.domain.tallies import SiteHoldings
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    THIRD,
    later,
    offer,
    offer_set,
    release,
    winner,
)

EXPIRY = 300
"""Seconds after which the offers of ``stored_records`` expire."""


@pytest.fixture
async def holdings(store):
    """The counts of a store whose first count is behind it."""
    assert await store.holdings.expired_unused(NOW) == {}
    return store.holdings


async def keep(store, *sessions, **members):
    await store.offer_sets.add(offer_set(*sessions, **members), [], {})


async def see(store, session, phase, seen):
    route = await store.routes.get(session)
    change = PhaseChange(session, "session", phase, seen)
    await store.routes.save_reading(route, [change])


async def test_offers_expire_unused_by_site_and_are_counted_once(store, holdings):
    elsewhere = offer(THIRD, site="madrid")
    offers = (offer(FIRST), offer(SECOND), elsewhere)
    await keep(store, offers=offers)
    assert await holdings.expired_unused(later(EXPIRY - 1)) == {}
    counted = await holdings.expired_unused(later(EXPIRY))
    assert counted == {"lisboa": 2, "madrid": 1}
    assert await holdings.expired_unused(later(EXPIRY)) == {}
    assert await holdings.expired_unused(later(EXPIRY + 60)) == {}


async def test_a_clock_that_is_behind_counts_nothing_again(store, holdings):
    await keep(store, FIRST)
    assert await holdings.expired_unused(later(EXPIRY)) == {"lisboa": 1}
    assert await holdings.expired_unused(later(EXPIRY - 10)) == {}
    assert await holdings.expired_unused(later(EXPIRY + 1)) == {}


async def test_what_was_accepted_and_its_siblings_did_not_expire_unused(
    store, holdings
):
    await keep(store, FIRST, SECOND)
    won = winner(FIRST)
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [release(SECOND)])
    assert await holdings.expired_unused(later(EXPIRY)) == {}


async def test_what_was_being_accepted_did_not_expire_unused(store, holdings):
    await keep(store, FIRST, SECOND)
    await store.winners.claim(winner(FIRST), "a", later(30))
    assert await holdings.expired_unused(later(EXPIRY)) == {"lisboa": 1}


async def test_what_its_user_rejected_did_not_expire_unused(store, holdings):
    await keep(store, FIRST, SECOND)
    await store.routes.mark(FIRST, SessionPhase.REJECTED, [release(FIRST)])
    await store.routes.mark(SECOND, SessionPhase.EXPIRED)
    assert await holdings.expired_unused(later(EXPIRY)) == {"lisboa": 1}


async def test_what_its_site_took_back_did_not_expire_unused(store, holdings):
    await keep(store, FIRST, SECOND)
    await see(store, FIRST, "REJECTED", later(5))
    await see(store, SECOND, "EXPIRED", later(5))
    assert await holdings.expired_unused(later(EXPIRY)) == {"lisboa": 1}


async def test_offers_without_an_expiry_never_expire(store, holdings):
    await keep(store, offers=(offer(FIRST, expires=None),))
    assert await holdings.expired_unused(later(10**7)) == {}


async def test_what_expired_before_the_first_count_is_not_counted(store):
    await keep(store, FIRST)
    assert await store.holdings.expired_unused(later(EXPIRY + 1)) == {}
    assert await store.holdings.expired_unused(later(EXPIRY + 2)) == {}


async def test_replicas_count_each_expired_offer_once(three_stores):
    first, *_ = three_stores
    sessions = [f"session-{number:02}" for number in range(40)]
    offers = [offer(s, expires=later(n + 1)) for n, s in enumerate(sessions)]
    await first.holdings.expired_unused(NOW)
    await keep(first, offers=tuple(offers))
    counted = Counter()
    for moment in range(5, 45, 5):
        for found in await asyncio.gather(
            *(store.holdings.expired_unused(later(moment)) for store in three_stores)
        ):
            counted.update(found)
    assert counted == {"lisboa": 40}


async def test_readings_of_sessions_that_ended_do_not_age(store, holdings):
    await keep(store, FIRST)
    won = winner(FIRST)
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [])
    assert (await holdings.of_sites(later(60)))["lisboa"].oldest_reading == NOW
    await see(store, FIRST, "FAILED", later(70))
    assert await holdings.of_sites(later(80)) == {}


async def test_sites_hold_open_offers_and_followed_sessions(store, holdings):
    for place, session in enumerate((FIRST, SECOND, THIRD)):
        uuid = f"set-{place}"
        await keep(store, session, uuid=uuid)
        won = winner(session, offer_set=uuid)
        await store.winners.claim(won, "a", later(30))
        await store.winners.settle(won, WinnerState.ACCEPTED, [])
    await keep(store, offers=(offer("open", site="madrid"),), uuid="set-open")
    await see(store, FIRST, "ACCEPTED", later(1))
    await see(store, FIRST, "RUNNING", later(3))
    await see(store, SECOND, "ACCEPTED", later(2))
    assert await holdings.of_sites(later(10)) == {
        "lisboa": SiteHoldings(
            0,
            {
                SessionPhase.RUNNING: 1,
                SessionPhase.ACCEPTED: 1,
                SessionPhase.OFFERED: 1,
            },
            NOW,
        ),
        "madrid": SiteHoldings(1),
    }
    await see(store, FIRST, "COMPLETED", later(20))
    held = await holdings.of_sites(later(EXPIRY + 1))
    assert held["lisboa"].sessions == {
        SessionPhase.ACCEPTED: 1,
        SessionPhase.OFFERED: 1,
    }
    assert "madrid" not in held
    assert await holdings.known_sessions() == 4
