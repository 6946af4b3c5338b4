"""The detail of one site: what it does, and why it is in its state."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.acceptance_panels import (
    acceptances_by_outcome,
    releases_by_outcome,
)
from grafana.generator.estimate_panels import start_errors
from grafana.generator.expressions import metric, per_minute, quantile
from grafana.generator.frame import SITE_DETAIL, framed, site_variable, with_panels
from grafana.generator.panels import (
    BAD,
    CALM,
    DOUBTFUL,
    FAIR,
    GOOD,
    Query,
    Text,
    series,
)
from grafana.generator.ranking_panels import ranks
from grafana.generator.session_panels import (
    sessions_by_phase,
    sessions_now,
    staleness_by_site,
)
from grafana.generator.site_facts import SITE, facts

_NOT_CALLED: Final = "no calls"


def site() -> Dashboard:
    """Return the dashboard of the site that is chosen at its top."""
    board = framed(
        SITE_DETAIL,
        "Meta-broker: site",
        "One site: its state and why, how its broker answers, and what becomes of its "
        "offers.",
    ).with_variable(site_variable())
    board.with_row(Row("$site"))
    with_panels(board, *facts())
    board.with_row(Row("Calls to its broker"))
    with_panels(board, _calls(), _outcomes(), _durations(), _ejections(), _open_calls())
    board.with_row(Row("Its offers"))
    with_panels(
        board,
        _offers(),
        ranks(SITE),
        _late_answers(),
        _not_asked(),
        start_errors(SITE),
    )
    board.with_row(Row("Its acceptances and sessions"))
    with_panels(
        board,
        acceptances_by_outcome(SITE),
        releases_by_outcome(SITE),
        sessions_now(SITE),
        staleness_by_site(SITE),
        sessions_by_phase(SITE),
    )
    return board


def _calls() -> TimeSeries:
    return series(
        Text(
            "Calls, by what they were for",
            "Requests for offers, readings and updates of sessions, and probes.",
            _NOT_CALLED,
        ),
        Query(per_minute("site_requests_total", "op", SITE), "{{op}}"),
        unit="cpm",
        stacked=True,
    )


def _outcomes() -> TimeSeries:
    return series(
        Text(
            "Calls, by how they ended",
            "All but ok and no_offer is worth a look; docs/metrics.md lists them all.",
            _NOT_CALLED,
        ),
        Query(per_minute("site_requests_total", "outcome", SITE), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors={
            "ok": GOOD,
            "no_offer": CALM,
            "timeout": DOUBTFUL,
            "error_5xx": BAD,
            "connect_error": BAD,
            "unauthorized": FAIR,
            "no_token": FAIR,
        },
    )


def _durations() -> TimeSeries:
    return series(
        Text(
            "How long calls took",
            "The median, and what 95 of 100 calls stayed below, by what they were for.",
            _NOT_CALLED,
        ),
        *(
            Query(
                quantile(of / 100, "site_request_duration_seconds", "op", SITE),
                f"{{{{op}}}} {of} %",
            )
            for of in (50, 95)
        ),
        unit="s",
    )


def _open_calls() -> TimeSeries:
    return series(
        Text(
            "Open calls",
            "Calls to the site that are open, over all replicas.",
            _NOT_CALLED,
        ),
        Query(f"sum({metric('site_inflight', SITE)})", "open"),
    )


def _ejections() -> TimeSeries:
    return series(
        Text(
            "Ejections, by the last failure before",
            "An ejected site gets no requests for offers until a trial succeeds.",
            "no ejections",
        ),
        Query(per_minute("site_ejections_total", "reason", SITE), "{{reason}}"),
        unit="cpm",
        stacked=True,
    )


def _offers() -> TimeSeries:
    return series(
        Text(
            "Offers on their way",
            "Made by the site, given to clients, and accepted.",
            "no offers",
        ),
        *(
            Query(per_minute(f"offers_{step}_total", where=SITE), step)
            for step in ("received", "returned", "won")
        ),
        unit="cpm",
        colors={"received": CALM, "returned": FAIR, "won": GOOD},
    )


def _not_asked() -> TimeSeries:
    return series(
        Text(
            "Requests that didn't go there, by reason",
            "Requests for offers that were answered without asking the site: its "
            "breaker was open, it was drained or in a downtime, it can't do what was "
            "asked for, or too many calls to it were open.",
            "all went there",
        ),
        Query(per_minute("site_not_asked_total", "reason", SITE), "{{reason}}"),
        unit="cpm",
        stacked=True,
    )


def _late_answers() -> TimeSeries:
    return series(
        Text(
            "Late answers",
            "Answers after the client had its own: joined to the offer set, or "
            "released because something of it was accepted.",
            "no late answers",
        ),
        Query(per_minute("late_answers_total", "joined", SITE), "joined: {{joined}}"),
        unit="cpm",
        stacked=True,
    )
