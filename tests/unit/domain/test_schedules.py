from datetime import UTC, datetime, timedelta

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.schedules import (
    Duration,
    StartInterval,
    format_instant,
    parse_instant,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "months", "seconds"),
    [
        ("PT10M", 0, 600),
        ("PT2M10S", 0, 130),
        ("P1DT2H", 0, 93600),
        ("P1W", 0, 604800),
        ("P1Y2M", 14, 0),
        ("PT0.5S", 0, 0.5),
        ("PT0,5S", 0, 0.5),
        ("-PT5M", 0, -300),
        ("P0D", 0, 0),
    ],
)
def test_durations(text, months, seconds):
    assert Duration.parse(text) == Duration(months, seconds)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "10M", "PT10", "P1H", "PT1M1H", "P9999999999999Y", "00:10"]
)
def test_what_is_not_a_duration_is_refused(text):
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        Duration.parse(text)


@given(
    st.integers(0, 40),
    st.integers(0, 30),
    st.integers(0, 60),
    st.integers(0, 50),
    st.integers(0, 90),
    st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),  # noqa: DTZ001 -- bounds of naive datetimes
)
def test_adding_a_duration_agrees_with_isodate(y, m, d, h, s, moment):
    text = f"P{y}Y{m}M{d}DT{h}H{s}S"
    moment = moment.replace(tzinfo=UTC)
    theirs = moment + isodate.parse_duration(text)
    assert Duration.parse(text).after(moment) == theirs


def test_a_month_after_the_31st_is_the_last_day():
    assert Duration.parse("P1M").after(NOON) == datetime(2026, 2, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2026-01-31T12:00:00Z/PT0S", NOON, NOON),
        ("2026-01-31T12:00:00Z/2026-01-31T13:00:00Z", NOON, NOON + timedelta(hours=1)),
        ("PT2H/2026-01-31T14:00:00+02:00", NOON - timedelta(hours=2), NOON),
        ("2026-01-31T12:00:00Z", NOON, NOON),
        ("PT2H", NOON, NOON + timedelta(hours=2)),
        ("2026-01-31/P1D", NOON.replace(hour=0), NOON.replace(hour=0, month=2, day=1)),
    ],
)
def test_intervals_in_all_their_forms(text, earliest, latest):
    assert StartInterval.parse(text, NOON) == StartInterval(earliest, latest)


@pytest.mark.parametrize("text", ["PT2H", "x/PT1H", "2026-02-01/2026-01-01", "/", "a"])
def test_what_is_not_an_interval_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 -- each has a reason of its own
        StartInterval.parse(text)


def test_the_moment_in_1970_means_unknown():
    assert StartInterval.parse("1970-01-01T00:00:01Z/PT0S").is_unknown
    assert not StartInterval.parse("2026-01-31T12:00:00Z/PT0S").is_unknown


def test_nanoseconds_are_cut_and_offsets_become_utc():
    assert parse_instant("2026-01-31T14:00:00.123456789+02:00") == NOON.replace(
        microsecond=123456
    )
    assert format_instant(NOON) == "2026-01-31T12:00:00Z"
