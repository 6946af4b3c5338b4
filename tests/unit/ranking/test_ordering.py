"""Buckets, ties, trimming."""

from collections import Counter
from dataclasses import replace

import pytest

from aggregator.domain.ranking.ordering import rendezvous_hash
from tests.support.ranking import (
    facts,
    knowing,
    located,
    offer,
    order_of,
    plain_policy,
    quotes,
    ranked,
    wanting,
)

FREE_COST = {"name": "cost", "rate_s_per_unit": 0, "missing": 0}


def test_delays_within_a_bucket_are_equal_and_the_next_key_decides():
    policy = plain_policy(
        weighers=[{"name": "time_to_start"}, FREE_COST],
        order={"bucket_s": 100},
        tiebreak=["cost"],
    )
    dear, cheap = offer("A", 100, costs=quotes(m=2)), offer("B", 199, costs=quotes(m=1))
    assert order_of(ranked(policy, [dear, cheap])) == ["B-0", "A-0"]
    late = offer("B", 200, costs=quotes(m=1))
    assert order_of(ranked(policy, [dear, late])) == ["A-0", "B-0"]


def test_the_edge_of_a_bucket_does_not_depend_on_how_floats_add_up():
    weighers = [
        {"name": "time_to_start"},
        {"name": "preference", "other_sites_s": 119.8},
        {"name": "preference", "other_sites_s": 0.1, "label": "second"},
    ]
    one = ranked(plain_policy(weighers=weighers), [offer("A", 0.1)]).ranked[0]
    assert sum(one.seconds.values()) < 120
    assert (one.delay, one.bucket) == (120, 1)


def test_offers_of_one_site_within_a_bucket_go_by_start_then_by_position():
    offers = [offer("A", 30, 0), offer("A", 10, 2), offer("A", 10, 1)]
    assert order_of(ranked(plain_policy(), offers)) == ["A-1", "A-2", "A-0"]


def test_where_data_decide_the_start_the_offered_start_still_breaks_the_tie():
    knowledge = knowing(facts("A"), facts("B"), data=(located("x", 100, "B_DISK"),))
    offers = [offer("A", 60, 0), offer("A", 10, 1)]
    found = ranked(plain_policy(), offers, wanting("x"), knowledge)
    assert order_of(found) == ["A-1", "A-0"]


def test_equal_sites_share_the_first_place_over_many_requests():
    offers = [offer(site, 5) for site in "ABCD"]
    firsts = Counter(
        order_of(ranked(plain_policy(), offers, request_id=f"request-{number}"))[0]
        for number in range(400)
    )
    assert set(firsts) == {"A-0", "B-0", "C-0", "D-0"}
    assert min(firsts.values()) > 60


def test_the_hash_depends_on_request_and_site_and_on_nothing_else():
    assert rendezvous_hash("r", "s") == rendezvous_hash("r", "s")
    assert len({rendezvous_hash(r, s) for r in ("r", "rs") for s in ("s", "")}) == 4


def test_lexicographic_order_by_the_seconds_of_one_weigher_after_the_other():
    weighers = [
        {"name": "time_to_start"},
        {"name": "data_moved", "rate_s_per_gb": 1},
        FREE_COST,
    ]
    knowledge = knowing(facts("A"), facts("B"), data=(located("x", 500, "B_DISK"),))
    offers = [offer("A", 0), offer("B", 9000)]

    def first(**order):
        policy = plain_policy(
            weighers=weighers, order={"method": "lexicographic", **order}
        )
        return order_of(ranked(policy, offers, wanting("x"), knowledge))[0]

    assert first(keys=["data_moved", "time_to_start"]) == "B-0"
    assert first(keys=["time_to_start", "data_moved"]) == "A-0"
    assert first(keys=["data_moved", "time_to_start"], bucket_s=501) == "A-0"


def crowd(*sites, each=4):
    return [offer(site, 1000 * n, n) for site in sites for n in range(each)]


