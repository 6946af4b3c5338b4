"""What the operators' page says and draws of a site."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.breaker import BreakerState
from aggregator.domain.drains import Drain
from aggregator.domain.events import SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.domain.site_conditions import SiteReport, SyntheticReading
from aggregator.domain.sites import Downtime, Site
from aggregator.domain.tallies import SiteTally
from aggregator.http.pages.drawings import HEIGHT, WIDTH, drawing
from aggregator.http.pages.sites import sheet_of
from aggregator.services.site_activity import KEPT, Activity, Latency
from aggregator.services.site_board import Board, SiteView

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = Site("jpsrc", "https://broker.example", node="JPSRC", dialect="auto")
REPORT = SiteReport(
    "jpsrc",
    SiteState.UP,
    "requests are answered",
    NOW - timedelta(seconds=75),
    SiteState.UP,
    "requests are answered",
)
VIEW = SiteView(SITE, REPORT, None, None, None, 3, SiteTally(200, 13, 4), Activity())


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def calls(*seconds):
    """Return calls that took so many seconds; None is one that failed."""
    return [Latency(0.0, one or 1.0, one is None) for one in seconds]


def row_of(*, to_operator=False, report=None, **members):
    view = replace(VIEW, report=replace(REPORT, **report or {}), **members)
    [row] = sheet_of(Board(NOW, [view]), to_operator=to_operator).rows
    return row


def fact(row, name):
    [found] = [one for one in row.facts if one.name == name]
    return found


def test_a_row_says_how_a_site_is_and_since_when():
    row = row_of()
    assert (row.words, row.since.words) == ("up", "for 1 min 15 s")
    assert (row.node, row.beneath, row.breaker, row.last_error) == ("", "", "", None)
    assert (row.offers, row.wins, row.share, row.open_reservations) == (
        *("200", "13", "6%", "4"),
    )


def test_what_the_store_does_not_say_is_not_made_up():
    row = row_of(tally=None)
    assert (row.offers, row.wins, row.share, row.open_reservations) == (
        *("?", "?", "", "?"),
    )


def test_a_node_of_another_name_is_shown():
    assert row_of(site=replace(SITE, node="SKAO")).node == "SKAO"


def test_who_drained_is_for_operators():
    drain = Drain("jpsrc", NOW, later(7200), "olga of https://iam.example", "racks")
    report = {"state": SiteState.DRAINED, "why": "racks", "until": drain.until}
    for_all = row_of(drain=drain, report=report)
    assert (for_all.why, for_all.until.words) == ("racks", "in 2 h")
    assert for_all.beneath == "its answers say: up, requests are answered"
    for_operators = row_of(to_operator=True, drain=drain, report=report)
    assert for_operators.why == "racks (by olga of https://iam.example)"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"consecutive_errors": 1}, "Breaker closed after 1 error in a row"),
        ({"consecutive_errors": 4}, "Breaker closed after 4 errors in a row"),
        (
            {"breaker": BreakerState.OPEN, "next_trial_in": 12.4},
            "Breaker open: next trial in 12 s",
        ),
        (
            {"breaker": BreakerState.HALF_OPEN, "next_trial_in": 0.0},
            "Breaker half open: the next request is its trial",
        ),
    ],
)
def test_a_breaker_is_spoken_of_where_it_does_something(report, words):
    assert row_of(report=report).breaker == words


def test_the_last_error_has_its_code_and_moment():
    row = row_of(
        report={
            "last_error": "request: it answered 500",
            "last_error_code": Outcome.ERROR_5XX,
            "last_error_at": later(-90),
        }
    )
    assert (row.last_error.name, row.last_error.when.words) == (
        "error 5xx",
        "1 min 30 s ago",
    )


@pytest.mark.parametrize(
    ("skew", "text", "warns"),
    [
        (0.4, "within a second of ours", False),
        (1.5, "2 s ahead of ours", False),
        (-75.0, "1 min 15 s behind ours", True),
    ],
)
def test_a_clock_that_is_wrong_is_warned_of(skew, text, warns):
    found = fact(row_of(report={"clock_skew": skew}), "Clock")
    assert (found.text, found.warns) == (text, warns)


@pytest.mark.parametrize(("days", "warns"), [(13, True), (15, False)])
def test_a_certificate_that_soon_ends_is_warned_of(days, warns):
    report = {"certificate_expires": later(days * 86400)}
    found = fact(row_of(report=report), "Certificate")
    assert (found.warns, found.when.words) == (warns, f"in {days} d")


def test_downtimes_are_told_with_what_is_to_come():
    now = Downtime(later(-60), later(60), "network", planned=False)
    then = Downtime(later(1e7), later(2e7))
    row = row_of(downtime=now, next_downtime=then)
    assert fact(row, "Downtime").text == (
        "unplanned, 2026-03-01 11:59 UTC to 2026-03-01 12:01 UTC: network"
    )
    assert fact(row, "Downtime").when.words == "in 1 min"
    assert fact(row, "Next downtime").when.words == "2026-06-25"
    assert fact(row_of(), "Downtime").text == "none known"


def test_the_dialect_is_the_one_that_is_spoken():
    assert fact(row_of(), "Dialect").text == "not known yet (configured: auto)"
    spoken = row_of(report={"dialect": "2026-07"})
    assert fact(spoken, "Dialect").text == "2026-07 (configured: auto)"
    named = row_of(report={"dialect": "2026-07"}, site=replace(SITE, dialect="2026-07"))
    assert fact(named, "Dialect").text == "2026-07"


def test_a_synthetic_probe_that_failed_is_warned_of():
    reading = SyntheticReading(later(-30), Outcome.TIMEOUT, 30.0, 0, "nothing came")
    found = fact(row_of(report={"synthetic": reading}), "End to end")
    assert (found.text, found.warns) == ("timeout, 0 offers: nothing came", True)


def test_the_sheet_counts_states_the_most_frequent_first():
    states = [SiteState.UP, SiteState.HALF_OPEN, SiteState.DOWN, SiteState.HALF_OPEN]
    views = [replace(VIEW, report=replace(REPORT, state=state)) for state in states]
    sheet = sheet_of(Board(NOW, views), to_operator=False)
    assert sheet.usable == 3
    assert sheet.counts == (
        ("half_open", "half open", 2),
        ("up", "up", 1),
        ("down", "down", 1),
    )


def points(drawn):
    return [
        [tuple(map(float, point.split(","))) for point in line.split()]
        for line in drawn.lines
    ]


def test_the_newest_call_is_at_the_right_and_the_slowest_at_the_top():
    drawn = drawing("probes", calls(0.1, 0.4, 0.2))
    [line] = points(drawn)
    assert line[-1][0] == WIDTH - 2
    assert [y for _, y in line] == [20.0, 2.0, 14.0]
    assert drawn.words == "median 200\N{NO-BREAK SPACE}ms, p95 400\N{NO-BREAK SPACE}ms"


def test_failures_break_the_line():
    drawn = drawing("probes", calls(0.1, None, 0.2, None))
    assert [len(line) for line in points(drawn)] == [2, 2]
    assert len(drawn.failures) == 2
    assert drawn.words.endswith("; 2 of 4 failed")


def test_a_full_ring_fits_the_drawing():
    drawn = drawing("requests", calls(*[2.0] * (KEPT + 5)))
    [line] = points(drawn)
    assert len(line) == KEPT
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
    assert "2.0\N{NO-BREAK SPACE}s" in drawn.words


def test_nothing_is_drawn_of_nothing():
    assert drawing("probes", []).words == "no probes yet"
    only_failed = drawing("requests", calls(None, None))
    assert (only_failed.lines, only_failed.words) == ((), "2 of 2 failed")
