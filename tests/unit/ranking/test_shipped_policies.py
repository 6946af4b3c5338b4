"""The policies that are shipped load, and decide as their comments say."""

import pytest

from aggregator.domain.events import SiteState
from aggregator.domain.ranking.knowledge import Links
from tests.support.ranking import (
    ROOT,
    by_site,
    facts,
    knowing,
    located,
    moment,
    offer,
    order_of,
    policy_file,
    ranked,
    wanting,
)

TIB = 2**40


@pytest.fixture(scope="module")
def default():
    return policy_file(ROOT / "config" / "ranking" / "default.yaml")


def test_the_default_policy_serves_everybody(default):
    assert default.identity.name == "default"
    assert default.match.serves("jupyter-notebook", frozenset())


def test_25_tib_missing_lose_to_the_site_that_has_them_whatever_is_promised(default):
    data = located("x", 25 * TIB / 10**9, "JPSRC_DISK", "ESPSRC_DISK")
    knowledge = knowing(
        facts("JPSRC"),
        facts("ESPSRC"),
        facts("SWESRC"),
        data=(data,),
        links=Links(
            classes={"national": 8.0}, table={("ESPSRC", "SWESRC"): "national"}
        ),
    )
    offers = [offer("SWESRC", 130, preparing=130.0), offer("JPSRC", 1800)]
    ranking = ranked(default, offers, wanting("x"), knowledge)
    assert order_of(ranking) == ["JPSRC-0", "SWESRC-0"]
    lost = by_site(ranking)["SWESRC"]
    assert lost.estimate.bytes_to_move == 25 * TIB
    assert lost.estimate.start == pytest.approx(25 * TIB * 8 / 8e9 + 62)
    assert lost.reason == (
        "start promised in 2 min 10 s; 25.0 TiB to move from ESPSRC_DISK, "
        "data ready in 7 h 39 min; delay 9 h 12 min "
        "(data moved 1 h 32 min, failure risk 1 min 30 s)"
    )
    assert by_site(ranking)["JPSRC"].reason == (
        "starts in 30 min; all data at the site; delay 31 min 30 s "
        "(failure risk 1 min 30 s)"
    )


def test_a_schedule_that_counts_staging_is_believed(default):
    knowledge = knowing(
        facts("JPSRC"),
        facts("SWESRC", schedule_includes_staging=True),
        data=(located("x", 100, "JPSRC_DISK"),),
    )
    offers = [offer("SWESRC", 130, preparing=130.0), offer("JPSRC", 1800)]
    ranking = ranked(default, offers, wanting("x"), knowledge)
    assert order_of(ranking) == ["SWESRC-0", "JPSRC-0"]


def test_failing_sites_are_better_than_none_but_drained_ones_are_not(default):
    knowledge = knowing(
        facts("A", state=SiteState.EJECTED), facts("B", state=SiteState.DRAINED)
    )
    ranking = ranked(default, [offer("A"), offer("B")], knowledge=knowledge)
    assert order_of(ranking) == ["A-0"]
    assert ranking.notes == ("no offer passed health, so it was relaxed",)


def test_a_start_that_is_asked_for_counts_while_some_offer_meets_it(default):
    request = wanting(start=offer("A", 0).start)
    late = offer("A", 3600, expires=moment(900))
    in_time = offer("B", 200, expires=moment(900))
    assert order_of(ranked(default, [late, in_time], request)) == ["B-0"]
    assert order_of(ranked(default, [late], request)) == ["A-0"]
