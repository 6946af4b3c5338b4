"""What a site is and how it is, at the top of its dashboard."""

from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table

from grafana.generator.expressions import growth, metric
from grafana.generator.panels import (
    BAD,
    CALM,
    DOUBTFUL,
    GOOD,
    YES_OR_NO,
    Query,
    Text,
    number,
)
from grafana.generator.site_panels import states
from grafana.generator.tables import Column, table_of

SITE: Final = 'site="$site"'
"""Selects the site that is chosen at the dashboard's top."""

_DAY: Final = 86400


def facts() -> tuple[StateTimeline | Stat | Table, ...]:
    """Return the panels in their order."""
    return (
        states(f"{SITE}, ", height=4),
        _time_up(),
        _last_success(),
        _clock_skew(),
        _certificate(),
        _ejections_in_range(),
        _downtime(),
        _identity(),
    )


def _time_up() -> Stat:
    return number(
        Text(
            "Up",
            "Share of the time range in which requests could go to the site.",
            "unknown",
        ),
        Query(f"avg(avg_over_time({metric('site_up', SITE)}[$__range]))"),
        unit="percentunit",
        base=BAD,
        steps=((0.9, DOUBTFUL), (0.99, GOOD)),
    )


def _last_success() -> Stat:
    succeeded = metric("site_last_success_timestamp_seconds", SITE)
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
        Query(f"avg({metric('site_clock_skew_seconds', SITE)})"),
        unit="s",
        base=DOUBTFUL,
        steps=((-30, GOOD), (30, DOUBTFUL)),
    )


def _certificate() -> Stat:
    expires = metric("site_cert_expiry_timestamp_seconds", SITE)
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
        Query(growth("site_ejections_total", where=SITE)),
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
        Query(f"max({metric('site_in_downtime', SITE)})"),
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
                f"max by ({', '.join(labels)}) ({metric('site_info', SITE)}) "
                "* on (site) group_left () "
                f"max by (site) ({metric('site_required', SITE)})",
                unit=YES_OR_NO,
            )
        ],
        labels=labels,
        height=4,
    )
