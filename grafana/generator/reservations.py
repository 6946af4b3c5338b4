"""Reservations and acceptances: what is held at sites, taken, and given back."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.generator.acceptance_panels import (
    acceptances_by_outcome,
    releases_by_outcome,
    releases_that_wait,
    unclear_acceptances,
)
from grafana.generator.expressions import (
    growth,
    metric,
    per_minute,
    quantile,
    share,
)
from grafana.generator.frame import framed, with_panels
from grafana.generator.panels import (
    BAD,
    CALM,
    DOUBTFUL,
    GOOD,
    Query,
    Text,
    number,
    series,
)
from grafana.generator.session_panels import (
    failed_sessions_by_site,
    sessions_by_phase,
    sessions_now,
    staleness_by_site,
)
from grafana.generator.site_panels import TO_SITE

_SETTLED = 'outcome=~"accepted|reconciled_accepted|adopted"'
_DECIDED = 'outcome=~"accepted|refused|reconciled_accepted|reconciled_not|lost|adopted"'
_OPEN = f"sum(max by (site) ({metric('reservations_open')}))"
_UNCLEAR = 'outcome=~"ambiguous|lost"'


def reservations() -> Dashboard:
    """Return the dashboard of what happens to offers after they were shown."""
    board = framed(
        "metabroker-reservations",
        "Meta-broker: reservations and acceptances",
        "Every offer reserves something at its site: what is taken of them, what is "
        "given back, and what stays unclear.",
    )
    board.with_row(Row("At a glance"))
    with_panels(
        board,
        unclear_acceptances(),
        _acceptance_success(),
        _lost(),
        _amplification(),
        _expired_unused(),
        _abandoned(),
    )
    board.with_row(Row("Acceptances"))
    with_panels(
        board,
        _open_offers_over_time(),
        _expired_by_site(),
        acceptances_by_outcome(),
        _refusals_by_site(),
        _unclear_by_site(),
    )
    board.with_row(Row("Releases"))
    with_panels(
        board, releases_that_wait(), releases_by_outcome(), _lags(), _releases_by_site()
    )
    board.with_row(Row("Sessions"))
    with_panels(
        board,
        sessions_now(),
        staleness_by_site(),
        sessions_by_phase(),
        failed_sessions_by_site(),
    )
    return board


def _acceptance_success() -> Stat:
    return number(
        Text(
            "Acceptances that succeeded",
            "Share of the acceptances in the time range that their site took. Offers "
            "that had expired, or whose sibling had won, are not in it.",
            "none",
        ),
        Query(
            share(
                growth("accepts_total", where=_SETTLED),
                growth("accepts_total", where=_DECIDED),
            )
        ),
        unit="percentunit",
        base=BAD,
        steps=((0.8, DOUBTFUL), (0.95, GOOD)),
    )


def _lost() -> Stat:
    return number(
        Text(
            "Lost acceptances",
            "Acceptances in the time range that were still unknown when the offer "
            "expired. The session may run at its site without its user knowing.",
            "none",
        ),
        Query(growth("accepts_total", where='outcome="lost"')),
        base=GOOD,
        steps=((0.5, BAD),),
        decimals=0,
    )


def _amplification() -> Stat:
    return number(
        Text(
            "Offers per acceptance",
            "How many reservations sites made in the time range for one that was "
            "accepted.",
            "none accepted",
        ),
        Query(share(growth("offers_received_total"), growth("offers_won_total"))),
        base=GOOD,
        steps=((50, DOUBTFUL), (200, BAD)),
        decimals=1,
    )


def _open_offers_over_time() -> TimeSeries:
    return series(
        Text(
            "Open offers",
            "Offers that wait for their users, and how many may. They are counted four "
            "times a minute.",
            "none",
        ),
        Query(_OPEN, "open"),
        Query(f"max({metric('reservations_limit')})", "limit"),
        colors={"open": CALM, "limit": BAD},
    )


def _expired_unused() -> Stat:
    return number(
        Text(
            "Offers that nobody wanted",
            "Share of the offers given to clients in the time range that expired with "
            "nobody having accepted, rejected or released them.",
            "no offers",
        ),
        Query(
            share(
                growth("offers_expired_unused_total"), growth("offers_returned_total")
            )
        ),
        unit="percentunit",
        base=GOOD,
        steps=((0.25, DOUBTFUL), (0.5, BAD)),
    )


def _expired_by_site() -> TimeSeries:
    return series(
        Text(
            "Offers that nobody wanted, by site",
            "Offers that expired with nobody having accepted, rejected or released "
            "them: the site held its resources for nothing until then.",
            "no offers",
        ),
        Query(per_minute("offers_expired_unused_total", "site"), "{{site}}"),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )


def _abandoned() -> Stat:
    return number(
        Text(
            "Releases abandoned",
            "Offers in the time range that expired before their site could be told.",
            "none",
        ),
        Query(growth("loser_releases_total", where='outcome="abandoned"')),
        base=GOOD,
        steps=((0.5, DOUBTFUL),),
        decimals=0,
    )


def _refusals_by_site() -> TimeSeries:
    return series(
        Text(
            "Refused acceptances, by site",
            "Acceptances that the site refused although its offer had not expired.",
            "no acceptances",
        ),
        Query(
            per_minute("accepts_total", "site", 'outcome=~"refused|reconciled_not"'),
            "{{site}}",
        ),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )


def _unclear_by_site() -> TimeSeries:
    return series(
        Text(
            "Unclear acceptances, by site",
            "Acceptances that the site left without an answer, and those that were "
            "lost.",
            "no acceptances",
        ),
        Query(per_minute("accepts_total", "site", _UNCLEAR), "{{site}}"),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )


def _lags() -> TimeSeries:
    return series(
        Text(
            "How long releases waited",
            "From being queued to the site's word: the median, and what 95 of 100 "
            "stayed below.",
            "no releases",
        ),
        *(
            Query(quantile(of / 100, "loser_release_lag_seconds"), f"{of} %")
            for of in (50, 95)
        ),
        unit="s",
    )


def _releases_by_site() -> TimeSeries:
    return series(
        Text(
            "Releases that failed, by site",
            "Attempts that have to be repeated, or came too late.",
            "no releases",
        ),
        Query(
            per_minute("loser_releases_total", "site", 'outcome!="released"'),
            "{{site}}",
        ),
        unit="cpm",
        stacked=True,
        links=[TO_SITE],
    )
