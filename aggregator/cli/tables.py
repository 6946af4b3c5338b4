"""Tables for people: offers in their order, sites, one session.

Names and messages come from other people's services, so all of it is plain text to
the console, never its markup.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from aggregator.cli import words
from aggregator.client import (
    AuditAnswer,
    Progress,
    SessionAnswer,
    SiteHealth,
)
from aggregator.client.answers import AT_SITE
from aggregator.domain.events import SiteState
from aggregator.domain.phases import SessionPhase

_PHASE_STYLES: Final[Mapping[str, str]] = {
    SessionPhase.OFFERED: "cyan",
    SessionPhase.AVAILABLE: "green",
    SessionPhase.RUNNING: "green",
    SessionPhase.COMPLETED: "bold green",
    SessionPhase.REJECTED: "red",
    SessionPhase.EXPIRED: "red",
    SessionPhase.FAILED: "bold red",
    SessionPhase.CANCELLED: "red",
}
_STATE_STYLES: Final[Mapping[str, str]] = {
    SiteState.UP: "green",
    SiteState.DEGRADED: "yellow",
    SiteState.HALF_OPEN: "yellow",
    SiteState.DOWN: "bold red",
    SiteState.EJECTED: "bold red",
    SiteState.DRAINED: "cyan",
    SiteState.MAINTENANCE: "cyan",
    SiteState.DISABLED: "dim",
}

NARROW: Final = 100
"""Columns below which a table's cells would be broken up."""


def federation(sites: Iterable[SiteHealth], *, width: int) -> Table:
    """Return the sites with their health.

    Args:
        sites: In configured order.
        width: Columns that there are; few get a list in the place of a table.
    """
    return _listed(sites) if width < NARROW else _tabulated(sites)


def _tabulated(sites: Iterable[SiteHealth]) -> Table:
    table = plain_table()
    for name in ("site", "node", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", no_wrap=False)
    for name in ("since", "last answer", "dialect"):
        table.add_column(name, no_wrap=True)
    table.add_column("RSEs", no_wrap=False)
    for site in sites:
        add_row(
            table,
            site.name,
            site.says("node"),
            _state(site),
            _why(site),
            words.ago(site.moment("since")),
            words.ago(site.moment("last_success")),
            _dialect(site),
            ", ".join(site.rses),
        )
    return table


def _listed(sites: Iterable[SiteHealth]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for site in sites:
        since = words.ago(site.moment("since"))
        answered = words.ago(site.moment("last_success"))
        add_row(grid, site.name, _state(site) + Text(f" since {since}: {_why(site)}"))
        add_row(grid, "", f"last answer {answered}, dialect {_dialect(site)}")
        if site.rses:
            add_row(grid, "", f"RSEs {', '.join(site.rses)}")
    return grid


def _state(site: SiteHealth) -> Text:
    return Text(site.state, _STATE_STYLES.get(site.state, ""))


def _dialect(site: SiteHealth) -> str:
    return site.says("dialect_spoken") or site.says("dialect")


def _why(site: SiteHealth) -> str:
    until = site.moment("until")
    why = site.says("why")
    return why if until is None else f"{why} (until {words.moment(until)})"


def audit_trail(entries: Iterable[AuditAnswer]) -> Table:
    """Return what operators did."""
    table = plain_table()
    for name in ("when", "what", "site", "until"):
        table.add_column(name)
    for name in ("who", "why"):
        table.add_column(name, no_wrap=False)
    for entry in entries:
        until = entry.moment("until")
        add_row(
            table,
            words.moment(entry.moment("moment")),
            entry.says("action"),
            entry.says("site"),
            "" if until is None else words.moment(until),
            entry.says("by"),
            entry.says("reason"),
        )
    return table


def session_record(session: SessionAnswer) -> Table:
    """Return all that a person wants to know of one session."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    add_row(grid, "session", session.uuid)
    for name, text in (("name", session.name), ("site", session.site)):
        if text:
            add_row(grid, name, text)
    for component, phase in session.component_phases.items():
        name = "phase" if component == "session" else f"  {component}"
        add_row(grid, name, phase_text(phase))
    start = session.start
    add_row(grid, "start", words.moment(None if start is None else start.latest))
    add_row(grid, "cores", words.amount(session.cores))
    add_row(grid, "memory", words.amount(session.memory, "GiB"))
    if session.phase == SessionPhase.OFFERED:
        add_row(grid, "expires", words.moment(session.expires))
    for connector in session.connectors:
        add_row(grid, "reach it at", str(connector.get("location", words.UNKNOWN)))
    for message in session.messages:
        if message.kind == AT_SITE:
            continue
        add_row(grid, message.level.lower(), message.text)
    add_row(grid, "url", session.url)
    return grid


def phase_changes(progress: Progress) -> Text:
    """Return one line: the time, the session's phase, and its parts' new phases."""
    line = Text(f"{datetime.now().astimezone():%H:%M:%S}  session ")
    line.append_text(phase_text(f"{progress.session.phase:<10}"))
    for names, phase in _by_phase(progress):
        line.append(f"  {names} ", "dim")
        line.append_text(phase_text(phase))
    line.rstrip()
    return line


def _by_phase(progress: Progress) -> list[tuple[str, str]]:
    """Group what changed by its new phase; all of a kind go by the kind's name."""
    kinds: dict[str, list[str]] = {}
    for component in progress.session.component_phases:
        kinds.setdefault(component.partition("/")[0], []).append(component)
    groups: dict[str, list[str]] = {}
    for kind, components in kinds.items():
        phases = {progress.changed.get(component) for component in components}
        changed = [one for one in components if one in progress.changed]
        if kind == "session":
            continue
        for one in [kind] if changed and len(phases) == 1 else changed:
            phase = progress.changed[changed[0] if one == kind else one]
            groups.setdefault(phase, []).append(one)
    return [(", ".join(names), phase) for phase, names in groups.items()]


def phase_text(phase: str) -> Text:
    """Return a phase in the colour that tells its kind."""
    return Text(phase, _PHASE_STYLES.get(phase.strip(), ""))


def plain_table() -> Table:
    """Return a table with no lines but the one below its head."""
    return Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row to a table or grid; text in it is never markup."""
    table.add_row(*(one if isinstance(one, Text) else Text(one) for one in cells))
