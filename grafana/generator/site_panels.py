"""Panels about sites: all of them, or the one that ``where`` selects."""

from typing import Final

from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import (
    FAULTS,
    growth,
    metric,
    per_minute,
    quantile,
    share,
)
from grafana.generator.frame import link_to_site
from grafana.generator.panels import (
    BAD,
    DOUBTFUL,
    Query,
    Text,
    series,
    timeline,
)
from grafana.generator.request_panels import DEADLINE, NO_REQUESTS
from grafana.generator.states import STATES, state_number
from grafana.generator.tables import Column, table_of

TO_SITE: Final = link_to_site("${__field.labels.site}")
"""From a series of a site to its details."""

_NO_SITE: Final = "no site is configured"
_FAILED: Final = f'outcome=~"{FAULTS}"'
_INFO: Final = ("site", "parent_node_name", "version")


def states(where: str = "", height: int = 9) -> StateTimeline:
    """Return the states of sites over time."""
    return timeline(
        Text(
            "State",
            "Where several replicas of the service run, the worst that one of them "
            "sees. A click leads to the site's details.",
            _NO_SITE,
        ),
        Query(state_number(where), "{{site}}"),
        values=STATES,
        height=height,
        links=[TO_SITE],
    )


def sites_now() -> Table:
    """Return what matters of each site, a row each."""
    return table_of(
        Text(
            "Sites now",
            "Calls, failures and offers are those of the last hour. A failure is a "
            "call that speaks against the site: unreachable, too slow, an error or "
            "rubbish.",
            _NO_SITE,
        ),
        _columns(),
        labels={"site": "Site", "parent_node_name": "Node", "version": "Version"},
        link=link_to_site("${__data.fields.Site}"),
    )


def _columns() -> tuple[Column, ...]:
    calls = growth("site_requests_total", "site", over="1h")
    failed = growth("site_requests_total", "site", _FAILED, over="1h")
    succeeded = metric("site_last_success_timestamp_seconds")
    return (
        Column(
            "State",
            f"{state_number()} * on (site) group_left (parent_node_name, version) "
            f"max by ({', '.join(_INFO)}) ({metric('site_info')})",
            values=STATES,
        ),
        Column(
            "Since last success",
            f"time() - max by (site) ({succeeded})",
            unit="s",
            steps=((300, DOUBTFUL), (3600, BAD)),
        ),
        Column("Calls", calls, decimals=0),
        Column(
            "Failed",
            share(failed, calls),
            unit="percentunit",
            steps=((0.05, DOUBTFUL), (0.5, BAD)),
        ),
        Column(
            "Offers", growth("offers_received_total", "site", over="1h"), decimals=0
        ),
        Column("Accepted", growth("offers_won_total", "site", over="1h"), decimals=0),
        Column("Open calls", f"sum by (site) ({metric('site_inflight')})"),
    )


def failures_by_site() -> TimeSeries:
    """Return the calls that failed, by site."""
    return series(
        Text(
            "Calls that failed, by site",
            "Calls whose outcome speaks against the site.",
            "no calls",
        ),
        Query(per_minute("site_requests_total", "site", _FAILED), "{{site}}"),
        unit="cpm",
        links=[TO_SITE],
    )


def slowness_by_site() -> TimeSeries:
    """Return how long sites take to answer requests for offers."""
    return series(
        Text(
            "How long 95 % of the requests to a site took",
            "Requests for offers; those that were answered late are in it.",
            NO_REQUESTS,
        ),
        Query(
            quantile(0.95, "site_request_duration_seconds", "site", 'op="request"'),
            "{{site}}",
        ),
        DEADLINE,
        unit="s",
        colors={"deadline": BAD},
        links=[TO_SITE],
    )
