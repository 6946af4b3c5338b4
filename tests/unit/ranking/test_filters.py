"""Each filter, what it takes out and in which words."""

from typing import get_args

import pytest

from aggregator.domain.events import SiteState
from aggregator.domain.offers import Amount, Quote
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.site_filters import State
from aggregator.domain.sites import Downtime
from tests.support.ranking import (
    facts,
    knowing,
    located,
    moment,
    offer,
    order_of,
    plain_policy,
    quotes,
    ranked,
    starting,
    wanting,
)


def filtering(filters, offers, request=None, knowledge=None):
    ranking = ranked(plain_policy(filters=filters), offers, request, knowledge)
    left = sorted(order_of(ranking))
    return left, {one.offer.session: one.reason for one in ranking.dropped}


def test_expired_offers_and_those_that_soon_will_be():
    offers = [
        offer("A", expires=moment(-1)),
        offer("B", expires=moment(59)),
        offer("C", expires=moment(60)),
        offer("D", expires=None),
    ]
    left, reasons = filtering([{"name": "expired", "min_validity_s": 60}], offers)
    assert left == ["C-0", "D-0"]
    assert reasons == {
        "A-0": "expired at 2026-03-01T11:59:59Z",
        "B-0": "expires in 59 s",
    }


def test_what_has_expired_goes_even_if_the_policy_does_not_say_so():
    offers = [offer("A", expires=moment(0)), offer("B", expires=moment(0.001))]
    left, reasons = filtering([], offers)
    assert (left, list(reasons)) == (["B-0"], ["A-0"])


def test_health_excludes_states():
    knowledge = knowing(
        facts("A", state=SiteState.DOWN), facts("B", state=SiteState.UP)
    )
    offers = [offer("A"), offer("B"), offer("UNKNOWN", 10)]
    left, reasons = filtering([{"name": "health"}], offers, knowledge=knowledge)
    assert left == ["B-0", "UNKNOWN-0"]
    assert reasons == {"A-0": "the site is down"}


@pytest.mark.parametrize(
    ("begins", "ends", "overlap_with", "passes"),
    [
        (700, 800, "execution", True),
        (699, 800, "execution", False),
        (0, 100, "execution", True),
        (0, 101, "execution", False),
        (699, 800, "start", True),
        (100, 101, "start", False),
        (50, 100, "start", True),
    ],
)
def test_a_downtime_during_execution(begins, ends, overlap_with, passes):
    downtime = Downtime(moment(begins), moment(ends), "network")
    left, _ = filtering(
        [{"name": "downtime", "overlap_with": overlap_with}],
        [offer("A", 100, available=5.0)],
        wanting(duration=600.0),
        knowing(facts("A", downtimes=(downtime,))),
    )
    assert left == (["A-0"] if passes else [])


def test_the_offer_says_how_long_it_lasts_where_the_request_does_not():
    downtime = Downtime(moment(200), moment(300))
    knowledge = knowing(facts("A", downtimes=(downtime,)))
    short, long = (
        offer("A", 100, 0, available=100.0),
        offer("A", 100, 1, available=101.0),
    )
    left, reasons = filtering([{"name": "downtime"}], [short, long], None, knowledge)
    assert left == ["A-0"]
    assert reasons == {
        "A-1": "the site is down from 2026-03-01T12:03:20Z to 2026-03-01T12:05:00Z"
    }


@pytest.mark.parametrize("overlap_with", ["start", "execution"])
def test_a_downtime_right_after_the_start_is_not_at_the_start(overlap_with):
    downtime = Downtime(moment(100.5), moment(300))
    left, _ = filtering(
        [{"name": "downtime", "overlap_with": overlap_with}],
        [offer("A", 100, available=None)],
        None,
        knowing(facts("A", downtimes=(downtime,))),
    )
    assert left == ["A-0"]


def test_a_cost_limit_holds_for_its_own_type_only():
    request = wanting(costs=quotes(money=1.0))
    offers = [
        offer("A", costs=quotes(money=1.0)),
        offer("B", costs=quotes(money=0.6) * 2),
        offer("C", costs=quotes(carbon=5.0)),
        offer("D", costs=(Quote("urn:cost:money", min=2.0),)),
    ]
    left, reasons = filtering([{"name": "cost_limit"}], offers, request)
    assert left == ["A-0", "C-0"]
    assert reasons == {
        "B-0": "money 1.2, more than 1",
        "D-0": "money 2, more than 1",
    }
    strict = [{"name": "cost_limit", "missing": "drop"}]
    left, reasons = filtering(strict, offers, request)
    assert left == ["A-0"]
    assert reasons["C-0"] == "quotes no money"


