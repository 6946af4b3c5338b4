"""The operators' page: what it shows of each site, in words and small drawings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.breaker import BreakerState
from aggregator.domain.events import SiteState
from aggregator.domain.humane import humane_duration
from aggregator.domain.schedules import format_instant
from aggregator.domain.site_conditions import USABLE, SiteReport
from aggregator.domain.sites import Site
from aggregator.http.pages.drawings import Drawing, drawing
from aggregator.http.pages.site_facts import (
    Fact,
    When,
    facts_of,
    lasting,
    when,
    when_or_none,
)
from aggregator.services.site_board import Board, SiteView

_TROUBLED: Final = frozenset(
    {SiteState.DEGRADED, SiteState.HALF_OPEN, SiteState.EJECTED, SiteState.DOWN}
)
_WORDS: Final[Mapping[SiteState, str]] = {SiteState.HALF_OPEN: "half open"}


@dataclass(frozen=True, slots=True)
class Row:
    """One site on the page.

    Attributes:
        troubled: Whether its answers say that something is wrong.
        node: Its node, empty where that is called as it is.
        beneath: What its answers say where something else was decided.
        breaker: What its breaker does, empty where it lets all through.
        share: Which part of its offers was taken, empty where there were none.
    """

    site: Site
    node: str
    state: str
    words: str
    troubled: bool
    drained: bool
    why: str
    since: When
    until: When | None
    beneath: str
    probes: Drawing
    requests: Drawing
    offers: str
    wins: str
    share: str
    open_reservations: str
    in_flight: int
    breaker: str
    last_success: When | None
    last_error: Fact | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole page.

    Attributes:
        usable: How many sites can be asked.
        counts: How many sites are in each state, the most frequent first.
    """

    moment: str
    usable: int
    rows: tuple[Row, ...]
    counts: tuple[tuple[str, str, int], ...]


def sheet_of(board: Board, *, to_operator: bool) -> Sheet:
    """Return what the page shows of a board.

    Args:
        board: All sites.
        to_operator: Whether an operator reads it.
    """
    states = [view.report.state for view in board.views]
    counted = sorted(dict.fromkeys(states), key=states.count, reverse=True)
    return Sheet(
        moment=format_instant(board.moment),
        usable=sum(state in USABLE for state in states),
        rows=tuple(
            _row(view, board.moment, to_operator=to_operator) for view in board.views
        ),
        counts=tuple(
            (state.value, _state_words(state), states.count(state)) for state in counted
        ),
    )


def _row(view: SiteView, now: datetime, *, to_operator: bool) -> Row:
    report, tally = view.report, view.tally
    offers = None if tally is None else tally.offers
    wins = None if tally is None else tally.wins
    return Row(
        site=view.site,
        node=_node(view.site),
        state=report.state.value,
        words=_state_words(report.state),
        troubled=report.health in _TROUBLED,
        drained=view.drain is not None,
        why=_why(view, to_operator=to_operator),
        since=lasting(report.since, now),
        until=when_or_none(report.until, now),
        beneath=_beneath(report),
        probes=drawing("probes", view.activity.probes),
        requests=drawing("requests", view.activity.requests),
        offers=_count(offers),
        wins=_count(wins),
        share=f"{wins / offers:.0%}" if offers and wins is not None else "",
        open_reservations=_count(None if tally is None else tally.open_reservations),
        in_flight=view.in_flight,
        breaker=_breaker(report),
        last_success=when_or_none(report.last_success, now),
        last_error=_last_error(report, now),
        facts=tuple(facts_of(view, now)),
    )


def _state_words(state: SiteState) -> str:
    return _WORDS.get(state, state.value)


def _why(view: SiteView, *, to_operator: bool) -> str:
    if view.report.state is SiteState.DRAINED and view.drain and to_operator:
        return f"{view.drain.reason} (by {view.drain.by})"
    return view.report.why


def _beneath(report: SiteReport) -> str:
    if report.state is report.health or report.state is SiteState.DISABLED:
        return ""
    return f"its answers say: {_state_words(report.health)}, {report.health_why}"


def _node(site: Site) -> str:
    return "" if site.node.casefold() == site.name.casefold() else site.node


def _breaker(report: SiteReport) -> str:
    if report.breaker is BreakerState.OPEN:
        wait = humane_duration(report.next_trial_in or 0.0)
        return f"Breaker open: next trial in {wait}"
    if report.breaker is BreakerState.HALF_OPEN:
        return "Breaker half open: the next request is its trial"
    count = report.consecutive_errors
    if not count:
        return ""
    return f"Breaker closed after {count} error{'s' if count > 1 else ''} in a row"


def _last_error(report: SiteReport, now: datetime) -> Fact | None:
    if report.last_error_at is None or report.last_error_code is None:
        return None
    return Fact(
        report.last_error_code.value.replace("_", " "),
        report.last_error,
        when(report.last_error_at, now),
    )


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number}"
