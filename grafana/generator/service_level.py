"""The service level: do clients get answers, in time, and how long will it last."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import (
    MONITORED,
    growth,
    metric,
    per_minute,
    quantile,
    share,
)
from grafana.generator.frame import framed, with_panels
from grafana.generator.panels import (
    BAD,
    DOUBTFUL,
    FAIR,
    GOOD,
    Query,
    Text,
    number,
    series,
)
from grafana.generator.request_panels import (
    NO_REQUESTS,
    answers_by_status,
    usual_wait,
    waits,
)

OBJECTIVE: Final = 0.995
"""The share of requests that are to be answered without an error of ours."""

_IN_TIME: Final = "10.0"
_WINDOWS: Final = ("5m", "1h", "6h")
_ASKED: Final = f'route!~"{MONITORED}"'
_FAILED: Final = f'{_ASKED}, code=~"5.."'
_PROCESS: Final = "* on (job, instance) group_left () metabroker_build_info"


def service_level() -> Dashboard:
    """Return the dashboard of what clients may rely on."""
    board = framed(
        "metabroker-service-level",
        "Meta-broker: service level",
        "Whether clients get answers, and in time; how fast the error budget of "
        f"{100 * (1 - OBJECTIVE):g} % is used up; and what the service itself needs.",
    )
    board.with_row(Row("At a glance"))
    with_panels(
        board, _availability(), _budget_left(), _in_time(), usual_wait(), _replicas()
    )
    board.with_row(Row("Answers"))
    with_panels(board, _burn_rates(), answers_by_status(), waits(), _durations())
    board.with_row(Row("Capacity"))
    with_panels(board, _under_way(), _shed(), _processor(), _memory(), _files())
    return board


def _availability() -> Stat:
    return number(
        Text(
            "Availability",
            "Share of the requests in the time range that were answered without a "
            "status of 500 or more, those of monitors left out. A request that no site "
            "answers counts as failed.",
            NO_REQUESTS,
        ),
        Query(f"1 - {_failing('$__range')}"),
        unit="percentunit",
        base=BAD,
        steps=((0.99, DOUBTFUL), (OBJECTIVE, GOOD)),
        decimals=2,
    )


def _budget_left() -> Stat:
    return number(
        Text(
            "Error budget left",
            f"Of the {100 * (1 - OBJECTIVE):g} % of requests that may fail in the time "
            "range, the share that has not failed yet. Below 0 it is overdrawn.",
            NO_REQUESTS,
        ),
        Query(f"1 - {_failing('$__range')} / {1 - OBJECTIVE:g}"),
        unit="percentunit",
        base=BAD,
        steps=((0, DOUBTFUL), (0.5, GOOD)),
    )


def _in_time() -> Stat:
    return number(
        Text(
            "Answered within 10 s",
            "Share of the requests for offers in the time range that were answered "
            "within 10 seconds.",
            NO_REQUESTS,
        ),
        Query(
            share(
                growth("fanout_duration_seconds_bucket", where=f'le="{_IN_TIME}"'),
                growth("fanout_duration_seconds_count"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.9, DOUBTFUL), (0.99, GOOD)),
    )


def _replicas() -> Stat:
    return number(
        Text("Replicas", "Processes of the service that are being scraped.", "none"),
        Query(f"count({metric('build_info')})"),
        base=BAD,
        steps=((1, GOOD),),
    )


def _burn_rates() -> TimeSeries:
    return series(
        Text(
            "Burn rate of the error budget",
            "How many times faster than allowed requests fail, over 5 minutes, an hour "
            "and 6 hours. At 1 the budget lasts exactly as long as the objective's "
            "period; at 14.4 over an hour, 2 % of a month's budget are gone in it.",
            NO_REQUESTS,
        ),
        *(
            Query(f"{_failing(window)} / {1 - OBJECTIVE:g}", window)
            for window in _WINDOWS
        ),
        colors={"5m": FAIR, "1h": DOUBTFUL, "6h": BAD},
    )


def _durations() -> TimeSeries:
    return series(
        Text(
            "How long 95 % of the answers took, by route",
            "All routes; those that ask sites wait for them.",
            NO_REQUESTS,
        ),
        Query(quantile(0.95, "http_request_duration_seconds", "route"), "{{route}}"),
        unit="s",
    )


def _under_way() -> TimeSeries:
    return series(
        Text(
            "Requests for offers under way",
            "On all replicas together, and how many may be. More are refused at once.",
            "none",
        ),
        Query(f"sum({metric('fanouts_inflight')})", "under way"),
        Query(f"sum({metric('fanouts_limit')})", "limit"),
        colors={"limit": BAD},
    )


def _shed() -> TimeSeries:
    return series(
        Text(
            "Requests refused for overload",
            "Requests for offers that came while as many as may be were under way, or "
            "as many offers open: of all users together, or of the one who asked.",
            "none",
        ),
        Query(per_minute("fanouts_shed_total", "scope"), "{{scope}}"),
        unit="reqpm",
        stacked=True,
        colors={"all": BAD, "user": FAIR},
    )


def _processor() -> TimeSeries:
    return series(
        Text(
            "Processor",
            "Of one core, by replica. A replica uses little more than one.",
            "not told on this system",
        ),
        Query(
            f"rate(process_cpu_seconds_total[$__rate_interval]) {_PROCESS}",
            "{{instance}}",
        ),
        unit="percentunit",
    )


def _memory() -> TimeSeries:
    return series(
        Text("Memory", "Resident, by replica.", "not told on this system"),
        Query(f"process_resident_memory_bytes {_PROCESS}", "{{instance}}"),
        unit="bytes",
    )


def _files() -> TimeSeries:
    return series(
        Text(
            "Open files and sockets",
            "As a share of how many there may be, by replica.",
            "not told on this system",
        ),
        Query(
            f"process_open_fds / process_max_fds {_PROCESS}",
            "{{instance}}",
        ),
        unit="percentunit",
    )


def _failing(over: str) -> str:
    failed = growth("http_requests_total", where=_FAILED, over=over)
    return f"({share(failed, growth('http_requests_total', where=_ASKED, over=over))})"
