"""Weighers that judge an offer by who asks, and by what was used before."""

import pytest
from pydantic import ValidationError

from aggregator.domain.ranking.knowledge import Knowledge, UserFacts
from aggregator.domain.ranking.usage import Usage
from tests.support.ranking import (
    by_site,
    facts,
    knowing,
    offer,
    order_of,
    plain_policy,
    ranked,
)

OFFERS = [offer("A"), offer("B"), offer("C")]
SPAIN, UK = "/srcnet/spain", "/srcnet/uk"


def seconds(weigher, knowledge):
    ranking = ranked(plain_policy(weighers=[weigher]), OFFERS, knowledge=knowledge)
    found = {site: one.delay for site, one in by_site(ranking).items()}
    return {site: delay for site, delay in found.items() if delay}


def asking(*groups, home_site=""):
    return Knowledge(user=UserFacts(groups, home_site))


HOME = {"name": "home_site", "home_s": -300, "site_by_group": {SPAIN: "A", UK: "B"}}


@pytest.mark.parametrize(
    ("knowledge", "homes"),
    [
        (asking(), set()),
        (asking("/srcnet/users"), set()),
        (asking(SPAIN), {"A"}),
        (asking(SPAIN, UK), {"A", "B"}),
        (asking(home_site="C"), {"C"}),
        (asking(SPAIN, home_site="C"), {"A", "C"}),
        (asking(home_site="elsewhere"), set()),
    ],
)
def test_home_sites_are_those_of_token_and_groups(knowledge, homes):
    assert seconds(HOME, knowledge) == dict.fromkeys(homes, -300)


def test_a_home_site_wins_as_long_as_it_is_not_too_late():
    policy = plain_policy(weighers=[{"name": "time_to_start"}, HOME])

    def first(start_at_home):
        offers = [offer("A", start_at_home), offer("C", 600)]
        return order_of(ranked(policy, offers, knowledge=asking(SPAIN)))[0]

    assert (first(840), first(1080)) == ("A-0", "C-0")


def test_the_reason_names_the_home_site():
    policy = plain_policy(weighers=[{"name": "time_to_start"}, HOME])
    [one] = ranked(policy, [offer("A", 600)], knowledge=asking(SPAIN)).ranked
    assert one.reason == "starts in 10 min; delay 5 min (home site -5 min)"


MEMBER = UserFacts((SPAIN, UK))


def used(user=MEMBER, elsewhere=0.0, **by_site):
    """Knowledge of core-hours by site: in all, by the user, by group in this order."""
    sites = [
        facts(name, usage=Usage(in_all, by_user, {SPAIN: spain, UK: uk}))
        for name, (in_all, by_user, spain, uk) in by_site.items()
    ]
    whole = elsewhere + sum(of_site[0] for of_site in by_site.values())
    return knowing(*sites, user=user, core_hours=whole)


def fair(of, **keys):
    return {
        "name": "fair_share",
        "of": of,
        "s_per_overuse_percent": 10,
        "prior_core_hours": 1e-9,
        **keys,
    }


def test_a_site_that_was_used_beyond_its_share_is_delayed():
    weigher = fair("site", shares_percent={"A": 50, "B": 20})
    knowledge = used(
        A=(600, 0, 0, 0), B=(100, 0, 0, 0), C=(200, 0, 0, 0), elsewhere=100
    )
    assert seconds(weigher, knowledge) == pytest.approx({"A": 100})


def test_others_have_the_share_of_others_or_none():
    weigher = fair("site", shares_percent={"A": 50})
    knowledge = used(A=(10, 0, 0, 0), C=(90, 0, 0, 0))
    assert seconds(weigher, knowledge) == {}
    others = {**weigher, "other_share_percent": 30}
    assert seconds(others, knowledge) == pytest.approx({"C": 600})


def test_little_use_says_little():
    weigher = fair("site", shares_percent={"A": 50}, prior_core_hours=100)

    def delay(core_hours):
        return seconds(weigher, used(A=(core_hours, 0, 0, 0))).get("A", 0)

    assert delay(0) == 0
    assert delay(1) == pytest.approx(1000 * 0.5 / 101)
    assert delay(100) == pytest.approx(250)
    assert 499 < delay(1e5) < 500


def test_a_group_is_delayed_where_it_crowds_others_out():
    weigher = fair("group", shares_percent={SPAIN: 30})
    knowledge = used(A=(100, 0, 80, 0), B=(100, 0, 20, 80), C=(0, 0, 0, 0))
    assert seconds(weigher, knowledge) == pytest.approx({"A": 500})