def test_a_metric_that_is_needed():
    speed = "https://example.org/metrics/speed"
    request = wanting(metrics=(Quote(speed, min=100.0),))
    offers = [
        offer("A", metrics=(Quote(speed, min=100.0, max=101.0),)),
        offer("B", metrics=(Quote(speed, min=99.0, max=300.0),)),
        offer("C"),
    ]
    left, reasons = filtering([{"name": "metric_requirement"}], offers, request)
    assert left == ["A-0", "C-0"]
    assert reasons == {"B-0": "speed 99, less than 100"}
    hopeful = [{"name": "metric_requirement", "bound": "max", "missing": "drop"}]
    left, reasons = filtering(hopeful, offers, request)
    assert left == ["A-0", "B-0"]
    assert reasons == {"C-0": "quotes no speed"}


def test_a_limit_without_an_end_hides_none_of_those_after_it():
    speed, memory = "https://example.org/speed", "https://example.org/memory"
    request = wanting(
        costs=(Quote("urn:cost:carbon"), *quotes(money=1.0)),
        metrics=(Quote(speed), Quote(memory, min=10.0)),
    )
    both = [{"name": "cost_limit"}, {"name": "metric_requirement"}]
    offers = [
        offer("A", costs=quotes(carbon=9.0, money=2.0)),
        offer("B", metrics=(Quote(speed, min=1.0), Quote(memory, min=9.0))),
    ]
    left, reasons = filtering(both, offers, request)
    assert left == []
    assert reasons == {
        "A-0": "money 2, more than 1",
        "B-0": "memory 9, less than 10",
    }


def test_the_interval_in_which_a_session_should_start():
    request = wanting(start=starting(600, 1200))
    offers = [offer("A", 590), offer("B", 600), offer("C", 1200), offer("D", 1300)]
    left, reasons = filtering([{"name": "deadline"}], offers, request)
    assert left == ["B-0", "C-0"]
    assert reasons == {
        "A-0": "starts 10 s too early",
        "D-0": "starts 1 min 40 s too late",
    }
    tolerant = [{"name": "deadline", "tolerance_s": 10}]
    assert filtering(tolerant, offers, request)[0] == ["A-0", "B-0", "C-0"]


def test_a_deadline_looks_at_when_data_are_ready_too():
    knowledge = knowing(facts("A"), facts("B"), data=(located("x", 100, "B_DISK"),))
    request = wanting("x", start=starting(0, 500))
    left, _ = filtering(
        [{"name": "deadline"}], [offer("A"), offer("B")], request, knowledge
    )
    assert left == ["B-0"]


def test_a_wanted_start_in_the_past_is_now():
    request = wanting(start=starting(-500, -400))
    left, _ = filtering([{"name": "deadline"}], [offer("A", 0), offer("B", 1)], request)
    assert left == ["A-0"]


def test_sites_that_are_allowed_or_denied():
    offers = [offer("A"), offer("B", 1), offer("C", 2)]
    step = {"name": "site_list", "allow": ["A", "B"], "deny": ["B"]}
    left, reasons = filtering([step], offers)
    assert left == ["A-0"]
    assert reasons == {
        "B-0": "B is denied by the policy",
        "C-0": "C is not among the sites that the policy allows",
    }
    assert filtering([{"name": "site_list"}], offers)[0] == ["A-0", "B-0", "C-0"]


@pytest.mark.parametrize(
    ("match", "expected"), [("any", ["A-0", "B-0"]), ("all", ["A-0"])]
)
def test_storage_elements_that_a_site_must_read(match, expected):
    knowledge = knowing(
        facts("A"),
        facts("B"),
        facts("C"),
        links=Links(rse_sites={"LAKE": ("A", "B")}, rse_aliases={"OLD_A": "A_DISK"}),
    )
    step = {"name": "required_rse", "rses": ["lake", "old_a"], "match": match}
    offers = [offer("A"), offer("B", 1), offer("C", 2)]
    left, reasons = filtering([step], offers, knowledge=knowledge)
    assert left == expected
    assert reasons["C-0"] == "the site doesn't read lake, old_a"


def test_too_much_to_move():
    knowledge = knowing(
        facts("A"), facts("B"), data=(located("x", 5000, "B_DISK", files=30),)
    )
    offers = [offer("A"), offer("B")]
    for step, reason in (
        ({"gb": 4999}, "4.5 TiB to move, more than 4999 GB"),
        ({"gb": 5000, "files": 29}, "30 files to move, more than 29"),
    ):
        left, reasons = filtering(
            [{"name": "max_move", **step}], offers, wanting("x"), knowledge
        )
        assert left == ["B-0"]
        assert reasons == {"A-0": reason}
    enough = [{"name": "max_move", "gb": 5000, "files": 30}]
    assert len(filtering(enough, offers, wanting("x"), knowledge)[0]) == 2


