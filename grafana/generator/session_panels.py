"""Panels about the sessions that came of offers."""

from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import per_minute
from grafana.generator.panels import BAD, CALM, FAINT, FAIR, GOOD, Query, Text, series


def sessions_by_phase(where: str = "") -> TimeSeries:
    """Return sessions by the phases that they reach."""
    return series(
        Text(
            "Sessions, by the phase that they reached",
            "Sessions that were first seen in a phase; one that comes to its end is "
            "counted in each on its way.",
            "no sessions",
        ),
        Query(per_minute("session_phases_total", "phase", where), "{{phase}}"),
        unit="cpm",
        colors={
            "ACCEPTED": CALM,
            "RUNNING": FAIR,
            "COMPLETED": GOOD,
            "FAILED": BAD,
            "CANCELLED": FAINT,
        },
    )


def failed_sessions_by_site() -> TimeSeries:
    """Return the sessions that failed, by site."""
    return series(
        Text(
            "Sessions that failed, by site",
            "Sessions that their site said had failed.",
            "no sessions",
        ),
        Query(per_minute("session_phases_total", "site", 'phase="FAILED"'), "{{site}}"),
        unit="cpm",
        stacked=True,
    )
