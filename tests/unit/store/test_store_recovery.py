import asyncio
from dataclasses import replace

import pytest

from aggregator.domain.principal import OPERATORS
from aggregator.domain.records import WinnerState
from tests.support.stored_records import FIRST, NOW, SET, later, offer_set, winner

FOUND = "7d1a6ab8-3f60-4b8e-9a5d-0d6a63a3f0ff"


def found(**members):
    return offer_set(FIRST, uuid=FOUND, open=False, **members)


def won(state=WinnerState.ACCEPTED):
    return winner(offer_set=FOUND, state=state, give_up=None)


@pytest.mark.parametrize("state", [WinnerState.ACCEPTED, WinnerState.LOST])
async def test_what_was_found_is_kept_with_its_winner_and_watched(store, state):
    route = await store.recovery.keep(found(), won(state))
    assert route == await store.routes.get(FIRST)
    assert (route.offer_set, route.site, route.subject) == (FOUND, "lisboa", "ana")
    assert await store.offer_sets.get(FOUND) == found()
    assert await store.winners.of_offer_set(FOUND) == won(state)
    assert await store.watches.lease_watches("a", NOW, later(30), 9) == [route]


async def test_what_has_a_route_stays_as_it_is(store):
    kept = offer_set(FIRST)
    await store.offer_sets.add(kept, [], {})
    route = await store.routes.get(FIRST)
    assert await store.recovery.keep(found(subject="bob"), won()) == route
    assert await store.offer_sets.get(SET) == kept
    assert await store.offer_sets.get(FOUND) is None
    assert await store.winners.of_offer_set(FOUND) is None


async def test_what_is_the_operators_can_be_given_away_once(store):
    operators = {"issuer": OPERATORS.issuer, "subject": OPERATORS.subject}
    await store.recovery.keep(found(**operators), won())
    again = await store.recovery.keep(found(**operators), won())
    assert (again.issuer, again.subject) == ("operators", "")
    given = await store.recovery.keep(found(subject="bob"), won())
    assert given == await store.routes.get(FIRST)
    assert given.subject == "bob"
    assert (await store.offer_sets.get(FOUND)).subject == "bob"
    late = await store.recovery.keep(found(subject="ana"), won())
    assert late.subject == "bob"


async def test_replicas_that_find_it_at_once_keep_it_once(three_stores):
    routes = await asyncio.gather(
        *(
            store.recovery.keep(replace(found(), created=later(place)), won())
            for place, store in enumerate(three_stores * 3)
        )
    )
    assert len({(route.session, route.last_read) for route in routes}) == 1
    [leased] = await three_stores[0].watches.lease_watches("a", NOW, later(30), 9)
    assert leased == routes[0]
