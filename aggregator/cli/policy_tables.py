"""What the ``policy`` commands show to people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from aggregator.cli import words
from aggregator.cli.tables import add_row, plain_table
from aggregator.client import RankedOfferAnswer, RankingAnswer, ReplayAnswer
from aggregator.domain.humane import humane_duration, humane_size


def show_ranking(out: Console, ranking: RankingAnswer) -> None:
    """Print a ranking: the offers with the parts of their delay, and what is gone."""
    out.print(f"Ranked by policy {ranking.policy}.\n", markup=False)
    if ranking.offers:
        out.print(_delays(ranking))
        out.print()
        for offer in ranking.offers:
            name = f"{offer.rank}. {offer.site} {offer.session}"
            out.print(f"{name}: {offer.reason}.", markup=False)
    else:
        out.print("No offer was left.")
    _show_dropped(out, ranking)
    _show_notes(out, ranking)


def show_trial(out: Console, before: RankingAnswer, after: RankingAnswer) -> None:
    """Print how a policy on trial ranks, beside the ranks that offers have."""
    out.print(
        f"Ranked by policy {before.policy}, tried {after.policy}.\n", markup=False
    )
    table = plain_table()
    for name in ("rank", "was", "site", "starts", "bytes to move", "delay"):
        table.add_column(name, justify="left" if name == "site" else "right")
    table.add_column("offer")
    was = {offer.session: str(offer.rank) for offer in before.offers}
    for offer in after.offers:
        places = (str(offer.rank), was.get(offer.session, "-"))
        add_row(table, *places, *_cells(offer), offer.session)
    out.print(table)
    _show_dropped(out, after)
    _show_notes(out, after)
    out.print(f"\n{_verdict(before, after)}", markup=False)


def show_replay(out: Console, found: ReplayAnswer) -> None:
    """Print what a policy on trial would have made of past decisions."""
    out.print(f"Tried policy {found.policy}.", markup=False)
    out.print(f"{_extent(found)}\n", markup=False)
    if found.count("changed"):
        out.print(_sums(found))
        out.print("\nFirst places by site:\n")
        out.print(_first_places(found))
        out.print("\nChanged winners:\n")
        out.print(_moves(found))
    elif found.count("replayed"):
        out.print("The same offers come first.")


def _delays(ranking: RankingAnswer) -> Table:
    weighers = list(dict.fromkeys(k for one in ranking.offers for k in one.seconds))
    table = plain_table()
    for name in ("rank", "site", "starts", "bytes to move", "delay"):
        table.add_column(name, justify="left" if name == "site" else "right")
    for name in weighers:
        table.add_column(f"= {_words(name)}", justify="right")
    table.add_column("ahead by")
    for offer in ranking.offers:
        parts = [_seconds(offer.seconds.get(name)) for name in weighers]
        ahead = _words(offer.ahead_by)
        add_row(table, str(offer.rank), *_cells(offer), *parts, ahead)
    return table


def _words(key: str) -> str:
    return key.replace("_", " ")


def _cells(offer: RankedOfferAnswer) -> list[str]:
    return [
        offer.site,
        words.in_time(offer.start),
        words.size(offer.bytes_to_move),
        _seconds(offer.delay),
    ]


def _seconds(seconds: float | None) -> str:
    return words.UNKNOWN if seconds is None else humane_duration(seconds)


def _show_dropped(out: Console, ranking: RankingAnswer) -> None:
    if not ranking.dropped:
        return
    table = plain_table()
    for name in ("site", "filter"):
        table.add_column(name)
    table.add_column("offers", justify="right")
    table.add_column("taken out because", no_wrap=False)
    keys = ("site", "filter", "reason")
    alike = Counter(tuple(str(one.get(key)) for key in keys) for one in ranking.dropped)
    for (site, name, reason), count in alike.items():
        add_row(table, site, name, str(count), reason)
    out.print("\nTaken out:\n")
    out.print(table)


def _show_notes(out: Console, ranking: RankingAnswer) -> None:
    for note in ranking.notes:
        out.print(f"Note: {note}.", markup=False)


def _verdict(before: RankingAnswer, after: RankingAnswer) -> str:
    if not after.offers:
        return "No offer would have been left."
    best = after.offers[0]
    if before.offers and before.offers[0].session == best.session:
        return f"The same offer comes first, of {best.site}."
    was = f"that of {before.offers[0].site}" if before.offers else "none"
    return f"The offer of {best.site} comes first, in the place of {was}."


def _extent(found: ReplayAnswer) -> str:
    count = found.count("replayed")
    decisions = "decision" if count == 1 else "decisions"
    text = f"{count} {decisions} made again, {found.count('changed')} changed"
    for key, why in (
        ("not_served", "are of requests or users that it doesn't match"),
        ("unreadable", "can't be read"),
    ):
        if found.count(key):
            text += f"; {found.count(key)} {why}"
    if not found.is_complete:
        text += f"; stopped at {words.moment(found.oldest)}, there are older ones"
    return f"{text}."


def _sums(found: ReplayAnswer) -> Table:
    grid = Table.grid(padding=(0, 2))
    before, after = found.count("bytes_before"), found.count("bytes_after")
    for name, key in (("earlier", "seconds_won"), ("later", "seconds_lost")):
        count, seconds = found.count(name), found.amount(key)
        add_row(grid, f"start {name}", str(count), f"by {humane_duration(seconds)}")
    for name in ("lost", "gained"):
        count = found.count(f"offers_{name}")
        if count:
            what = "end without an offer" if name == "lost" else "get an offer"
            add_row(grid, what, str(count), "")
    add_row(grid, "bytes to move", humane_size(after), f"before {humane_size(before)}")
    return grid


def _first_places(found: ReplayAnswer) -> Table:
    table = plain_table()
    table.add_column("site")
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    _fill(table, found.listed("sites"), "site", "before", "after")
    return table


def _moves(found: ReplayAnswer) -> Table:
    table = plain_table()
    for name in ("from", "to"):
        table.add_column(name)
    for name in ("decisions", "start earlier by", "more bytes to move"):
        table.add_column(name, justify="right")
    for move in found.listed("moves"):
        seconds, more = move.get("seconds_won", 0.0), move.get("bytes_more", 0)
        add_row(
            table,
            str(move.get("from") or "-"),
            str(move.get("to") or "-"),
            str(move.get("decisions")),
            humane_duration(seconds),
            f"-{humane_size(-more)}" if more < 0 else humane_size(more),
        )
    return table


def _fill(table: Table, rows: Iterable[Mapping[str, Any]], *keys: str) -> None:
    for row in rows:
        add_row(table, *(str(row.get(key)) for key in keys))
