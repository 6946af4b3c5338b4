"""When a session can really start, and what that is founded on."""

from dataclasses import replace

import pytest

from aggregator.domain.offers import DataItem
from aggregator.domain.ranking.explanation import Confidence
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval
from aggregator.domain.sites import Downtime
from tests.support.ranking import (
    GB,
    by_site,
    did,
    facts,
    knowing,
    located,
    moment,
    offer,
    plain_policy,
    ranked,
    starting,
    wanting,
)


def estimate(one, request=None, knowledge=None, **rules):
    policy = plain_policy(estimate=rules)
    return ranked(policy, [one], request, knowledge).ranked[0].estimate


@pytest.mark.parametrize(
    ("bound", "expected"), [("earliest", 100), ("midpoint", 200), ("latest", 300)]
)
def test_the_bound_of_an_offered_interval(bound, expected):
    one = replace(offer("A"), start=starting(100, 300))
    assert estimate(one, start={"bound": bound}).start == expected


def test_a_start_in_the_past_is_now():
    assert estimate(offer("A", -500)).start == 0
    half = replace(offer("A"), start=starting(-500, 100))
    assert estimate(half, start={"bound": "earliest"}).start == 0


@pytest.mark.parametrize(
    "start", [None, StartInterval.parse("1970-01-01T00:00:00Z/PT0S")]
)
def test_an_unknown_start_is_not_taken_as_now(start):
    found = estimate(
        replace(offer("A"), start=start), start={"unknown_default_s": 1800}
    )
    assert (found.offered_start, found.start, found.start_known) == (1800, 1800, False)
    assert found.confidence is Confidence.LOW
    assert found.notes == ("the site doesn't say when it starts, 30 min assumed",)


def test_a_start_beyond_a_lifetime_stays_within_the_calendar():
    never = StartInterval.parse("9999-12-31T23:59:59Z")
    found = estimate(replace(offer("A"), start=never, preparing=1e300))
    assert found.start == 1e9
    assert estimate(offer("A", None, preparing=1e300)).start == 1e9


def test_an_unknown_start_is_not_before_the_preparation_that_is_announced():
    found = estimate(offer("A", None, preparing=7200.0))
    assert found.start == 7200


def moving(start=0, gb=100, mode="prefetch", of_site=(), **of_offer):
    knowledge = knowing(
        facts("A", **dict(of_site)), facts("B"), data=(located("x", gb, "B_DISK"),)
    )
    one = offer("A", start, **of_offer)
    data = {"per_file_s": 0, "staging": mode}
    return estimate(one, wanting("x"), knowledge, data=data)


@pytest.mark.parametrize(
    ("mode", "start", "ready", "expected"),
    [
        ("prefetch", 100, 860, 860),
        ("prefetch", 1000, 860, 1000),
        ("on_start", 100, 900, 900),
        ("remote_read", 100, 0, 100),
    ],
)
def test_modes_of_staging(mode, start, ready, expected):
    found = moving(start, mode=mode)
    assert (found.data_ready, found.start) == (ready, expected)
    assert (found.bytes_to_move, found.sources) == (100 * GB, ("B_DISK",))
    assert found.confidence is Confidence.HIGH


def test_a_mode_for_one_site():
    knowledge = knowing(
        facts("A"), facts("B"), facts("C"), data=(located("x", 100, "C_DISK"),)
    )
    rules = {"data": {"per_file_s": 0, "staging_by_site": {"B": "on_start"}}}
    policy = plain_policy(estimate=rules)
    ranking = ranked(
        policy, [offer("A", 500), offer("B", 500)], wanting("x"), knowledge
    )
    starts = {site: one.estimate.start for site, one in by_site(ranking).items()}
    assert starts == {"A": 860, "B": 1300}


def test_a_sites_own_schedule_counts_staging_only_where_that_is_configured():
    honest = {"schedule_includes_staging": True}
    assert moving(130, preparing=130.0).start == 860
    assert moving(130, of_site=honest, preparing=130.0).start == 130
    assert moving(130, of_site=honest).start == 860
    assert moving(130, of_site=honest, preparing=130.0).bytes_to_move == 100 * GB


def test_what_a_site_takes_in_is_a_limit():
    assert moving(of_site={"ingest_gbps": 0.5}).start == 1660


def test_files_cost_beside_their_bytes():
    data = (located("x", 0, "B_DISK", files=41),)
    knowledge = knowing(facts("A"), facts("B"), data=data)
    found = estimate(offer("A"), wanting("x"), knowledge)
    assert (found.files_to_move, found.data_ready) == (41, 60 + 3 * 2)