def test_only_what_clearly_does_not_fit_is_incapable():
    request = wanting(cores=Amount(min=4, max=8), memory=Amount(min=16))
    offers = [
        offer("A", cores=Amount(1, 4), memory=Amount(16, 16)),
        offer("B", cores=Amount(2, 3)),
        offer("C", memory=Amount(min=15)),
        offer("D"),
    ]
    left, reasons = filtering([{"name": "capability"}], offers, request)
    assert left == ["A-0", "D-0"]
    assert reasons == {
        "B-0": "3 cores, fewer than 4",
        "C-0": "15 GiB of memory, fewer than 16",
    }


def test_the_first_filter_that_objects_takes_the_offer_and_the_funnel_counts():
    offers = [offer("A", expires=moment(5)), offer("B", 1), offer("C", 2)]
    filters = [
        {"name": "site_list", "deny": ["A"]},
        {"name": "expired"},
        {"name": "site_list", "deny": ["A", "B"]},
    ]
    ranking = ranked(plain_policy(filters=filters), offers)
    assert [(one.offer.site, one.filter) for one in ranking.dropped] == [
        ("A", "site_list"),
        ("B", "site_list"),
    ]
    assert [(step.filter, step.before, step.after) for step in ranking.funnel] == [
        ("site_list", 3, 2),
        ("expired", 2, 2),
        ("site_list", 2, 1),
        ("max_per_site", 1, 1),
        ("max_offers", 1, 1),
    ]


def soft(order, **step):
    return {"name": "site_list", "on_empty": "relax", "relax_order": order, **step}


def test_a_soft_filter_holds_while_an_offer_passes():
    filters = [soft(0, deny=["A"])]
    assert filtering(filters, [offer("A"), offer("B")])[0] == ["B-0"]
    ranking = ranked(plain_policy(filters=filters), [offer("A")])
    assert order_of(ranking) == ["A-0"]
    assert ranking.ranked[0].concessions == ("site_list: A is denied by the policy",)
    assert "kept in spite of site_list: A is denied" in ranking.ranked[0].reason
    assert ranking.notes == ("no offer passed site_list, so it was relaxed",)
    assert [step.relaxed for step in ranking.funnel] == [False, True, False, False]


def test_soft_filters_are_lifted_in_their_order_until_an_offer_passes():
    filters = [soft(2, deny=["A"]), soft(1, deny=["B"])]
    assert filtering(filters, [offer("A"), offer("B")])[0] == ["B-0"]
    swapped = [soft(1, deny=["A"]), soft(2, deny=["B"])]
    assert filtering(swapped, [offer("A"), offer("B")])[0] == ["A-0"]


def test_a_soft_filter_that_was_not_in_the_way_is_put_back():
    filters = [soft(1, deny=["C"]), soft(2, deny=["A", "B", "C"])]
    offers = [offer("A"), offer("B", 1), offer("C", 2)]
    assert filtering(filters, offers)[0] == ["A-0", "B-0"]


def test_of_two_ways_to_relax_the_one_that_keeps_the_dearer_filter_is_taken():
    filters = [soft(1, deny=["P"]), soft(2, deny=["Q"]), soft(3, deny=["P", "Q"])]
    assert filtering(filters, [offer("P"), offer("Q")])[0] == ["P-0"]


def test_hard_filters_are_never_lifted_and_then_soft_ones_are_not_either():
    filters = [soft(1, deny=["A"]), {"name": "site_list", "deny": ["A", "B"]}]
    ranking = ranked(plain_policy(filters=filters), [offer("A"), offer("B")])
    assert ranking.ranked == ()
    assert ranking.notes == ()
    assert [step.after for step in ranking.funnel[:3]] == [2, 1, 0]


def test_what_was_shown_stays_behind_what_passes_until_it_expires():
    filters = [
        {"name": "expired", "min_validity_s": 60},
        {"name": "site_list", "deny": ["A"]},
    ]
    soon = offer("A", 0, 0, expires=moment(30))
    gone = offer("A", 0, 1, expires=moment(-1))
    fresh = offer("B", 7200)
    shown = frozenset({soon.session, gone.session})
    ranking = ranked(plain_policy(filters=filters), [soon, gone, fresh], shown=shown)
    assert order_of(ranking) == ["B-0", "A-0"]
    assert [one.offer.session for one in ranking.dropped] == ["A-1"]
    assert len(ranking.ranked[1].concessions) == 2


def test_a_soft_filter_is_lifted_for_newcomers_as_it_was_for_what_was_shown():
    policy = plain_policy(filters=[soft(0, deny=["A", "B"])])
    ranking = ranked(policy, [offer("A", 10), offer("B", 0)], shown=frozenset({"A-0"}))
    assert sorted(order_of(ranking)) == ["A-0", "B-0"]


def test_health_knows_every_state_that_there_is():
    assert set(get_args(State)) == {state.value for state in SiteState}
