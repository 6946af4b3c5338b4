"""What another policy would have made of a decision."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.domain.ranking.comparison import Choice, Tally, reconsidered, serves
from aggregator.domain.ranking.knowledge import Links, UserFacts
from aggregator.domain.ranking.replay import replay_inputs
from aggregator.domain.records import Decision
from tests.support.ranking import (
    GB,
    NOW,
    facts,
    knowing,
    located,
    offer,
    plain_policy,
    ranked,
    wanting,
)

KNOWLEDGE = knowing(
    facts("near"),
    facts("far"),
    data=(located("x", 100, "near_DISK"),),
    links=Links(default_gbps=8),
)
OFFERS = [offer("near", 1000), offer("far", 10)]
"""The far one starts after 60 + 2 + 100 s of staging."""

SOONEST = plain_policy()
NEAREST = plain_policy(weighers=[{"name": "data_moved", "rate_s_per_gb": 99}])


def decided(policy=NEAREST, offers=OFFERS, request=None, number=0, **members):
    request = request or wanting("x")
    moment = NOW + timedelta(seconds=number)
    ranking = ranked(policy, offers, request, KNOWLEDGE)
    return Decision(
        **{
            "offer_set": f"set-{number}",
            "version": 1,
            "moment": moment,
            "policy": policy.identity,
            "best": ranking.ranked[0].offer.session if ranking.ranked else None,
            "inputs": replay_inputs(request, "r-1", offers, KNOWLEDGE, NOW),
            **members,
        }
    )


def tally(policy, *decisions):
    found = Tally()
    for one in decisions:
        found.add(one, policy)
    return found.as_document()


def test_both_choices_are_estimated_by_the_policy_on_trial():
    change = reconsidered(decided(), SOONEST)
    assert change.before == Choice("near", "near-0", 1000.0, 0)
    assert change.after == Choice("far", "far-0", 162.0, 100 * GB)
    assert change.is_changed
    assert change.seconds_won == 838.0


def test_seconds_are_told_to_the_millisecond():
    late = decided(SOONEST, [offer("near", 10.12345), offer("far", 999)])
    assert reconsidered(late, SOONEST).before.start_s == 10.123


def test_the_policy_that_decided_changes_nothing():
    change = reconsidered(decided(), NEAREST)
    assert not change.is_changed
    assert change.before == change.after
    assert change.seconds_won == 0


def test_a_winner_that_is_filtered_out_now_is_still_compared():
    strict = plain_policy(filters=[{"name": "site_list", "deny": ["near"]}])
    change = reconsidered(decided(), strict)
    assert change.before == Choice("near", "near-0", 1000.0, 0)
    assert change.after.site == "far"


def test_a_winner_that_is_trimmed_now_is_still_compared():
    offers = [offer("near", 60 * n, n) for n in range(4)]
    late = decided(plain_policy(), offers, best="near-3")
    short = plain_policy(trim={"max_offers": 1})
    change = reconsidered(late, short)
    assert (change.before.session, change.after.session) == ("near-3", "near-0")
    assert change.seconds_won == 180.0


def test_no_offer_is_left_or_there_never_was_one():
    nobody = plain_policy(filters=[{"name": "site_list", "allow": ["other"]}])
    change = reconsidered(decided(), nobody)
    assert (change.after, change.is_changed, change.seconds_won) == (None, True, 0)
    empty = reconsidered(decided(offers=[]), SOONEST)
    assert (empty.before, empty.after, empty.is_changed) == (None, None, False)
    gained = reconsidered(decided(best=None), SOONEST)
    assert (gained.before, gained.after.site) == (None, "far")
    sums = tally(nobody, decided(), decided(offers=[]))
    assert (sums["offers_lost"], sums["offers_gained"], sums["changed"]) == (1, 0, 1)
    assert tally(SOONEST, decided(best=None))["offers_gained"] == 1


def test_seconds_and_bytes_are_summed_over_what_changed_only():
    won = [decided(number=n) for n in range(3)]
    same = decided(SOONEST, number=7)
    found = tally(SOONEST, *won, same)
    assert found["replayed"] == 4
    assert found["changed"] == found["earlier"] == 3
    assert found["seconds_won"] == 3 * 838.0
    assert (found["later"], found["seconds_lost"]) == (0, 0)
    assert (found["bytes_before"], found["bytes_after"]) == (0, 300 * GB)
    assert found["sites"] == [
        {"site": "far", "before": 1, "after": 4},
        {"site": "near", "before": 3, "after": 0},
    ]
    assert found["moves"] == [
        {
            "from": "near",
            "to": "far",
            "decisions": 3,
            "seconds_won": 3 * 838.0,
            "bytes_more": 300 * GB,
        }
    ]


def test_what_is_lost_is_not_set_off_against_what_is_won():
    found = tally(NEAREST, decided(SOONEST), decided(number=1))
    assert (found["later"], found["seconds_lost"]) == (1, 838.0)
    assert (found["earlier"], found["seconds_won"]) == (0, 0)
    assert found["moves"][0]["seconds_won"] == -838.0


def test_the_moves_of_most_decisions_come_first():
    few = decided(offers=[offer("near", 1000), offer("another", 0)])
    many = [decided(number=n + 1) for n in range(2)]
    moves = tally(SOONEST, few, *many)["moves"]
    assert [(one["to"], one["decisions"]) for one in moves] == [
        ("far", 2),
        ("another", 1),
    ]


def test_half_a_second_is_a_difference_too():
    sooner = tally(SOONEST, decided(offers=[offer("near", 162.5), offer("far", 10)]))
    assert (sooner["earlier"], sooner["seconds_won"]) == (1, 0.5)
    assert (sooner["later"], sooner["seconds_lost"]) == (0, 0)
    slower = plain_policy(weighers=[{"name": "data_moved", "rate_s_per_gb": 99}])
    soonest = decided(SOONEST, [offer("near", 162.5), offer("far", 10)])
    later = tally(slower, soonest)
    assert (later["later"], later["seconds_lost"]) == (1, 0.5)
    assert (later["earlier"], later["seconds_won"]) == (0, 0)


def test_the_changes_that_matter_most_are_told_one_by_one():
    decisions = [
        decided(offers=[offer("near", 1000 + n), offer("far", 10)], number=n)
        for n in range(120)
    ]
    changes = tally(SOONEST, *decisions)["changes"]
    assert len(changes) == 100
    assert changes[0]["offerset"] == "set-119"
    assert changes[0]["before"]["start_s"] == 1119.0
    assert changes[0]["seconds_won"] == 1119.0 - 162.0


@pytest.mark.parametrize(
    ("kinds", "served"),
    [(["*"], True), (["docker-*"], True), (["jupyter-notebook"], False)],
)
def test_decisions_about_requests_that_it_does_not_match_are_left_out(kinds, served):
    policy = plain_policy(match={"executable_kinds": kinds})
    assert serves(policy, decided()) is served
    found = tally(policy, decided())
    assert (found["replayed"], found["not_served"]) == (served, not served)


@pytest.mark.parametrize(
    ("groups", "served"),
    [(("/astronomers", "/x"), True), (("/operators",), False), ((), False)],
)
def test_decisions_of_users_whom_it_does_not_match_are_left_out(groups, served):
    knowledge = replace(KNOWLEDGE, user=UserFacts(groups))
    inputs = replay_inputs(wanting("x"), "r-1", OFFERS, knowledge, NOW)
    policy = plain_policy(match={"groups": ["/astro*"]})
    assert serves(policy, decided(inputs=inputs)) is served
    assert serves(SOONEST, decided(inputs=inputs))


def test_what_can_not_be_read_is_counted():
    found = tally(SOONEST, decided(inputs={"request": {"executable_kind": "x"}}))
    assert (found["replayed"], found["unreadable"]) == (0, 1)
