"""Panels about the ranking: what it takes out, puts first, and users take."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import (
    RATE_INTERVAL,
    growth,
    metric,
    per_minute,
    share,
)
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
from grafana.generator.tables import Column, table_of

_NO_OFFERS: Final = "no offers"
_FIRST: Final = 'le="1.0"'
_RANK_COLORS: Final = {
    "rank 1 or better": GOOD,
    "rank 3 or better": FAIR,
    "rank 10 or better": DOUBTFUL,
}


def acceptances_of_the_first() -> Stat:
    """Return how often users take what was ranked first."""
    return number(
        Text(
            "First offer accepted",
            "Share of the acceptances in the time range that took the offer of rank "
            "1. Where it is low, users don't want what the policy prefers, or it is "
            "refused.",
            "no acceptances",
        ),
        Query(
            share(
                growth("accepted_rank_bucket", where=_FIRST),
                growth("accepted_rank_count"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.5, DOUBTFUL), (0.8, GOOD)),
    )


def dropped_offers() -> Stat:
    """Return how many offers the filters took."""
    return number(
        Text(
            "Offers filtered",
            "Share of the offers in the time range that the policy's filters and its "
            "trimming took out.",
            _NO_OFFERS,
        ),
        Query(share(growth("offers_filtered_total"), growth("offers_received_total"))),
        unit="percentunit",
    )


def located_data() -> Stat:
    """Return how much of the requested data has known replicas."""
    return number(
        Text(
            "Data located",
            "Share of the datasets in the time range that the replica catalogue knew. "
            "The rest count as data of unknown size and place.",
            "no data asked for",
        ),
        Query(
            share(
                growth("locality_lookups_total", where='outcome="located"'),
                growth("locality_lookups_total"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.5, DOUBTFUL), (0.9, GOOD)),
    )


def funnel() -> Bars:
    """Return how many offers are left after each step."""
    return bars(
        Text(
            "From offers to acceptances",
            "How many offers sites made in the time range, how many clients were "
            "given, how many of these at rank 1, and how many were accepted.",
            _NO_OFFERS,
        ),
        Query(growth("offers_received_total"), "made by sites"),
        Query(growth("offers_returned_total"), "given to clients"),
        Query(growth("offer_rank_bucket", where=_FIRST), "of these at rank 1"),
        Query(growth("offers_won_total"), "accepted"),
    )


def filtered_offers() -> TimeSeries:
    """Return the offers that each filter took."""
    return series(
        Text(
            "Offers taken out, by filter",
            "Offers that a filter of the policy, or a limit of its trimming, took out. "
            "They are released.",
            "no offers",
        ),
        Query(per_minute("offers_filtered_total", "filter"), "{{filter}}"),
        unit="cpm",
        stacked=True,
    )


def wins_by_site() -> TimeSeries:
    """Return the acceptances by site."""
    return series(
        Text(
            "Acceptances, by site",
            "Offers that were accepted.",
            "no acceptances",
        ),
        Query(per_minute("offers_won_total", "site"), "{{site}}"),
        unit="cpm",
        stacked=True,
    )


def first_ranks() -> TimeSeries:
    """Return which sites' offers are ranked first."""
    return series(
        Text(
            "Offers at rank 1, by site",
            "Whose offer the ranking put first.",
            _NO_OFFERS,
        ),
        Query(per_minute("offer_rank_bucket", "site", _FIRST), "{{site}}"),
        unit="cpm",
        stacked=True,
    )


def ranks(where: str) -> TimeSeries:
    """Return the ranks of a site's offers."""
    return series(
        Text(
            "Ranks of its offers",
            "Share of the site's offers that were given at rank 1, and among the first "
            "3 and 10.",
            _NO_OFFERS,
        ),
        *_among_the_first("offer_rank", f"{where}, "),
        unit="percentunit",
        at_most=1,
        colors=_RANK_COLORS,
    )


def accepted_ranks() -> TimeSeries:
    """Return the ranks of what users accept."""
    return series(
        Text(
            "Ranks of accepted offers",
            "Share of the accepted offers that were at rank 1, and among the first 3 "
            "and 10.",
            "no acceptances",
        ),
        *_among_the_first("accepted_rank"),
        unit="percentunit",
        at_most=1,
        colors=_RANK_COLORS,
    )


def _among_the_first(histogram: str, where: str = "") -> Iterator[Query]:
    total = growth(f"{histogram}_count", where=where.rstrip(", "), over=RATE_INTERVAL)
    for rank in (1, 3, 10):
        reached = growth(
            f"{histogram}_bucket", where=f'{where}le="{rank}.0"', over=RATE_INTERVAL
        )
        yield Query(share(reached, total), f"rank {rank} or better")


def policies() -> Table:
    """Return the policies that decide."""
    labels = {"name": "Policy", "revision": "Revision", "sha256": "SHA-256"}
    return table_of(
        Text(
            "Policies in use",
            "The ranking policies of the configuration, and how many replicas have "
            "each. Replicas that differ rank differently.",
            "none",
        ),
        [
            Column(
                "Replicas",
                f"count by ({', '.join(labels)}) ({metric('policy_info')})",
            )
        ],
        labels=labels,
        width=12,
        height=8,
    )
