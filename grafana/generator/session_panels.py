"""Panels about the sessions that came of offers."""

from typing import Final

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
    series,
)

_COLORS: Final = {
    "OFFERED": DOUBTFUL,
    "ACCEPTED": CALM,
    "WAITING": "#8ab8ff",
    "PREPARING": "#b877d9",
    "AVAILABLE": "#96d98d",
    "RUNNING": FAIR,
    "RELEASING": "#b6a57a",
    "COMPLETED": GOOD,
    "FAILED": BAD,
    "CANCELLED": FAINT,
}


def sessions_now(where: str = "") -> TimeSeries:
    """Return the sessions that haven't ended, by phase."""
    sessions = metric("sessions", where)
    return series(
        Text(
            "Sessions under way, by phase",
            "Sessions that haven't ended, by the phase they were last seen in. OFFERED "
            "is one of which nobody knows whether its site accepted it.",
            "no sessions",
        ),
        Query(f"sum by (phase) (max by (site, phase) ({sessions}))", "{{phase}}"),
        stacked=True,
        colors=_COLORS,
    )


def staleness_by_site(where: str = "") -> TimeSeries:
    """Return how old what is known of sessions is."""
    staleness = metric("session_staleness_seconds", where)
    return series(
        Text(
            "Age of the oldest reading, by site",
            "How long ago that session was read that wasn't for the longest time. "
            "Sessions are read about once a minute.",
            "no sessions",
        ),
        Query(f"max by (site) ({staleness})", "{{site}}"),
        unit="s",
    )


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
        colors=_COLORS,
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
