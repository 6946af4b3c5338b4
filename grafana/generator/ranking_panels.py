"""Panels about the ranking: what it takes out, and whether it is honest."""

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import (
    RANGE,
    RATE_INTERVAL,
    growth,
    metric,
    per_minute,
    quantile,
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

_NO_OFFERS = "no offers"
_NOTHING_STARTED = "nothing started"


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
                growth("accepted_rank_bucket", where='le="1.0"'),
                growth("accepted_rank_count"),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.5, DOUBTFUL), (0.8, GOOD)),
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
        Query(growth("offer_rank_bucket", where='le="1.0"'), "of these at rank 1"),
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


def ranks_by_site() -> TimeSeries:
    """Return the usual rank of each site's offers."""
    return series(
        Text(
            "Median rank, by site",
            "The rank that half of the site's offers were better than. 1 is the best.",
            _NO_OFFERS,
        ),
        Query(quantile(0.5, "offer_rank", "site"), "{{site}}"),
    )


def accepted_ranks() -> TimeSeries:
    """Return the ranks of what users accept."""
    return series(
        Text(
            "Ranks of accepted offers",
            "The median, and the rank that 90 of 100 accepted offers were at most.",
            "no acceptances",
        ),
        *(Query(quantile(of / 100, "accepted_rank"), f"{of} %") for of in (50, 90)),
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


def lookups() -> TimeSeries:
    """Return what the replica catalogue said."""
    return series(
        Text(
            "Datasets looked up, by outcome",
            "Unanswered: the catalogue did not answer before the client had to be.",
            "no data asked for",
        ),
        Query(per_minute("locality_lookups_total", "outcome"), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors={"located": GOOD, "unknown": FAIR, "unanswered": BAD},
    )


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


def _within(seconds: str, over: str, where: str = "") -> str:
    late = f"{where}, " if where else ""
    upper = growth("ets_error_seconds_bucket", where=f'{late}le="{seconds}"', over=over)
    lower = growth(
        "ets_error_seconds_bucket", where=f'{late}le="-{seconds}"', over=over
    )
    return f"({upper} - {lower})"
