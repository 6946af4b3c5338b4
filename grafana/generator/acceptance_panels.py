"""Panels about acceptances and releases."""

from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import metric, per_minute
from grafana.generator.panels import (
    BAD,
    CALM,
    DOUBTFUL,
    FAINT,
    FAIR,
    GOOD,
    Query,
    Text,
    number,
    series,
)

_COLORS: Final = {
    "accepted": GOOD,
    "reconciled_accepted": GOOD,
    "adopted": FAIR,
    "refused": DOUBTFUL,
    "reconciled_not": DOUBTFUL,
    "expired": FAINT,
    "conflict": FAINT,
    "ambiguous": BAD,
    "lost": BAD,
}


def unclear_acceptances() -> Stat:
    """Return how many acceptances have an unknown outcome now."""
    return number(
        Text(
            "Unclear acceptances",
            "Acceptances of which nobody knows whether the site took them. Nothing "
            "else of these offer sets can be accepted meanwhile.",
            "none",
        ),
        Query(f"sum({metric('accept_ambiguous')})"),
        base=GOOD,
        steps=((1, BAD),),
    )


def acceptances_by_outcome(where: str = "") -> TimeSeries:
    """Return acceptances by how they ended."""
    return series(
        Text(
            "Acceptances, by how they ended",
            "One that was ambiguous is counted as such, and again by its end.",
            "no acceptances",
        ),
        Query(per_minute("accepts_total", "outcome", where), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors=_COLORS,
    )


def releases_that_wait() -> TimeSeries:
    """Return the length of the release queue."""
    return series(
        Text(
            "Releases that wait",
            "Offers of which their sites have yet to be told that they won't be taken. "
            "They hold resources until then, or until they expire.",
            "none",
        ),
        Query(f"max({metric('loser_release_backlog')})", "waiting"),
        colors={"waiting": CALM},
    )


def releases_by_outcome(where: str = "") -> TimeSeries:
    """Return attempts to release offers, by how they ended."""
    return series(
        Text(
            "Attempts to release, by how they ended",
            "Abandoned: the offer expired before its site could be told.",
            "no releases",
        ),
        Query(per_minute("loser_releases_total", "outcome", where), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors={"released": GOOD, "retried": FAIR, "abandoned": BAD},
    )
