"""Panels about requests for offers and our answers."""

from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import (
    MONITORED,
    RANGE,
    growth,
    metric,
    per_minute,
    quantile,
    share,
)
from grafana.generator.panels import (
    BAD,
    DOUBTFUL,
    FAINT,
    FAIR,
    GOOD,
    Query,
    Text,
    number,
    series,
)

NO_REQUESTS: Final = "no requests"

DEADLINE: Final = Query(f"min({metric('fanout_deadline_seconds')})", "deadline")
"""How long a client waits at most that doesn't say how long."""


def share_of_complete_answers() -> Stat:
    """Return how many requests got all that could be had."""
    return number(
        Text(
            "Complete answers",
            "Share of the requests in the time range that every site that was asked "
            "answered in time.",
            NO_REQUESTS,
        ),
        Query(
            share(
                growth("fanouts_total", where='completeness="complete"'),
                growth("fanouts_total"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.5, DOUBTFUL), (0.8, FAIR), (0.95, GOOD)),
    )


def usual_wait() -> Stat:
    """Return how long clients wait."""
    return number(
        Text(
            "Wait of 95 %",
            "How long 95 of 100 clients waited at most for their offers, over the time "
            "range.",
            NO_REQUESTS,
        ),
        Query(quantile(0.95, "fanout_duration_seconds", over=RANGE)),
        unit="s",
    )


def requests_by_completeness() -> TimeSeries:
    """Return requests by how complete their answer was."""
    return series(
        Text(
            "Requests, by how complete their answer was",
            "Complete: every site that was asked answered in time. None: no site did.",
            NO_REQUESTS,
        ),
        Query(per_minute("fanouts_total", "completeness"), "{{completeness}}"),
        unit="reqpm",
        stacked=True,
        colors={"complete": GOOD, "partial": FAIR, "none": BAD},
    )


def waits() -> TimeSeries:
    """Return how long clients waited, over time."""
    return series(
        Text(
            "How long clients waited",
            "The median, and what 95 and 99 of 100 requests stayed below.",
            NO_REQUESTS,
        ),
        *(
            Query(quantile(of / 100, "fanout_duration_seconds"), f"{of} %")
            for of in (50, 95, 99)
        ),
        DEADLINE,
        unit="s",
        colors={"deadline": BAD},
    )


def what_sites_did() -> TimeSeries:
    """Return sites over all requests, by what they did."""
    return series(
        Text(
            "What sites did, over all requests",
            "Answered in time, asked without an answer in time, or not asked (ejected, "
            "in downtime, disabled, too busy).",
            NO_REQUESTS,
        ),
        Query(per_minute("fanout_sites_total", "result"), "{{result}}"),
        unit="cpm",
        stacked=True,
        colors={"answered": GOOD, "missing": DOUBTFUL, "not_asked": FAINT},
    )


def answers_by_status() -> TimeSeries:
    """Return our answers by their HTTP status."""
    return series(
        Text(
            "Answers to clients, by status",
            "All routes but those that monitors poll.",
            NO_REQUESTS,
        ),
        Query(
            per_minute("http_requests_total", "code", f'route!~"{MONITORED}"'),
            "{{code}}",
        ),
        unit="reqpm",
        stacked=True,
    )
