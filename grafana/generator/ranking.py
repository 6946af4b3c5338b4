"""The ranking: what the policy does to offers, and whether its estimates come true."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from grafana.generator import ranking_panels as panels
from grafana.generator.catalogue_panels import (
    catalogue_calls,
    catalogue_durations,
    catalogue_memory,
    lookups,
)
from grafana.generator.estimate_panels import (
    late_starts_by_site,
    regrets,
    start_errors,
    starts_within,
)
from grafana.generator.frame import framed, with_panels
from grafana.generator.offer_panels import share_of_acceptances, share_of_offers


def ranking() -> Dashboard:
    """Return the dashboard for whoever writes ranking policies."""
    board = framed(
        "metabroker-ranking",
        "Meta-broker: ranking",
        "What the ranking policy does to offers, what users take of them, and whether "
        "sessions start when it said.",
    )
    board.with_row(Row("At a glance"))
    with_panels(
        board,
        panels.acceptances_of_the_first(),
        starts_within(10),
        starts_within(30),
        panels.dropped_offers(),
        panels.located_data(),
    )
    board.with_row(Row("From offers to acceptances"))
    with_panels(
        board,
        panels.funnel(),
        panels.filtered_offers(),
        share_of_offers(),
        share_of_acceptances(),
        panels.wins_by_site(),
        panels.first_ranks(),
        panels.accepted_ranks(),
        panels.policies(),
    )
    board.with_row(Row("Is it honest"))
    with_panels(board, start_errors(), late_starts_by_site(), regrets())
    board.with_row(Row("Where the data are"))
    with_panels(
        board,
        lookups(),
        catalogue_calls(),
        catalogue_durations(),
        catalogue_memory(),
    )
    return board
