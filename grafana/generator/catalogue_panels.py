"""Panels about replica catalogues: is it known where the data are."""

from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import per_minute, quantile
from grafana.generator.panels import BAD, CALM, FAIR, GOOD, Query, Text, series

_NOT_CALLED = "no calls"


def lookups() -> TimeSeries:
    """Return what was known of the data that users asked for."""
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


def catalogue_calls() -> TimeSeries:
    """Return calls to the catalogue by how they ended."""
    return series(
        Text(
            "Calls to the replica catalogue, by how they ended",
            "All but ok and not_found leave the ranking without knowing where data "
            "are. A catalogue that is a file is not called.",
            _NOT_CALLED,
        ),
        Query(per_minute("catalogue_requests_total", "outcome"), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors={"ok": GOOD, "not_found": CALM},
    )


def catalogue_durations() -> TimeSeries:
    """Return how long calls to the catalogue take."""
    return series(
        Text(
            "How long calls to the replica catalogue took",
            "The median, and what 95 of 100 calls stayed below. Requests for offers "
            "are sent out meanwhile.",
            _NOT_CALLED,
        ),
        *(
            Query(quantile(of / 100, "catalogue_request_duration_seconds"), f"{of} %")
            for of in (50, 95)
        ),
        unit="s",
    )


def catalogue_memory() -> TimeSeries:
    """Return what is remembered of the catalogue."""
    return series(
        Text(
            "What is remembered of the replica catalogue",
            "Datasets that were asked for: remembered (hit, or unknown), being asked "
            "for already (joined), asked for anew (missed), or not asked for because "
            "the catalogue fails (paused, or stale where something old is known).",
            _NOT_CALLED,
        ),
        Query(per_minute("catalogue_reads_total", "outcome"), "{{outcome}}"),
        unit="cpm",
        stacked=True,
        colors={"hit": GOOD, "missed": CALM, "paused": BAD, "stale": FAIR},
    )