@pytest.mark.parametrize(("most", "left"), [(1, 1), (5, 5), (8, 8), (99, 8)])
def test_at_most_so_many_offers(most, left):
    policy = plain_policy(trim={"max_offers": most})
    ranking = ranked(policy, crowd("A", "B"))
    assert len(ranking.ranked) == left
    assert [one.filter for one in ranking.dropped] == ["max_offers"] * (8 - left)
    whole = order_of(ranked(plain_policy(), crowd("A", "B")))
    assert order_of(ranking) == whole[:left]


def test_at_most_so_many_offers_of_a_site():
    policy = plain_policy(trim={"max_per_site": 2})
    ranking = ranked(policy, crowd("A", "B"))
    assert sorted(order_of(ranking)) == ["A-0", "A-1", "B-0", "B-1"]
    assert {one.filter for one in ranking.dropped} == {"max_per_site"}
    assert ranking.dropped[0].reason == "its site has 2 better offers already"


def test_both_limits_together():
    policy = plain_policy(trim={"max_offers": 3, "max_per_site": 2})
    ranking = ranked(policy, [offer("A", 0, 0), *crowd("B"), offer("A", 9000, 9)])
    assert sorted(order_of(ranking)[:2]) == ["A-0", "B-0"]
    assert order_of(ranking)[2:] == ["B-1"]
    assert {one.offer.session: one.filter for one in ranking.dropped} == {
        "B-2": "max_per_site",
        "B-3": "max_per_site",
        "A-9": "max_offers",
    }
    assert [(s.filter, s.before, s.after) for s in ranking.funnel[-2:]] == [
        ("max_per_site", 6, 4),
        ("max_offers", 4, 3),
    ]


def test_what_was_shown_is_not_trimmed_for_better_ones():
    policy = plain_policy(trim={"max_offers": 2, "max_per_site": 2})
    shown = frozenset({"A-2", "A-3"})
    ranking = ranked(policy, crowd("A"), shown=shown)
    assert order_of(ranking) == ["A-0", "A-1", "A-2", "A-3"]
    again = ranked(policy, crowd("A", each=6), shown=shown)
    assert order_of(again) == ["A-0", "A-1", "A-2", "A-3"]


@pytest.mark.parametrize(
    ("policy", "offers", "ahead"),
    [
        ({}, [offer("A", 0), offer("B", 120)], "delay"),
        ({"tiebreak": ["start"]}, [offer("A", 0), offer("B", 9)], "start"),
        (
            {"tiebreak": ["start"], "estimate": {"start": {"accept_overhead_s": 0}}},
            [offer("A", 0), offer("A", 0, 1)],
            "position",
        ),
        (
            {"tiebreak": ["start", "position"]},
            [offer("A", 5), offer("B", 5)],
            "rendezvous_hash",
        ),
        (
            {},
            [offer("A", 5), replace(offer("A", 5), session="A-1")],
            "session",
        ),
        (
            {
                "weighers": [
                    {"name": "time_to_start"},
                    {"name": "preference", "sites": {"A": -1}},
                ],
                "tiebreak": ["preference"],
            },
            [offer("A", 20), offer("B", 2)],
            "preference",
        ),
        (
            {"order": {"method": "lexicographic", "keys": ["time_to_start"]}},
            [offer("A", 0), offer("B", 120)],
            "time_to_start",
        ),
    ],
)
def test_what_puts_an_offer_ahead_of_the_next_one_is_told(policy, offers, ahead):
    first, last = ranked(plain_policy(**policy), offers).ranked
    assert (first.ahead_by, last.ahead_by) == (ahead, "")


def test_what_was_shown_and_fails_a_filter_is_behind_by_that():
    policy = plain_policy(filters=[{"name": "site_list", "deny": ["A"]}])
    ranking = ranked(policy, [offer("A", 0), offer("B", 999)], shown=frozenset({"A-0"}))
    assert [(one.offer.site, one.ahead_by) for one in ranking.ranked] == [
        ("B", "filters"),
        ("A", ""),
    ]
