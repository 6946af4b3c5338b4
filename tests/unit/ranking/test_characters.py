"""The shipped policies have a character each: the same offers, ranked by all five."""

import pytest

from aggregator.domain.offers import Quote
from aggregator.domain.ranking.knowledge import Links
from tests.support.ranking import (
    ROOT,
    facts,
    knowing,
    located,
    offer,
    order_of,
    policy_file,
    ranked,
    wanting,
)

COST = "urn:ivoa:calycopis:cost"

SITES = ("near", "quick", "balanced", "wind", "free")
KNOWLEDGE = knowing(
    *(facts(name) for name in SITES),
    data=(
        located("x", 600, "near_DISK", "balanced_DISK"),
        located("y", 300, "near_DISK"),
    ),
    links=Links(default_gbps=10),
)
"""900 GB, of which ``near`` has all and ``balanced`` two thirds at hand."""


def quoted(money, grams, kwh):
    return (
        Quote(f"{COST}:monetary", max=money),
        Quote(f"{COST}:carbon", max=grams),
        Quote(f"{COST}:energy", max=kwh),
    )


OFFERS = [
    # Has the data, and a queue.
    offer("near", 3000, costs=quoted(0.5, 5000, 12)),
    # Idle, dear and dirty.
    offer("quick", 30, costs=quoted(4.0, 9000, 20)),
    # A little of everything.
    offer("balanced", 2400, costs=quoted(0.2, 4000, 10)),
    # Runs on wind, later.
    offer("wind", 7200, costs=quoted(1.5, 50, 6)),
    # Costs nothing, and has time for it.
    offer("free", 7000, costs=quoted(0.0, 6000, 14)),
]


def by(name):
    policy = policy_file(ROOT / "config" / "ranking" / f"{name}.yaml")
    return ranked(policy, OFFERS, wanting("x", "y"), KNOWLEDGE)


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("default", ["balanced", "near", "quick", "free", "wind"]),
        ("interactive", ["quick", "balanced", "near", "free", "wind"]),
        ("data-heavy", ["near", "balanced", "quick", "free", "wind"]),
        ("green", ["wind", "balanced", "near", "free", "quick"]),
        ("cheapest", ["free", "balanced", "near", "wind", "quick"]),
    ],
)
def test_the_same_offers_by_each_policy(policy, order):
    assert [one.offer.site for one in by(policy).ranked] == order


def test_each_has_a_winner_of_its_own():
    policies = ("default", "interactive", "data-heavy", "green", "cheapest")
    assert {by(policy).ranked[0].offer.site for policy in policies} == set(SITES)


def test_a_site_that_quotes_nothing_wins_nothing_by_its_silence():
    silent = [offer("near", 60), offer("wind", 60, costs=quoted(0.5, 1000, 5))]
    for name in ("green", "cheapest"):
        policy = policy_file(ROOT / "config" / "ranking" / f"{name}.yaml")
        assert order_of(ranked(policy, silent)) == ["wind-0", "near-0"]


def test_much_data_is_moved_only_where_there_is_nothing_else():
    policy = policy_file(ROOT / "config" / "ranking" / "data-heavy.yaml")
    knowledge = knowing(
        facts("near"), facts("quick"), data=(located("x", 25_000, "near_DISK"),)
    )
    far = offer("quick", 0)
    near = offer("near", 6 * 86400)
    both = ranked(policy, [far, near], wanting("x"), knowledge)
    assert order_of(both) == ["near-0"]
    assert order_of(ranked(policy, [far], wanting("x"), knowledge)) == ["quick-0"]
