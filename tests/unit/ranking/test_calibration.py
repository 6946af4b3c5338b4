"""What histories teach: robust, decayed, and neutral where little was seen."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.domain.ranking.calibration import (
    ANY_KIND,
    PRIOR,
    Lateness,
    Spread,
    StartRecord,
    calibrate,
    quantile,
)
from aggregator.domain.ranking.explanation import Confidence
from aggregator.domain.ranking.histories import (
    Course,
    Promise,
    SessionHistory,
    course_of,
)
from aggregator.domain.ranking.knowledge import Links, Measured, MeasuredLink
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.ranking.throughput import measured_links
from aggregator.domain.records import PhaseChange
from tests.support.ranking import (
    NOW,
    facts,
    knowing,
    located,
    moment,
    offer,
    plain_policy,
    ranked,
    wanting,
)

DAY = 86400.0
KIND = "docker-container"


def session(late=0.0, ago=0.0, promised=120.0, taken=0.0, **promise):
    """A session that started ``ago`` seconds ago, ``late`` after it was promised.

    It was accepted ``taken`` seconds after it was ranked.
    """
    began = moment(-ago - late - promised)
    start = began + timedelta(seconds=promised)
    made = Promise(**{"kind": KIND, "ranked": began, "start": start, **promise})
    started = start + timedelta(seconds=late)
    accepted = began + timedelta(seconds=taken)
    return SessionHistory("s", "A", accepted, made, Course(started=started))


def learned(*histories, kind=KIND):
    return calibrate(histories, NOW).by_site_and_kind["A", kind]


def lateness(*histories):
    [band] = learned(*histories).record.lateness
    return band.median_s


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (1, 9)]
)
def test_quantiles_of_equal_weights(share, expected):
    assert quantile([(9, 1.0), (1, 1.0), (3, 1.0), (2, 1.0)], share) == expected


def test_quantiles_of_unequal_weights():
    assert quantile([(1, 1.0), (2, 3.0)], 0.5) == 2
    assert quantile([(1, 3.0), (2, 1.0)], 0.5) == 1


def test_a_new_site_is_taken_at_its_word():
    record = calibrate([], NOW).record("A", KIND)
    assert record == StartRecord()
    assert [record.expected(promised) for promised in (0, 59, 1e6)] == [0, 59, 1e6]


def test_few_starts_do_not_move_the_median_and_more_than_the_prior_do():
    assert lateness(*[session(240)] * int(PRIOR)) == 0
    assert lateness(*[session(240)] * int(PRIOR + 1)) == 240


def test_one_that_was_extremely_late_counts_as_one():
    assert lateness(*[session(60)] * 10, session(1e6)) == 60


def test_what_is_long_ago_counts_less():
    old = [session(900, ago=28 * DAY)] * 20
    new = [session(60)] * 8
    assert lateness(*old, *[session(60)] * 1) == 0
    assert lateness(*old, *new) == 60
    assert lateness(*[session(900)] * 20, *new) == 900


def test_half_a_weight_after_a_week():
    week = learned(*[session(240, ago=7 * DAY)] * 10)
    assert week.weight == pytest.approx(5.0)


def test_a_user_who_takes_their_time_makes_no_site_late():
    assert lateness(*[session(240, taken=120 + 200)] * 20) == 40
    assert lateness(*[session(240, taken=60)] * 20) == 240


def test_sessions_that_were_to_wait_for_data_say_nothing_of_the_promise():
    late = [session(9000, waits_for_data=True)] * 20
    found = learned(*late)
    assert (found.record.lateness, found.late.count) == ((), 0)


def test_a_start_that_was_not_seen_is_counted_and_left_out():
    unseen = replace(session(), course=Course())
    found = learned(*[session(240)] * 10, *[unseen] * 3)
    assert found.censored == 3
    assert found.late == Spread(0, 240, 240, 10)


def test_quartiles_with_the_prior():
    late = [session(seconds) for seconds in (10, 20, 30) for _ in range(5)]
    assert learned(*late).late == Spread(0, 10, 20, 15)


def test_the_errors_of_estimate_and_preparing():
    began = session(ago=300).promise.ranked
    one = session(ago=300, estimated=began + timedelta(seconds=60), preparing=30.0)
    prepared = replace(one.course, prepared=began + timedelta(seconds=20))
    found = learned(*[replace(one, course=prepared)] * 10)
    assert found.estimated.median == 60
    assert found.preparing.median == 70
    assert learned(*[one] * 10).preparing == Spread()


def test_the_wait_of_sessions_without_data_from_their_acceptance():
    assert learned(*[session(taken=20)] * 5).record.wait_s == 100
    assert learned(*[session(taken=20)] * 4).record.wait_s is None
    moved = [session(taken=20, bytes_to_move=1)] * 9
    assert learned(*moved).record.wait_s is None


def test_the_median_of_waits_is_none_of_the_extremes():
    waits = [session(taken=20)] * 5 + [session(taken=70)] * 2 + [session(1e5)] * 2
    assert learned(*waits).record.wait_s == 100
    assert learned(*waits).record.waits == 9


def test_kinds_are_told_apart_and_scarce_ones_are_as_all():
    notebooks = [session(600, kind="jupyter-notebook")] * 40
    found = calibrate([*notebooks, *[session(60)] * 10, session(5, kind="k")], NOW)
    assert found.record("A", KIND).expected(0) == 60
    assert found.record("A", "jupyter-notebook").expected(0) == 600
    whole = found.by_site_and_kind["A", ANY_KIND].record
    assert found.record("A", "k") == found.record("A", "never-seen") == whole
    assert found.record("B", KIND) == StartRecord()


def test_longer_promises_have_a_lateness_of_their_own():
    long = [session(1800, promised=5000)] * 20
    record = learned(*[session(60)] * 10, *long).record
    assert record.lateness == (Lateness(0.0, 60, 10), Lateness(3600.0, 1800, 20))
    assert (record.expected(100), record.starts_behind(100)) == (160, 10)
    assert (record.expected(5000), record.starts_behind(5000)) == (6800, 20)
    assert (record.expected(700), record.starts_behind(700)) == (700, 0)
    assert (record.expected(-9), record.starts_behind(-9)) == (0, 0)


@pytest.mark.parametrize(
    ("promised", "begins"), [(599, 0), (600, 600), (3599, 600), (3600, 3600), (-5, 0)]
)
def test_a_promise_belongs_to_the_band_that_it_begins(promised, begins):
    [band] = learned(*[session(60, promised=promised)] * 9).record.lateness
    assert band.from_s == begins


def test_the_expected_start_never_falls_where_the_promise_rises():
    bands = (Lateness(0.0, 4000, 9), Lateness(600.0, -500, 9), Lateness(3600.0, 90, 9))
    record = StartRecord(bands)
    starts = [record.expected(promised) for promised in range(0, 20_000, 50)]
    assert starts == sorted(starts)
    assert starts[0] == 4000


def test_a_start_is_never_expected_in_the_past():
    assert StartRecord((Lateness(0.0, -500, 9),)).expected(100) == 0


def estimate(record, start, **rules):
    policy = plain_policy(estimate={"start": rules})
    knowledge = knowing(facts("A", record=record))
    return ranked(policy, [offer("A", start)], knowledge=knowledge).ranked[0]


LATE = StartRecord((Lateness(0.0, 240, 31),), wait_s=900, waits=12)


def test_only_a_policy_that_says_so_counts_lateness():
    found = estimate(LATE, 120).estimate
    assert (found.start, found.lateness, found.notes) == (120, 0, ())


def test_a_corrected_start_is_explained():
    one = estimate(LATE, 120, calibrated=True)
    assert one.estimate.start == 360
    assert one.estimate.confidence is Confidence.HIGH
    assert one.estimate.notes == (
        "promised in 2 min, this site is usually 4 min late (31 starts)",
    )
    assert one.reason.startswith("start promised in 2 min, usually 4 min late")


def test_a_site_that_starts_early_is_said_to():
    one = estimate(StartRecord((Lateness(0.0, -60, 9),)), 120, calibrated=True)
    assert one.estimate.start == 60
    assert one.estimate.notes == (
        "promised in 2 min, this site is usually 1 min early (9 starts)",
    )


def test_an_unknown_start_is_the_sites_median_where_that_is_known():
    found = estimate(LATE, None, unknown="site_median").estimate
    assert (found.start, found.confidence) == (900, Confidence.LOW)
    [note] = found.notes
    assert note.endswith("starts, 15 min assumed after 12 starts seen there")
    assert estimate(StartRecord(), None, unknown="site_median").estimate.start == 3600
    assert estimate(LATE, None).estimate.start == 3600


def test_lateness_is_learned_of_the_latest_bound_only():
    with pytest.raises(ValueError, match="calibrated needs bound latest"):
        plain_policy(estimate={"start": {"calibrated": True, "bound": "earliest"}})


def change(component, phase, at):
    return PhaseChange("s", component, phase, moment(at))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), None),
        ((("session", "PREPARING", 1), ("storage/x", "AVAILABLE", 2)), None),
        ((("session", "RUNNING", 9), ("compute", "AVAILABLE", 7)), 7),
        ((("executable", "RUNNING", 3), ("data/x", "AVAILABLE", 1)), 3),
        ((("session", "COMPLETED", 3),), None),
    ],
)
def test_the_observed_start(changes, expected):
    course = course_of(change(*one) for one in changes)
    assert course.started == (None if expected is None else moment(expected))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((("session", "RUNNING", 2), ("executable", "COMPLETED", 5)), None),
        ((("session", "COMPLETED", 9), ("session", "RUNNING", 2)), 9),
        ((("session", "CANCELLED", 4), ("session", "FAILED", 7)), 4),
        ((("session", "RELEASING", 4),), None),
    ],
)
def test_the_end_is_the_sessions_own(changes, expected):
    course = course_of(change(*one) for one in changes)
    assert course.ended == (None if expected is None else moment(expected))


def test_data_are_staged_once_the_last_that_moved_is_there():
    changes = [
        change("data/x", "PREPARING", 5),
        change("data/y", "PREPARING", 3),
        change("data/x", "AVAILABLE", 90),
        change("data/local", "AVAILABLE", 999),
    ]
    assert course_of(changes).staged is None
    course = course_of([*changes, change("data/y", "AVAILABLE", 60)])
    assert (course.staging, course.staged) == (moment(3), moment(90))


LAKE = Lake(knowing(facts("A"), facts("B"), facts("C", rses=("B_TAPE",))))
TB = 10**12


def transfer(ago=0.0, seconds=4000.0, size=TB, **promise):
    usual = {"bytes_to_move": size, "sources": ("B_DISK",), "is_sure": True}
    made = session(**{**usual, **promise})
    staged = moment(-ago)
    course = Course(staging=staged - timedelta(seconds=seconds), staged=staged)
    return replace(made, course=course)


def measured(*transfers, lake=LAKE):
    return measured_links(transfers, lake, NOW, 60.0)


def test_windows_are_measured_each_by_itself():
    fast = [transfer(seconds=2000)] * 3
    slow = [transfer(ago=2 * DAY, seconds=8000)] * 3
    link = measured(*fast, *slow)["B", "A"]
    assert link.hour == link.day
    assert link.hour is not None
    assert (link.hour.gbps, link.hour.transfers) == (pytest.approx(4.0), 3)
    assert link.week is not None
    assert link.week.transfers == 6
    assert 1.0 < link.week.gbps < 4.0


@pytest.mark.parametrize(
    "useless",
    [
        {"seconds": 599.0},
        {"is_sure": False},
        {"sources": ("B_DISK", "C_DISK")},
        {"sources": ("B_TAPE",)},
        {"size": 0},
        {"ago": 8 * DAY},
    ],
)
def test_what_tells_nothing_of_a_link(useless):
    assert measured(*[transfer(**useless)] * 9) == {}
    assert set(measured(*[transfer(seconds=600.0)] * 9)) == {("B", "A")}


def test_a_transfer_counts_half_after_half_a_window():
    now, before = [transfer(seconds=2000)] * 3, transfer(ago=DAY / 2, seconds=8000)
    link = measured(*now, *[before] * 3)["B", "A"]
    assert link.day is not None
    assert (link.day.gbps, link.day.transfers) == (pytest.approx(36000 / 18000), 6)


def test_a_window_includes_its_end():
    old = [transfer(ago=7 * DAY)] * 3
    assert measured(*old)["B", "A"].week.gbps == pytest.approx(2.0)


def test_a_transfer_that_took_no_time_tells_nothing():
    at_once = [transfer(seconds=0.0)] * 3
    assert measured_links(at_once, LAKE, NOW, 0.0) == {}


def test_two_transfers_are_too_few():
    assert measured(*[transfer()] * 2) == {}


def test_an_rse_that_nobody_reads_sends_by_itself():
    assert set(measured(*[transfer(sources=(" far_disk",))] * 3)) == {("FAR_DISK", "A")}


def moving(sources, link):
    policy = plain_policy(estimate={"data": {"per_file_s": 0, "link_sources": sources}})
    links = Links(table={("B", "A"): 1.0}, measured={("B", "A"): link})
    knowledge = knowing(
        facts("A"), facts("B"), data=(located("x", 100, "B_DISK"),), links=links
    )
    return ranked(policy, [offer("A")], wanting("x"), knowledge).ranked[0].estimate


WEEK, DAYS = Measured(2.0, 40), Measured(4.0, 5)


@pytest.mark.parametrize(
    ("sources", "link", "ready", "basis"),
    [
        (["measured_1h", "measured_1d"], MeasuredLink(day=DAYS, week=WEEK), 260, "day"),
        (
            ["measured_1h", "measured_1w"],
            MeasuredLink(day=DAYS, week=WEEK),
            460,
            "week",
        ),
        (["configured", "measured_1d"], MeasuredLink(day=DAYS), 860, None),
        (["measured_1h"], MeasuredLink(day=DAYS), 860, None),
        ([], MeasuredLink(DAYS, DAYS, DAYS), 860, None),
    ],
)
def test_where_a_links_throughput_comes_from(sources, link, ready, basis):
    found = moving(sources, link)
    assert found.data_ready == ready
    assert found.confidence is Confidence.HIGH
    assert [f"last {basis}" in note for note in found.notes] == (
        [True] if basis else []
    )
