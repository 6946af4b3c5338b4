"""Each weigher, in seconds."""

import pytest

from aggregator.domain.offers import Quote
from tests.support.ranking import (
    by_site,
    facts,
    knowing,
    located,
    offer,
    plain_policy,
    quotes,
    ranked,
    wanting,
)


def seconds(weigher, offers, request=None, knowledge=None):
    ranking = ranked(plain_policy(weighers=[weigher]), offers, request, knowledge)
    key = weigher.get("label", weigher["name"])
    return {site: one.seconds[key] for site, one in by_site(ranking).items()}


def test_time_to_start_at_a_rate():
    assert seconds({"name": "time_to_start", "rate": 0.5}, [offer("A", 60)]) == {
        "A": 30
    }


def test_data_moved_by_10_to_the_9_bytes():
    knowledge = knowing(facts("A"), facts("B"), data=(located("x", 3, "B_DISK"),))
    weigher = {"name": "data_moved", "rate_s_per_gb": 0.5}
    found = seconds(weigher, [offer("A"), offer("B")], wanting("x"), knowledge)
    assert found == {"A": 1.5, "B": 0}


def test_costs_of_one_type_by_the_bound_that_is_said():
    offers = [
        offer("A", costs=(Quote("urn:cost:money", min=1, max=3), *quotes(carbon=9))),
        offer("B", costs=quotes(money=2) * 2),
        offer("C", costs=(Quote("urn:cost:money"),)),
        offer("D"),
    ]
    weigher = {
        "name": "cost",
        "type": "urn:cost:money",
        "rate_s_per_unit": 10,
        "missing": 7,
    }
    assert seconds(weigher, offers) == {"A": 30, "B": 40, "C": 70, "D": 70}
    found = seconds({**weigher, "bound": "min"}, offers)
    assert found == {"A": 10, "B": 40, "C": 70, "D": 70}
    assert seconds({**weigher, "type": "*"}, offers)["A"] == 120


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -5.0, None])
def test_a_cost_that_means_nothing_counts_as_unsaid(nonsense):
    weigher = {"name": "cost", "rate_s_per_unit": 10, "missing": 2}
    assert seconds(weigher, [offer("A", costs=quotes(money=nonsense))]) == {"A": 20}


def test_a_metric_of_which_more_is_better():
    offers = [
        offer("A", metrics=(Quote("urn:speed", min=10, max=20),)),
        offer("B", metrics=(Quote("urn:speed", min=12, max=12),)),
        offer("C"),
    ]
    weigher = {"name": "metric", "type": "urn:speed", "rate_s_per_unit": -2}
    assert seconds(weigher, offers) == {"A": -40, "B": -24, "C": 0}
    assert seconds({**weigher, "bound": "min"}, offers) == {"A": -20, "B": -24, "C": 0}


def test_of_equal_delays_the_better_metric_wins_the_tie():
    weighers = [
        {"name": "time_to_start"},
        {"name": "metric", "type": "urn:speed", "rate_s_per_unit": -0.001},
    ]
    policy = plain_policy(weighers=weighers, tiebreak=["metric"])
    offers = [
        offer("A", 1, metrics=(Quote("urn:speed", max=10),)),
        offer("B", 1, metrics=(Quote("urn:speed", max=20),)),
    ]
    assert [one.offer.site for one in ranked(policy, offers).ranked] == ["B", "A"]


def test_failure_risk_begins_with_a_prior():
    knowledge = knowing(
        facts("A", failures=40, calls=180), facts("B", calls=80), facts("C", failures=5)
    )
    offers = [offer("A"), offer("B"), offer("C"), offer("NEW")]
    found = seconds({"name": "failure_risk", "retry_s": 1000}, offers, None, knowledge)
    assert found == pytest.approx({"A": 205, "B": 10, "C": 240, "NEW": 50})


def test_preference_for_sites():
    weigher = {"name": "preference", "sites": {"A": -300}, "other_sites_s": 20}
    assert seconds(weigher, [offer("A"), offer("B")]) == {"A": -300, "B": 20}


def test_a_weigher_used_twice_goes_by_its_label():
    weighers = [
        {"name": "cost", "type": "urn:cost:money", "rate_s_per_unit": 1},
        {
            "name": "cost",
            "type": "urn:cost:carbon",
            "rate_s_per_unit": 2,
            "label": "co2",
        },
    ]
    policy = plain_policy(weighers=weighers, tiebreak=["co2"])
    one = ranked(policy, [offer("A", costs=quotes(money=3, carbon=4))]).ranked[0]
    assert one.seconds == {"cost": 3, "co2": 8}
    assert one.delay == 11


def test_absurd_numbers_end_at_a_bound():
    weigher = {"name": "cost", "rate_s_per_unit": 1e300}
    assert seconds(weigher, [offer("A", costs=quotes(money=1e308))]) == {"A": 1e9}
