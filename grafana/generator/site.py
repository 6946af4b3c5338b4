"""The detail of one site: what it does, and why it is in its state."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.acceptance_panels import (
    acceptances_by_outcome,
    releases_by_outcome,
)
from grafana.generator.estimate_panels import start_errors
from grafana.generator.expressions import growth, metric, per_minute, quantile
from grafana.generator.frame import SITE_DETAIL, framed, site_variable, with_panels
from grafana.generator.panels import (
    BAD,
    CALM,
    DOUBTFUL,
    FAIR,
    GOOD,
    YES_OR_NO,
    Query,
    Text,
    number,
    series,
)
from grafana.generator.ranking_panels import ranks
from grafana.generator.session_panels import (
    sessions_by_phase,
    sessions_now,
    staleness_by_site,
)
from grafana.generator.site_panels import states
from grafana.generator.tables import Column, table_of

_SITE: Final = 'site="$site"'
_NOT_CALLED: Final = "no calls"
_DAY: Final = 86400


def site() -> Dashboard:
    """Return the dashboard of the site that is chosen at its top."""
    board = framed(
        SITE_DETAIL,
        "Meta-broker: site",
        "One site: its state and why, how its broker answers, and what becomes of its "
        "offers.",
    ).with_variable(site_variable())
    board.with_row(Row("$site"))
    with_panels(
        board,
        states(f"{_SITE}, ", height=4),
        _time_up(),
        _last_success(),
        _clock_skew(),
        _certificate(),
        _ejections_in_range(),
        _downtime(),
        _identity(),
    )
    board.with_row(Row("Calls to its broker"))
    with_panels(board, _calls(), _outcomes(), _durations(), _ejections(), _open_calls())
    board.with_row(Row("Its offers"))
    with_panels(
        board,
        _offers(),
        ranks(_SITE),
        _late_answers(),
        _not_asked(),
        start_errors(_SITE),
    )
    board.with_row(Row("Its acceptances and sessions"))
    with_panels(
        board,
        acceptances_by_outcome(_SITE),
        releases_by_outcome(_SITE),
        sessions_now(_SITE),
        staleness_by_site(_SITE),
        sessions_by_phase(_SITE),
    )
    return board


def _time_up() -> Stat:
    return number(
        Text(
            "Up",
            "Share of the time range in which requests could go to the site.",
            "unknown",
        ),
        Query(f"avg(avg_over_time({metric('site_up', _SITE)}[$__range]))"),
        unit="percentunit",
        base=BAD,
        steps=((0.9, DOUBTFUL), (0.99, GOOD)),
    )


def _last_success() -> Stat:
    succeeded = metric("site_last_success_timestamp_seconds", _SITE)
    return number(
        Text(
            "Since last success",
            "How long ago a call to the site last succeeded, a probe included.",
            "never",
        ),
        Query(f"time() - max({succeeded})"),
        unit="s",
        base=GOOD,
        steps=((300, DOUBTFUL), (3600, BAD)),
    )


def _clock_skew() -> Stat:
    return number(
        Text(
            "Clock",
            "Seconds by which the site's clock is ahead of ours; below 0 it is behind. "
            "Offers expire by the site's clock.",
            "unknown",
        ),
        Query(f"avg({metric('site_clock_skew_seconds', _SITE)})"),
        unit="s",
        base=DOUBTFUL,
        steps=((-30, GOOD), (30, DOUBTFUL)),
    )


def _certificate() -> Stat:
    expires = metric("site_cert_expiry_timestamp_seconds", _SITE)
    return number(
        Text(
            "Certificate",
            "How long the TLS certificate of the site's broker is still good for.",
            "none",
        ),
        Query(f"min({expires}) - time()"),
        unit="s",
        base=BAD,
        steps=((14 * _DAY, DOUBTFUL), (30 * _DAY, GOOD)),
    )


def _ejections_in_range() -> Stat:
    return number(
        Text(
            "Ejections",
            "How often the site was ejected in the time range, over all replicas.",
            "none",
        ),
        Query(growth("site_ejections_total", where=_SITE)),
        base=GOOD,
        steps=((0.5, DOUBTFUL),),
        decimals=0,
    )


def _downtime() -> Stat:
    return number(
        Text(
            "In downtime",
            "Whether the site is in a downtime now, of the configuration or registry.",
            "no",
        ),
        Query(f"max({metric('site_in_downtime', _SITE)})"),
        unit=YES_OR_NO,
        base=GOOD,
        steps=((1, CALM),),
    )


def _identity() -> Table:
    labels = {
        "site": "Site",
        "parent_node_name": "Node",
        "adapter": "Adapter",
        "dialect": "Dialect",
        "version": "Version",
    }
    return table_of(
        Text(
            "What it is",
            "The site's configuration, and the version that its broker tells. Every "
            "request waits for a site that is required.",
            "unknown",
        ),
        [
            Column(
                "Required",
                f"max by ({', '.join(labels)}) ({metric('site_info', _SITE)}) "
                "* on (site) group_left () "
                f"max by (site) ({metric('site_required', _SITE)})",
                unit=YES_OR_NO,
            )
        ],
        labels=labels,
        height=4,
    )


def _calls() -> TimeSeries:
    return series(
        Text(
            "Calls, by what they were for",
            "Requests for offers, readings and updates of sessions, and probes.",
            _NOT_CALLED,
        ),
        Query(per_minute("site_requests_total", "op", _SITE), "{{op}}"),
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
        Query(per_minute("site_requests_total", "outcome", _SITE), "{{outcome}}"),
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
                quantile(of / 100, "site_request_duration_seconds", "op", _SITE),
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
        Query(f"sum({metric('site_inflight', _SITE)})", "open"),
    )


def _ejections() -> TimeSeries:
    return series(
        Text(
            "Ejections, by the last failure before",
            "An ejected site gets no requests for offers until a trial succeeds.",
            "no ejections",
        ),
        Query(per_minute("site_ejections_total", "reason", _SITE), "{{reason}}"),
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
            Query(per_minute(f"offers_{step}_total", where=_SITE), step)
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
        Query(per_minute("site_not_asked_total", "reason", _SITE), "{{reason}}"),
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
        Query(per_minute("late_answers_total", "joined", _SITE), "joined: {{joined}}"),
        unit="cpm",
        stacked=True,
    )
