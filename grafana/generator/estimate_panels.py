"""Panels about the ranking's estimates: do sessions start when it said."""

from typing import Final

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import RANGE, RATE_INTERVAL, growth, share
from grafana.generator.panels import (
    BAD,
    DOUBTFUL,
    FAIR,
    GOOD,
    Query,
    Text,
    bars,
    number,
    series,
)

_NOTHING_STARTED: Final = "nothing started"
_REGRETS: Final = (
    (0, "none"),
    (10, "at most 10 min"),
    (30, "at most 30 min"),
    (60, "at most 60 min"),
)


def starts_within(minutes: int) -> Stat:
    """Return how often sessions start when the ranking said."""
    seconds = f"{minutes * 60:.1f}"
    return number(
        Text(
            f"Starts within {minutes} min",
            f"Share of the sessions in the time range that started within {minutes} "
            "minutes of their estimated start.",
            _NOTHING_STARTED,
        ),
        Query(
            share(
                _within(seconds, RANGE),
                growth("ets_error_seconds_count"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.5, DOUBTFUL), (0.8, GOOD)),
    )


def start_errors(where: str = "") -> TimeSeries:
    """Return how far estimated starts were off."""
    total = growth("ets_error_seconds_count", where=where, over=RATE_INTERVAL)
    return series(
        Text(
            "Starts against their estimates",
            "Share of the sessions that started within 1, 10, 30 and 60 minutes of the "
            "start that the ranking had estimated.",
            _NOTHING_STARTED,
        ),
        *(
            Query(
                share(_within(f"{60 * minutes:.1f}", RATE_INTERVAL, where), total),
                f"within {minutes} min",
            )
            for minutes in (1, 10, 30, 60)
        ),
        unit="percentunit",
        at_most=1,
        colors={
            "within 1 min": GOOD,
            "within 10 min": FAIR,
            "within 30 min": DOUBTFUL,
            "within 60 min": BAD,
        },
    )


def late_starts_by_site() -> Bars:
    """Return each site's part of sessions that started late."""
    late = growth("ets_error_seconds_count", "site")
    in_time = growth("ets_error_seconds_bucket", "site", 'le="600.0"')
    return bars(
        Text(
            "Late starts, by site",
            "Share of the site's sessions in the time range that started more than 10 "
            "minutes after their estimated start.",
            _NOTHING_STARTED,
        ),
        Query(f"sort_desc(1 - {share(in_time, late)})", "{{site}}"),
        unit="percentunit",
    )


def regrets() -> TimeSeries:
    """Return what the accepted offers cost against their alternatives."""
    total = growth("rank_regret_seconds_count", over=RATE_INTERVAL)
    return series(
        Text(
            "Regret",
            "Share of the sessions that started no later than any other offer of their "
            "set was estimated to, and at most 10, 30 and 60 minutes later. The other "
            "offers never ran: their estimates stand for them.",
            _NOTHING_STARTED,
        ),
        *(
            Query(
                share(
                    growth(
                        "rank_regret_seconds_bucket",
                        where=f'le="{60 * minutes:.1f}"',
                        over=RATE_INTERVAL,
                    ),
                    total,
                ),
                legend,
            )
            for minutes, legend in _REGRETS
        ),
        unit="percentunit",
        at_most=1,
        colors=dict(
            zip((one for _, one in _REGRETS), (GOOD, FAIR, DOUBTFUL, BAD), strict=True)
        ),
    )


def _within(seconds: str, over: str, where: str = "") -> str:
    late = f"{where}, " if where else ""
    upper = growth("ets_error_seconds_bucket", where=f'{late}le="{seconds}"', over=over)
    lower = growth(
        "ets_error_seconds_bucket", where=f'{late}le="-{seconds}"', over=over
    )
    return f"({upper} - {lower})"
