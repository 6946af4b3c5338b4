"""The overview: is the federation well, and if not, which site is it."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.stat import Panel as Stat

from grafana.generator.acceptance_panels import (
    acceptances_by_outcome,
    releases_that_wait,
    unclear_acceptances,
)
from grafana.generator.expressions import metric
from grafana.generator.frame import FIRING, framed, with_panels
from grafana.generator.offer_panels import (
    late_answers_by_site,
    offers_by_site,
    open_offers_by_site,
    share_of_acceptances,
    share_of_offers,
)
from grafana.generator.panels import BAD, GOOD, Query, Text, number
from grafana.generator.request_panels import (
    answers_by_status,
    requests_by_completeness,
    share_of_complete_answers,
    usual_wait,
    waits,
    what_sites_did,
)
from grafana.generator.session_panels import sessions_now
from grafana.generator.site_panels import (
    failures_by_site,
    sites_now,
    slowness_by_site,
    states,
)


def overview() -> Dashboard:
    """Return the dashboard that operators leave open."""
    board = framed(
        "metabroker-overview",
        "Meta-broker: federation overview",
        "How the federation is now, and which site is the reason if it isn't well.",
    )
    board.with_row(Row("At a glance"))
    with_panels(
        board,
        _sites_up(),
        _sites_configured(),
        share_of_complete_answers(),
        usual_wait(),
        unclear_acceptances(),
        _alerts(),
    )
    board.with_row(Row("Sites"))
    with_panels(board, states(), sites_now(), failures_by_site(), slowness_by_site())
    board.with_row(Row("Requests for offers"))
    with_panels(
        board,
        requests_by_completeness(),
        waits(),
        what_sites_did(),
        answers_by_status(),
    )
    board.with_row(Row("Offers"))
    with_panels(
        board,
        offers_by_site(),
        late_answers_by_site(),
        share_of_offers(),
        share_of_acceptances(),
    )
    board.with_row(Row("Acceptances"))
    with_panels(
        board,
        open_offers_by_site(),
        acceptances_by_outcome(),
        releases_that_wait(),
        sessions_now(),
    )
    return board


def _sites_up() -> Stat:
    return number(
        Text(
            "Sites up",
            "Sites to which requests for offers can go. Half open ones count: they are "
            "being tried.",
            "no site",
        ),
        Query(f"sum(max by (site) ({metric('site_up')}))"),
        base=BAD,
        steps=((1, GOOD),),
    )


def _sites_configured() -> Stat:
    return number(
        Text(
            "Sites configured",
            "All sites of the configuration, those that are disabled too.",
            "no site",
        ),
        Query(f"count(max by (site) ({metric('site_up')}))"),
    )


def _alerts() -> Stat:
    return number(
        Text(
            "Alerts that fire",
            "Our alerts, as this Prometheus evaluates them. The runbook says what to "
            "do about each.",
            "none",
        ),
        Query(f"count({FIRING}) or vector(0)"),
        base=GOOD,
        steps=((1, BAD),),
    )