def reading(*datasets, links=None, sites=("A", "B", "C")):
    names = [one.did.name for one in datasets]
    knowledge = knowing(*map(facts, sites), data=datasets, links=links)
    rules = {"per_file_s": 0, "ingest_default_gbps": 1000}
    return estimate(offer("A"), wanting(*names), knowledge, data=rules)


def test_the_fastest_source_sends_and_disk_comes_before_tape():
    links = Links(table={("B", "A"): 2.0, ("C", "A"): 4.0})
    found = reading(located("x", 100, "B_DISK", "C_DISK"), links=links)
    assert (found.sources, found.data_ready) == (("C_DISK",), 60 + 200)
    found = reading(located("x", 100, "B_DISK", "C_TAPE"), links=links)
    assert (found.sources, found.data_ready) == (("B_DISK",), 60 + 400)
    found = reading(located("x", 90, "C_TAPE"), links=links)
    assert found.data_ready == 60 + 180 + 900 + 300
    assert found.bytes_from_tape == found.bytes_to_move == 90 * GB


def test_sources_send_at_the_same_time_but_one_source_in_turn():
    found = reading(located("x", 100, "B_DISK"), located("y", 50, "C_DISK"))
    assert found.data_ready == 60 + 800
    found = reading(located("x", 100, "B_DISK"), located("y", 50, "B_DISK"))
    assert found.data_ready == 60 + 1200


def test_an_own_disk_needs_nothing_and_an_own_tape_only_a_recall():
    found = reading(located("x", 100, "B_DISK", "A_DISK", "A_TAPE"))
    assert (found.data_ready, found.bytes_to_move, found.bytes_total) == (
        0,
        0,
        100 * GB,
    )
    found = reading(located("x", 90, "B_DISK", "A_TAPE"))
    assert (found.data_ready, found.bytes_to_move) == (60 + 900 + 300, 0)
    assert found.bytes_from_tape == 90 * GB


def test_an_rse_may_serve_several_sites_and_have_several_names():
    links = Links(
        rse_sites={"LAKE": ("A", "C")},
        rse_aliases={"OLD_LAKE": "LAKE", "OLD_B": "B_DISK"},
        table={("B", "A"): 8.0},
    )
    assert reading(located("x", 100, " old_lake "), links=links).bytes_to_move == 0
    assert reading(located("x", 100, "OLD_B"), links=links).data_ready == 60 + 100


def test_an_rse_of_no_known_site_is_read_at_the_default_speed():
    found = reading(located("x", 100, "FAR_DISK"))
    assert (found.data_ready, found.sources) == (860, ("FAR_DISK",))
    assert found.confidence is Confidence.LOW
    assert found.notes == ("no site known to read FAR_DISK, with testing:x",)


def test_a_dataset_is_counted_once_however_often_it_is_asked_for():
    knowledge = knowing(facts("A"), data=(located("x", 100, "B_DISK"),))
    found = estimate(offer("A"), wanting("x", "x"), knowledge)
    assert found.bytes_total == 100 * GB


def claiming(size=None, request_rses=(), offer_rses=(), offer_size=None):
    asked = DataItem("in", did("x"), size, tuple(request_rses))
    given = DataItem("in", did("x"), offer_size, tuple(offer_rses))
    request = ExecutionRequest("docker-container", data=(asked,))
    knowledge = knowing(facts("A"), facts("B"))
    return estimate(offer("A", data=(given,)), request, knowledge)


@pytest.mark.parametrize("where", ["request_rses", "offer_rses"])
def test_claimed_replicas_count_but_are_not_trusted(where):
    found = claiming(5 * GB, **{where: ["A_DISK"]})
    assert (found.bytes_to_move, found.bytes_total) == (0, 5 * GB)
    assert found.confidence is Confidence.LOW
    assert found.notes == ("replicas of testing:x are claimed, not verified",)


def test_what_the_catalogue_says_wins_over_claims():
    request = ExecutionRequest(
        "docker-container", data=(DataItem("in", did("x"), 5, ("A_DISK",)),)
    )
    knowledge = knowing(facts("A"), facts("B"), data=(located("x", 7, "B_DISK"),))
    found = estimate(offer("A"), request, knowledge)
    assert (found.bytes_to_move, found.confidence) == (7 * GB, Confidence.HIGH)
    nowhere = knowing(facts("A"), data=(located("x", 7),))
    found = estimate(offer("A"), request, nowhere)
    assert (found.bytes_to_move, found.bytes_total) == (0, 7 * GB)
    assert found.confidence is Confidence.LOW


