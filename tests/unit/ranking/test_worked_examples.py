"""Worked examples, number by number: the rates of a policy are its character."""

from dataclasses import replace

import pytest

from aggregator.domain.ranking.knowledge import Links
from tests.support.ranking import (
    DATA,
    by_site,
    facts,
    knowing,
    located,
    offer,
    order_of,
    policy_file,
    quotes,
    ranked,
    wanting,
    with_data_rules,
)

ONE_PERCENT = {"failures": 1, "calls": 180}


@pytest.fixture
def policy():
    return policy_file(DATA / "worked-examples.yaml")


def moving_at(policy, rate):
    weighers = tuple(
        replace(one, rate_s_per_gb=rate) if one.name == "data_moved" else one
        for one in policy.weighers
    )
    return replace(policy, weighers=weighers)


def early_without_data_or_late_with_data(policy, gbps, rate):
    knowledge = knowing(
        facts("A", **ONE_PERCENT),
        facts("B", **ONE_PERCENT),
        data=(located("x", 2000, "B_DISK"),),
        links=Links(table={("B", "A"): gbps}),
    )
    return ranked(
        moving_at(with_data_rules(policy, per_file_s=0), rate),
        [offer("A", 300), offer("B", 3600)],
        wanting("x"),
        knowledge,
    )


@pytest.mark.parametrize(
    ("link", "rate", "expected", "winner"),
    [
        (5, 0.2, (3260, 3678, 30), "B"),
        (5, 0.0, (3260, 3278, 27), "A"),
        (1, 0.2, (16060, 16478, 137), "B"),
    ],
)
def test_an_early_start_without_the_data_against_a_late_one_with_them(
    policy, link, rate, expected, winner
):
    ranking = early_without_data_or_late_with_data(policy, link, rate)
    a, b = by_site(ranking)["A"], by_site(ranking)["B"]
    assert a.estimate.data_ready == a.estimate.start
    assert (a.estimate.start, round(a.delay, 6), a.bucket) == expected
    assert (b.estimate.data_ready, b.estimate.start) == (0, 3600)
    assert (round(b.delay, 6), b.bucket) == (3618, 30)
    assert ranking.ranked[0].offer.site == winner


@pytest.mark.parametrize(("gbps", "earlier"), [(4.51, "B"), (4.53, "A")])
def test_the_link_speed_at_which_both_could_start_at_once(policy, gbps, earlier):
    ranking = early_without_data_or_late_with_data(policy, gbps, 0.0)
    starts = {site: one.estimate.start for site, one in by_site(ranking).items()}
    assert min(starts, key=starts.__getitem__) == earlier


def test_health_cost_and_preference_without_data(policy):
    knowledge = knowing(
        facts("A"),
        facts("B", failures=2, calls=380),
        facts("C", failures=40, calls=180),
        facts("D", failures=1, calls=480),
    )
    free = quotes(money=0)
    offers = [
        offer("A", 600, costs=free),
        offer("B", 480, costs=quotes(money=0.5)),
        offer("C", 420, costs=free),
        offer("D", 900, costs=free),
    ]
    ranking = ranked(policy, offers, knowledge=knowledge)
    table = {
        site: (
            one.seconds["cost"],
            round(one.seconds["failure_risk"], 9),
            one.seconds["preference"],
            round(one.delay, 9),
            one.bucket,
            one.rank,
        )
        for site, one in by_site(ranking).items()
    }
    assert table == {
        "A": (0, 90, 0, 690, 5, 2),
        "B": (300, 13.5, 0, 793.5, 6, 4),
        "C": (0, 369, 0, 789, 6, 3),
        "D": (0, 7.2, -300, 607.2, 5, 1),
    }
    assert order_of(ranking) == ["D-0", "A-0", "C-0", "B-0"]


def partial_replicas_tape_and_two_sources(policy):
    knowledge = knowing(
        facts("A", ingest_gbps=10, **ONE_PERCENT),
        facts("B", **ONE_PERCENT),
        facts("C", ingest_gbps=5, **ONE_PERCENT),
        data=(
            located("x", 450, "A_DISK", "B_TAPE", files=225),
            located("y", 150, "B_DISK", files=75),
        ),
        links=Links(table={("B", "A"): 2, ("A", "C"): 4, ("B", "C"): 2}),
    )
    offers = [offer("A", 1200), offer("B", 600), offer("C", 120)]
    return ranked(policy, offers, wanting("x", "y"), knowledge)


def test_partial_replicas_tape_and_two_sources(policy):
    ranking = partial_replicas_tape_and_two_sources(policy)
    table = {
        site: (
            one.estimate.bytes_to_move // 10**9,
            one.estimate.data_ready - 60,
            one.estimate.start,
            round(one.seconds["data_moved"], 9),
            round(one.seconds["failure_risk"], 9),
            round(one.delay, 9),
            one.bucket,
            one.rank,
        )
        for site, one in by_site(ranking).items()
    }
    assert table == {
        "A": (150, 608, 1200, 30, 18, 1248, 10, 2),
        "B": (0, 2400, 2460, 0, 18, 2478, 20, 3),
        "C": (600, 990, 1050, 120, 18, 1188, 9, 1),
    }


def test_a_dearer_network_lets_the_site_win_that_has_most_of_the_data(policy):
    ranking = partial_replicas_tape_and_two_sources(moving_at(policy, 0.5))
    found = [
        (one.offer.site, round(one.delay, 9), one.bucket) for one in ranking.ranked
    ]
    assert found == [("A", 1293, 10), ("C", 1368, 11), ("B", 2478, 20)]
