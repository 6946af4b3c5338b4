"""Panels about offers: who makes them, and who wins."""

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.expressions import growth, metric, per_minute, share_each
from grafana.generator.panels import Query, Text, bars, series
from grafana.generator.site_panels import TO_SITE


def offers_by_site() -> TimeSeries:
    """Return the offers that sites made."""
    return series(
        Text(
            "Offers, by site",
            "Offers that sites made, before any were filtered.",
            "no offers",
        ),
        Query(per_minute("offers_received_total", "site"), "{{site}}"),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )


def late_answers_by_site() -> TimeSeries:
    """Return the answers that came late."""
    return series(
        Text(
            "Late answers, by site",
            "Answers that came after the client had its own. They join the offer set "
            "while nothing of it was accepted.",
            "no late answers",
        ),
        Query(per_minute("late_answers_total", "site"), "{{site}}"),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )


def open_offers_by_site() -> TimeSeries:
    """Return the offers that wait for their users."""
    per_site = f"max by (site) ({metric('reservations_open')})"
    return series(
        Text(
            "Open offers, by site",
            "Offers that wait for their users: each reserves something at its site. "
            "They are counted four times a minute.",
            "none",
        ),
        Query(per_site, "{{site}}"),
        stacked=True,
        links=[TO_SITE],
    )


def share_of_offers() -> Bars:
    """Return each site's part of what clients were given."""
    return _shares("Share of offers", "given to clients", "offers_returned_total")


def share_of_acceptances() -> Bars:
    """Return each site's part of what was accepted."""
    return _shares("Share of acceptances", "accepted", "offers_won_total")


def _shares(title: str, what: str, name: str) -> Bars:
    return bars(
        Text(
            title,
            f"Each site's part of all offers that were {what} in the time range. A "
            "site whose part of acceptances is far below its part of offers is ranked "
            "low, or refuses.",
            "none yet",
        ),
        Query(
            f"sort_desc({share_each(growth(name, 'site'), growth(name))})", "{{site}}"
        ),
        unit="percentunit",
    )