def test_of_two_claims_on_one_dataset_the_first_counts():
    def said(*sizes):
        return tuple(DataItem("in", did("x"), size, ("A_DISK",)) for size in sizes)

    request = ExecutionRequest("docker-container", data=said(None, None))
    one = offer("A", data=said(1, 2))
    assert estimate(one, request, knowing(facts("A"))).bytes_total == 1
    request = ExecutionRequest("docker-container", data=said(3, 4))
    assert estimate(one, request, knowing(facts("A"))).bytes_total == 3


def test_an_offer_may_say_the_size_that_the_request_does_not():
    assert claiming(offer_size=3 * GB, offer_rses=["B_DISK"]).bytes_to_move == 3 * GB


@pytest.mark.parametrize("size", [None, -1, 2**70])
def test_a_size_that_nobody_knows_is_assumed(size):
    found = claiming(size, ["B_DISK"])
    assert found.bytes_to_move == 100 * GB
    assert "size of testing:x unknown, 100 GB assumed" in found.notes


def test_data_without_any_replica_come_from_somewhere():
    found = claiming(100 * GB)
    assert (found.bytes_to_move, found.sources) == (100 * GB, ())
    assert found.data_ready == 60 + 2 + 800
    assert found.notes == ("no replica of testing:x known, 1 Gb/s assumed",)


def test_claims_of_one_site_do_not_help_another():
    asked = DataItem("in", did("x"), 5 * GB)
    request = ExecutionRequest("docker-container", data=(asked,))
    boaster = offer("A", data=(DataItem("in", did("x"), rses=("A_DISK", "B_DISK")),))
    knowledge = knowing(facts("A"), facts("B"))
    ranking = ranked(plain_policy(), [boaster, offer("B")], request, knowledge)
    assert by_site(ranking)["B"].estimate.bytes_to_move == 5 * GB


def test_links_that_cannot_be():
    for wrong in (
        {"default_gbps": 0},
        {"classes": {"lan": -1.0}},
        {"table": {("A", "B"): float("nan")}},
        {"table": {("A", "B"): "no-class"}},
    ):
        with pytest.raises(ValueError, match=r"must be|no class"):
            Links(**wrong)


def closed(*spans):
    return tuple(Downtime(moment(begin), moment(end)) for begin, end in spans)


def from_sources(*sites, offered="A"):
    """Estimate 100 GB at 8 Gb/s, that is 100 s, of which the sites have replicas."""
    rses = [f"{one.site.name}_DISK" for one in sites]
    knowledge = knowing(
        facts("A"),
        *sites,
        data=(located("x", 100, *rses),),
        links=Links(default_gbps=8, table={("B", offered): 800.0}),
    )
    return estimate(
        offer(offered, 0),
        wanting("x"),
        knowledge,
        start={"accept_overhead_s": 0},
        data={"per_file_s": 0, "ingest_default_gbps": 1000},
    )


def test_a_site_in_a_downtime_sends_after_it():
    found = from_sources(facts("C", downtimes=closed((-60, 600))))
    assert (found.sources, found.data_ready) == (("C_DISK",), 700)
    assert found.notes == ("C is in a downtime and sends in 10 min",)
    assert found.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("spans", "ready"),
    [
        ([(-60, 0)], 1),
        ([(-120, -60)], 1),
        ([(1, 600)], 1),
        ([(0, 60)], 100),
        ([(30, 90), (-60, 60), (90, 120), (200, 300)], 100),
    ],
)
def test_another_source_is_preferred_to_one_in_a_downtime(spans, ready):
    fast = facts("B", downtimes=closed(*spans))
    assert from_sources(fast, facts("C")).data_ready == ready


def test_downtimes_that_follow_on_one_another_are_one():
    alone = facts("B", downtimes=closed((90, 120), (-60, 60), (30, 90), (200, 300)))
    assert from_sources(alone).data_ready == 120 + 1


def test_what_opens_first_is_preferred_and_data_at_the_site_need_no_sender():
    late = facts("B", downtimes=closed((-60, 900)))
    soon = facts("C", downtimes=closed((-60, 60)))
    assert from_sources(late, soon).data_ready == 160
    assert from_sources(late, soon, offered="B").bytes_to_move == 0
