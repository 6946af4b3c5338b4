"""What is read of accepted sessions: what was promised, and what was seen."""

from dataclasses import replace

import pytest

from aggregator.domain.offers import Amount
from aggregator.domain.ranking.explanation import (
    Confidence,
    Estimate,
    PolicyIdentity,
    RankedOffer,
    Ranking,
)
from aggregator.domain.ranking.histories import Course, Promise, SessionHistory
from aggregator.domain.records import PhaseChange, WinnerState
from tests.support.stored_records import NOW, later, offer, offer_set, winner

ESTIMATE = Estimate(
    offered_start=120.0,
    data_ready=0.0,
    start=120.0,
    bytes_to_move=10**12,
    bytes_total=10**12,
    files_to_move=1,
    sources=("B_DISK",),
)


def explained(session, **changes):
    """Return the explanation of a ranking with one offer."""
    estimate = replace(ESTIMATE, **changes)
    one = RankedOffer(offer(session), 1, 0.0, 0, {}, estimate, "")
    return Ranking(PolicyIdentity("p", 1, "0"), NOW, (one,)).as_document()


async def accept(store, session, place=0, ranking=None, **members):
    uuid = f"set-of-{session}"
    won = winner(session, offer_set=uuid, since=later(place))
    kept = offer_set(
        session, uuid=uuid, ranking=ranking or explained(session), **members
    )
    await store.offer_sets.add(kept, [], {session: later(130)})
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [])


async def see(store, session, *changes):
    route = await store.routes.get(session)
    await store.routes.save_reading(
        route, [PhaseChange(session, what, phase, at) for what, phase, at in changes]
    )


async def test_what_was_promised_and_seen(store):
    await accept(store, "one", place=20)
    await see(
        store,
        "one",
        ("session", "PREPARING", later(30)),
        ("data/in", "PREPARING", later(30)),
        ("data/in", "AVAILABLE", later(2030)),
        ("storage/scratch", "AVAILABLE", later(31)),
        ("compute", "AVAILABLE", later(2100)),
    )
    [found] = await store.histories.read(["one", "none"])
    assert found == SessionHistory(
        "one",
        "lisboa",
        later(20),
        Promise(
            kind="docker-container",
            ranked=NOW,
            start=later(120),
            preparing=1.5,
            estimated=later(130),
            bytes_to_move=10**12,
            sources=("B_DISK",),
            is_sure=True,
            cores=4.0,
            available=600.0,
        ),
        Course(later(30), later(2100), later(30), later(2030)),
        user=("https://issuer.example", "ana"),
    )


@pytest.mark.parametrize(
    ("cores", "had"),
    [
        (Amount(2, 8), 8.0),
        (Amount(2), 2.0),
        (Amount(), 1.0),
        (Amount(0, 0), 1.0),
        (Amount(-3), 1.0),
    ],
)
async def test_what_was_used_and_by_whom(store, cores, had):
    groups = ("/srcnet/spain", "/srcnet/users")
    offered = replace(offer("one"), cores=cores, available=None)
    await accept(store, "one", offers=(offered,), groups=groups)
    await see(
        store,
        "one",
        ("session", "RUNNING", later(60)),
        ("executable", "COMPLETED", later(90)),
        ("session", "CANCELLED", later(120)),
    )
    [found] = await store.histories.read(["one"])
    assert found.groups == groups
    assert (found.promise.cores, found.promise.available) == (had, None)
    assert (found.course.started, found.course.ended) == (later(60), later(120))


@pytest.mark.parametrize(
    ("changes", "waits", "sure"),
    [
        ({"data_ready": 121.0}, True, True),
        ({"confidence": Confidence.LOW}, False, False),
        ({"bytes_from_tape": 1}, False, False),
    ],
)
async def test_what_ranking_expected(store, changes, waits, sure):
    await accept(store, "one", ranking=explained("one", **changes))
    [found] = await store.histories.read(["one"])
    assert (found.promise.waits_for_data, found.promise.is_sure) == (waits, sure)


async def test_an_offer_without_a_start_has_none(store):
    bare = replace(offer("one"), start=None, preparing=None)
    await accept(store, "one", offers=(bare,))
    [found] = await store.histories.read(["one"])
    assert (found.promise.start, found.promise.preparing) == (None, None)
    assert found.course == Course()


async def test_a_set_without_an_explanation_is_left_out(store):
    await accept(store, "one", ranking={"moment": "2026-03-01T12:00:00Z"})
    assert await store.histories.read(["one"]) == []


async def test_accepted_sessions_come_newest_first_and_only_so_many(store):
    for place, session in enumerate(("one", "two", "three")):
        await accept(store, session, place)
    await store.watches.next_watch("two", None)
    found = await store.histories.accepted(NOW, 9)
    assert list(found.items()) == [("three", True), ("two", False), ("one", True)]
    assert list(await store.histories.accepted(NOW, 2)) == ["three", "two"]
    assert list(await store.histories.accepted(later(1), 9)) == ["three", "two"]


async def test_more_sessions_than_are_read_at_once(store):
    names = [f"s-{number:02}" for number in range(25)]
    for name in names:
        await accept(store, name)
    found = {one.session for one in await store.histories.read(names)}
    assert found == set(names)


async def beside(store, *siblings, since=10):
    """Accept one of several offers: ``siblings`` are its estimates by session."""
    starts = {"taken": later(500), **dict(siblings)}
    await store.offer_sets.add(offer_set(*starts), [], starts)
    won = winner("taken", since=later(since))
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [])


async def test_the_earliest_alternative_is_the_best_estimate_of_a_sibling(store):
    await beside(store, ("late", later(900)), ("early", later(60)))
    assert await store.histories.earliest_alternative("taken") == later(60)
    assert await store.histories.earliest_alternative("early") is None


async def test_no_alternative_starts_before_the_acceptance(store):
    await beside(store, ("early", later(60)), since=200)
    assert await store.histories.earliest_alternative("taken") == later(200)


async def test_what_could_not_be_accepted_any_more_is_no_alternative(store):
    gone = replace(offer("gone"), expires=later(5))
    offers = (offer("taken"), gone, offer("refused"), offer("early"))
    starts = {"gone": later(20), "refused": later(30), "early": later(60)}
    await store.offer_sets.add(offer_set(offers=offers), [], starts)
    await see(store, "refused", ("session", "REJECTED", later(8)))
    won = winner("taken", since=later(10))
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [])
    await see(store, "early", ("session", "REJECTED", later(12)))
    assert await store.histories.earliest_alternative("taken") == later(60)


async def test_without_estimates_of_siblings_there_is_no_alternative(store):
    await store.offer_sets.add(offer_set("taken", "other"), [], {"taken": later(60)})
    won = winner("taken", since=later(10))
    await store.winners.claim(won, "a", later(30))
    await store.winners.settle(won, WinnerState.ACCEPTED, [])
    assert await store.histories.earliest_alternative("taken") is None
