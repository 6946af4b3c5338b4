"""Replicas race for one database: whatever the order, the outcome is one of few."""

import asyncio
from dataclasses import replace

import pytest

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import RequestClaim, WinnerState
from aggregator.store.sql_store import open_store
from aggregator.store.winners import _claim
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

ROUNDS = 5
SESSIONS = [f"session-{number:02}" for number in range(12)]


async def test_one_of_many_claims_wins(three_stores):
    for number in range(ROUNDS):
        uuid = f"set-{number}"
        sessions = [f"{uuid}-{session}" for session in SESSIONS]
        await three_stores[0].offer_sets.add(offer_set(*sessions, uuid=uuid), [], {})
        claims = [winner(session, offer_set=uuid) for session in sessions]
        got = await asyncio.gather(
            *(
                three_stores[place % 3].winners.claim(claim, "a", later(30))
                for place, claim in enumerate(claims)
            )
        )
        assert sum(one is claim for one, claim in zip(got, claims, strict=True)) == 1
        assert len(set(map(str, got))) == 1


async def test_one_of_many_tasks_in_one_process_wins(store):
    await store.offer_sets.add(offer_set(*SESSIONS), [], {})
    claims = [winner(session) for session in SESSIONS]
    got = await asyncio.gather(
        *(store.winners.claim(claim, "a", later(30)) for claim in claims)
    )
    assert sum(one is claim for one, claim in zip(got, claims, strict=True)) == 1


async def test_a_late_answer_joins_or_the_set_is_closed_but_not_both(three_stores):
    late, accepting, _ = three_stores
    for number in range(ROUNDS):
        uuid, first, second = f"set-{number}", f"first-{number}", f"second-{number}"
        await late.offer_sets.add(offer_set(first, uuid=uuid), [], {})
        grown = offer_set(first, second, uuid=uuid, version=2)
        joined, _ = await asyncio.gather(
            late.offer_sets.replace(grown, [], {}),
            accepting.winners.claim(winner(first, offer_set=uuid), "a", later(30)),
        )
        kept = await late.offer_sets.get(uuid)
        assert not kept.open
        assert len(kept.offers) == (2 if joined else 1)
        assert (await late.routes.get(second) is not None) == joined


async def test_of_two_late_answers_one_has_to_read_again(three_stores):
    first, second, _ = three_stores
    await first.offer_sets.add(offer_set(FIRST), [], {})
    done = await asyncio.gather(
        first.offer_sets.replace(offer_set(FIRST, SECOND, version=2), [], {}),
        second.offer_sets.replace(offer_set(FIRST, THIRD, version=2), [], {}),
    )
    assert sorted(done) == [False, True]
    assert len(await first.routes.of_offer_set(SET)) == 2


async def test_a_release_is_leased_to_one_replica(three_stores):
    releases = [release(session) for session in SESSIONS]
    await three_stores[0].releases.queue(releases, NOW)
    batches = await asyncio.gather(
        *(
            three_stores[place % 3].releases.lease(f"r{place}", NOW, later(30), 3)
            for place in range(9)
        )
    )
    leased = [release.session for batch in batches for release in batch]
    assert len(leased) == len(set(leased))
    rest = await three_stores[0].releases.lease("last", NOW, later(30), 99)
    assert sorted(leased + [release.session for release in rest]) == SESSIONS


async def test_an_abandoned_acceptance_is_taken_over_by_one_replica(three_stores):
    await three_stores[0].offer_sets.add(offer_set(FIRST), [], {})
    await three_stores[0].winners.claim(winner(FIRST), "gone", later(1))
    taken = await asyncio.gather(
        *(
            store.winners.accepting(f"r{place}", later(60), later(2))
            for place, store in enumerate(three_stores * 3)
        )
    )
    assert sum(map(len, taken)) == 1


async def test_a_key_that_is_given_up_while_others_claim_it_is_theirs(postgresql_url):
    """A claim that is in the way of another's may be gone when that looks for it."""

    async def claim_and_give_up(store, name):
        for number in range(100):
            claim = RequestClaim("iss", "sub", "key", "hash", f"{name}-{number}", NOW)
            kept = await store.request_claims.claim(claim, NOW)
            if kept == claim:
                await store.request_claims.give_up(claim)

    async with open_store(postgresql_url) as one, open_store(postgresql_url) as other:
        async with asyncio.TaskGroup() as group:
            for place in range(8):
                store = (one, other)[place % 2]
                group.create_task(claim_and_give_up(store, f"r{place}"))
        claim = RequestClaim("iss", "sub", "key", "hash", "last", NOW)
        assert await one.request_claims.claim(claim, NOW) == claim


async def test_everything_at_once_on_one_set_ends_in_order(three_stores):
    """Claims, withdrawals, marks, readings and settling don't block one another."""
    await three_stores[0].offer_sets.add(offer_set(*SESSIONS), [], {})
    routes = await three_stores[0].routes.of_offer_set(SET)

    async def accept(store, session):
        claim = winner(session)
        if await store.winners.claim(claim, session, later(30)) is not claim:
            return False
        if session != SESSIONS[-1]:
            await store.winners.withdraw(claim)
            return False
        losers = [release(other) for other in SESSIONS if other != session]
        return await store.winners.settle(claim, WinnerState.ACCEPTED, losers)

    async def read(store, route):
        await store.routes.save_reading(replace(route, last_read=later(1)), [])

    async def keep_trying(store):
        while not await accept(store, SESSIONS[-1]):
            pass

    async with asyncio.TaskGroup() as group:
        for place, route in enumerate(routes):
            group.create_task(read(three_stores[place % 3], route))
            group.create_task(accept(three_stores[place % 3 - 1], route.session))
        group.create_task(keep_trying(three_stores[2]))

    won = await three_stores[0].winners.of_offer_set(SET)
    assert (won.session, won.state) == (SESSIONS[-1], WinnerState.ACCEPTED)
    after = await three_stores[0].routes.of_offer_set(SET)
    assert [route.overlay is None for route in after] == [False] * 11 + [True]
    assert await three_stores[0].releases.waiting() == 11


@pytest.mark.parametrize("what", [SessionPhase.REJECTED, SessionPhase.CANCELLED])
async def test_a_rejection_that_waited_for_a_claim_knows_of_it(postgresql_url, what):
    """The statement began before the claim was committed, and goes on after it."""
    async with open_store(postgresql_url) as store, open_store(postgresql_url) as other:
        uuid, session = f"set-{what}", f"session-{what}"
        await store.offer_sets.add(offer_set(session, uuid=uuid), [], {})
        claim = winner(session, offer_set=uuid)
        async with other.database.writing() as connection:
            assert await _claim(connection, claim, "other", later(30)) == claim
            marking = asyncio.create_task(
                store.routes.mark(session, what, [release(session)])
            )
            done, _ = await asyncio.wait({marking}, timeout=0.3)
            assert not done
        rejected = what is SessionPhase.REJECTED
        assert await marking is not rejected
        route = await store.routes.get(session)
        assert route.overlay == (None if rejected else what)
