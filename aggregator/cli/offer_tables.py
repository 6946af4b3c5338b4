"""What people see of an offer set: its offers in their order, and who made none."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from aggregator.cli import words
from aggregator.cli.tables import NARROW, add_row, phase_text, plain_table
from aggregator.client import (
    RankedOfferAnswer,
    RankingAnswer,
    SessionAnswer,
    SiteReport,
)
from aggregator.domain.outcomes import REFUSALS
from aggregator.domain.phases import TAKEN, SessionPhase, session_phase

_NUMBERS: Final = ("start", "data ready", "bytes to move", "cores", "memory")


def ranked_offers(
    offers: Sequence[SessionAnswer],
    ranking: RankingAnswer | None,
    *,
    width: int,
) -> Table:
    """Return the offers, best first, with what decided their order.

    Args:
        offers: In the order of the offer set.
        ranking: Its explanation; None where the broker gives none.
        width: Columns that there are; few get a list in the place of a table.
    """
    ranked = {} if ranking is None else ranking.by_session
    rows = [
        (offer, ranked.get(offer.uuid), position)
        for position, offer in enumerate(offers, start=1)
    ]
    return _listed(rows) if width < NARROW else _tabulated(rows)


def _tabulated(
    rows: Iterable[tuple[SessionAnswer, RankedOfferAnswer | None, int]],
) -> Table:
    table = plain_table()
    table.add_column("rank", justify="right")
    table.add_column("site")
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    table.add_column("why", ratio=1, no_wrap=False)
    for offer, ranked, position in rows:
        why = "" if ranked is None else ranked.reason
        add_row(table, *_name(ranked, position), *_numbers(offer, ranked), why)
    return table


def _listed(
    rows: Iterable[tuple[SessionAnswer, RankedOfferAnswer | None, int]],
) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right")
    grid.add_column()
    for offer, ranked, position in rows:
        rank, site = _name(ranked, position)
        facts = zip(_NUMBERS, _numbers(offer, ranked), strict=True)
        add_row(grid, rank, f"{site}: {', '.join(map(' '.join, facts))}")
        if ranked is not None:
            add_row(grid, "", ranked.reason)
    return grid


def _name(ranked: RankedOfferAnswer | None, position: int) -> tuple[str, str]:
    if ranked is None:
        return str(position), words.UNKNOWN
    return str(ranked.rank), ranked.site


def _numbers(offer: SessionAnswer, ranked: RankedOfferAnswer | None) -> list[str]:
    amounts = [words.amount(offer.cores), words.amount(offer.memory, "GiB")]
    if ranked is None:
        start = offer.start
        begin = words.UNKNOWN if start is None else words.moment(start.latest)
        return [begin, *[words.UNKNOWN] * 2, *amounts]
    return [
        words.in_time(ranked.offered_start),
        words.in_time(ranked.data_ready),
        words.size(ranked.bytes_to_move),
        *amounts,
    ]


def acceptable(
    offers: Sequence[SessionAnswer], ranking: RankingAnswer | None
) -> Iterator[str]:
    """Yield the commands that accept each of the offers that can be, best first.

    They are lines, for a table would break up commands that are to be copied.
    """
    ranked = {} if ranking is None else ranking.by_session
    rows = [
        (
            str(position),
            ranked[offer.uuid].site if offer.uuid in ranked else words.UNKNOWN,
            words.until(offer.expires),
            f"metabroker accept {offer.uuid}",
        )
        for position, offer in enumerate(offers, start=1)
        if offer.phase == SessionPhase.OFFERED
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def decided(
    offers: Sequence[SessionAnswer], ranking: RankingAnswer | None
) -> Table | None:
    """Return what became of the offers; None while nothing has become of any."""
    if all(offer.phase == SessionPhase.OFFERED for offer in offers):
        return None
    ranked = {} if ranking is None else ranking.by_session
    grid = Table.grid(padding=(0, 2))
    for position, offer in enumerate(offers, start=1):
        _, site = _name(ranked.get(offer.uuid), position)
        add_row(grid, str(position), site, phase_text(offer.phase), offer.uuid)
    return grid


def is_taken(offers: Iterable[SessionAnswer]) -> bool:
    """Whether one of the offers was accepted, so that no other can be."""
    return any(session_phase(offer.phase) in TAKEN for offer in offers)


def missing_sites(reports: Iterable[SiteReport], shown: Iterable[str] = ()) -> Table:
    """Return the sites without an offer, and why.

    Args:
        reports: What each site did.
        shown: The sites whose offers are shown.
    """
    table = plain_table()
    table.add_column("site")
    table.add_column("no offer because", no_wrap=False)
    table.add_column("after", justify="right")
    for report in reports:
        if report.site not in shown:
            style = "" if report.outcome in REFUSALS else "yellow"
            seconds = report.seconds
            after = words.UNKNOWN if seconds is None else f"{seconds:.2f} s"
            add_row(
                table, report.site, Text(words.no_offer_because(report), style), after
            )
    return table