def test_of_several_groups_the_one_least_above_its_share_counts():
    weigher = fair("group", shares_percent={SPAIN: 30, UK: 10})
    knowledge = used(A=(100, 0, 80, 40), B=(100, 0, 80, 5))
    assert seconds(weigher, knowledge) == pytest.approx({"A": 300})


def test_groups_without_a_share_are_not_weighed():
    knowledge = used(A=(100, 0, 80, 100))
    assert seconds(fair("group", shares_percent={SPAIN: 30}), knowledge)["A"] == 500
    stranger = used(UserFacts(("/other",)), A=(100, 0, 80, 100))
    assert seconds(fair("group", shares_percent={SPAIN: 30}), stranger) == {}
    all_groups = fair("group", other_share_percent=90)
    assert seconds(all_groups, knowledge) == {}
    assert seconds(all_groups, used(A=(100, 0, 95, 100))) == pytest.approx({"A": 50})


def test_a_user_is_delayed_where_that_user_crowds_others_out():
    weigher = fair("user", other_share_percent=25)
    knowledge = used(A=(100, 75, 0, 0), B=(100, 25, 0, 0))
    assert seconds(weigher, knowledge) == pytest.approx({"A": 500})


@pytest.mark.parametrize("of", ["group", "user"])
def test_nobody_in_particular_has_used_nothing(of):
    knowledge = used(UserFacts(), A=(100, 0, 100, 0))
    assert seconds(fair(of, other_share_percent=0), knowledge) == {}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({}, "fair_share of a site needs shares_percent"),
        ({"of": "user"}, "fair_share of a user needs other_share_percent"),
        ({"of": "user", "shares_percent": {"ana": 1}}, "belongs to sites and groups"),
        (
            {"shares_percent": {"A": 101}},
            "shares_percent of A must be from 0 to 100, not 101",
        ),
        ({"other_share_percent": -1}, "other_share_percent must be from 0 to 100"),
        ({"other_share_percent": float("nan")}, "must be from 0 to 100"),
        ({"shares_percent": {"A": 60, "B": 50}}, "add up to 110, which is more than"),
        ({"shares_percent": {"A": 60, "B": 40.5}}, "add up to 100.5, which is more"),
        (
            {"of": "group", "shares_percent": {"x/y": 1}},
            "with a slash: write /x/y, not x/y",
        ),
        ({"shares_percent": {"A": 1}, "s_per_overuse_percent": -1}, "0 or more"),
        ({"shares_percent": {"A": 1}, "prior_core_hours": 0}, "more than 0"),
    ],
)
def test_what_makes_no_fair_share_is_refused(keys, reason):
    with pytest.raises(ValidationError, match=reason):
        plain_policy(weighers=[{"name": "fair_share", "of": "site", **keys}])


def test_shares_of_groups_may_overlap():
    shares = {SPAIN: 60, UK: 50, "/srcnet": 100}
    plain_policy(weighers=[fair("group", shares_percent=shares)])
    thirds = {"A": 100 / 3, "B": 100 / 3, "C": 100 / 3}
    plain_policy(weighers=[fair("site", shares_percent=thirds)])


def test_homes_of_what_is_no_group_are_refused():
    with pytest.raises(
        ValidationError, match="site_by_group must begin with a slash: write /spain"
    ):
        plain_policy(weighers=[{**HOME, "site_by_group": {"spain": "A"}}])


@pytest.mark.parametrize(
    ("weigher", "reason"),
    [
        (fair("site", shares_percent={"A": 40}), "5 min: 70 % used, 40 % fair"),
        (
            fair("group", shares_percent={SPAIN: 12.5, UK: 0}),
            "2 min 5 s: /srcnet/spain 25 % used, 12.5 % fair",
        ),
        (fair("user", other_share_percent=10), "1 min 40 s: 20 % used, 10 % fair"),
    ],
)
def test_the_reason_says_what_was_used_and_what_is_fair(weigher, reason):
    knowledge = used(A=(70, 14, 17.5, 14), elsewhere=30)
    [one] = ranked(
        plain_policy(weighers=[weigher]), [offer("A")], knowledge=knowledge
    ).ranked
    assert f"(fair share {reason})" in one.reason


def test_what_adds_nothing_has_no_remark():
    knowledge = used(A=(10, 0, 0, 0), elsewhere=90)
    policy = plain_policy(weighers=[fair("site", shares_percent={"A": 40})])
    [one] = ranked(policy, [offer("A")], knowledge=knowledge).ranked
    assert "%" not in one.reason
