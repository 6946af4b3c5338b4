"""Histories in the database: what was promised of accepted sessions, and happened.

What was promised is read out of the stored offer set, by its members' names: to make
the whole set of it would take many times as long.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Row, Select, exists, func, or_, select

from aggregator.domain.ranking.explanation import Confidence
from aggregator.domain.ranking.histories import Promise, SessionHistory, course_of
from aggregator.domain.records import PhaseChange, WinnerState
from aggregator.domain.schedules import parse_instant
from aggregator.store.database import Database
from aggregator.store.tables import (
    OFFER_SETS,
    PHASE_HISTORY,
    ROUTES,
    WATCHES,
    WINNERS,
)

_AT_ONCE: Final = 20
_LARGEST_DOCUMENT: Final = 8 * 2**20
_MOST_CHANGES: Final = 10_000


class HistoryStore:
    """Reads histories: ``ports.histories.Histories`` and ``Alternatives``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accepted(self, since: datetime, limit: int) -> Mapping[str, bool]:
        """Return sessions accepted since then, the newest first.

        Returns:
            By session, whether it is still watched.
        """
        rows = await self._database.rows(
            select(WINNERS.c.session, WATCHES.c.session.label("watched"))
            .select_from(
                WINNERS.outerjoin(WATCHES, WATCHES.c.session == WINNERS.c.session)
            )
            .where(
                WINNERS.c.since >= since,
                WINNERS.c.state == WinnerState.ACCEPTED.value,
            )
            .order_by(WINNERS.c.since.desc(), WINNERS.c.session)
            .limit(limit)
        )
        return {row.session: row.watched is not None for row in rows}

    async def read(self, sessions: Sequence[str]) -> Sequence[SessionHistory]:
        """Return the histories of accepted sessions; what can't be read is left out.

        Left out are sessions whose offer set is larger than 8 MiB, or that it, or its
        explanation, doesn't name.
        """
        found: list[SessionHistory] = []
        for start in range(0, len(sessions), _AT_ONCE):
            some = sessions[start : start + _AT_ONCE]
            promised = await self._database.rows(_promised(some))
            changes = await self._database.rows(_changes(some))
            found += await asyncio.to_thread(_histories, promised, changes)
        return found

    async def earliest_alternative(self, session: str) -> datetime | None:
        """Return the earliest start that ranking estimated of a session's siblings."""
        for row in await self._database.rows(_alternatives(session)):
            since: datetime = row.since
            earliest: datetime | None = row.earliest
            return None if earliest is None else max(since, earliest)
        return None


def _alternatives(session: str) -> Select[Any]:
    gone = exists().where(
        PHASE_HISTORY.c.session == ROUTES.c.session,
        PHASE_HISTORY.c.component == "session",
        PHASE_HISTORY.c.seen <= WINNERS.c.since,
    )
    return (
        select(WINNERS.c.since, func.min(ROUTES.c.estimated_start).label("earliest"))
        .select_from(WINNERS.join(ROUTES, ROUTES.c.offer_set == WINNERS.c.offer_set))
        .where(
            WINNERS.c.session == session,
            ROUTES.c.session != session,
            or_(ROUTES.c.expires.is_(None), ROUTES.c.expires > WINNERS.c.since),
            ~gone,
        )
        .group_by(WINNERS.c.since)
    )


def _promised(sessions: Sequence[str]) -> Select[Any]:
    return (
        select(
            WINNERS.c.session,
            WINNERS.c.site,
            WINNERS.c.since,
            ROUTES.c.estimated_start,
            OFFER_SETS.c.document,
        )
        .select_from(
            WINNERS.join(OFFER_SETS).join(ROUTES, ROUTES.c.session == WINNERS.c.session)
        )
        .where(
            WINNERS.c.session.in_(sessions),
            func.length(OFFER_SETS.c.document) <= _LARGEST_DOCUMENT,
        )
    )


def _changes(sessions: Sequence[str]) -> Select[Any]:
    component = PHASE_HISTORY.c.component
    return (
        select(PHASE_HISTORY)
        .where(
            PHASE_HISTORY.c.session.in_(sessions),
            or_(
                component.in_(["session", "compute", "executable"]),
                component.like("data/%"),
            ),
        )
        .limit(_MOST_CHANGES)
    )


def _histories(
    promised: Sequence[Row[Any]], changes: Sequence[Row[Any]]
) -> list[SessionHistory]:
    seen: defaultdict[str, list[PhaseChange]] = defaultdict(list)
    for row in changes:
        seen[row.session].append(
            PhaseChange(row.session, row.component, row.phase, row.seen)
        )
    return [
        history
        for row in promised
        if (history := _history(row, seen[row.session])) is not None
    ]


def _history(row: Row[Any], seen: Sequence[PhaseChange]) -> SessionHistory | None:
    document = orjson.loads(row.document)
    promise = _promise(row, document)
    if promise is None:
        return None
    return SessionHistory(
        row.session,
        row.site,
        row.since,
        promise,
        course_of(seen),
        user=(document.get("issuer", ""), document.get("subject", "")),
        groups=tuple(document.get("groups", ())),
    )


def _promise(row: Row[Any], document: Mapping[str, Any]) -> Promise | None:
    offer = _of_session(document.get("offers"), row.session)
    ranking = document.get("ranking") or {}
    ranked = _of_session(ranking.get("offers"), row.session)
    if offer is None or ranked is None or "estimate" not in ranked:
        return None
    estimate, start = ranked["estimate"], offer.get("start")
    return Promise(
        kind=document["request"]["executable_kind"],
        ranked=parse_instant(ranking["moment"]),
        start=parse_instant(start["latest"]) if start else None,
        preparing=offer.get("preparing"),
        estimated=row.estimated_start,
        waits_for_data=estimate["data_ready_s"] > estimate["offered_start_s"],
        bytes_to_move=estimate["bytes_to_move"],
        sources=tuple(estimate["sources"]),
        is_sure=_is_sure(estimate),
        cores=_cores(offer.get("cores") or {}),
        available=offer.get("available"),
    )


def _cores(offered: Mapping[str, int | None]) -> float:
    """Return how many cores a session has: the most that were offered, at least 1."""
    return float(max(1, offered.get("max") or offered.get("min") or 1))


def _is_sure(estimate: Mapping[str, Any]) -> bool:
    verified = estimate["confidence"] == Confidence.HIGH.value
    return verified and not estimate["bytes_from_tape"]


def _of_session(
    members: Iterable[Mapping[str, Any]] | None, session: str
) -> Mapping[str, Any] | None:
    return next((one for one in members or () if one.get("session") == session), None)
