"""Decisions in the database: rankings as they were made, with their inputs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.records import Decision
from aggregator.store.database import Database, insert_new
from aggregator.store.documents import read_inputs, write_inputs
from aggregator.store.tables import DECISIONS

_NEWEST_FIRST: Final = (DECISIONS.c.moment.desc(), DECISIONS.c.offer_set.desc())


class DecisionStore:
    """Keeps decisions: ``ports.store.Decisions``.

    Inputs are packed and unpacked aside from the event loop: those of a few hundred
    offers take milliseconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, decisions: Sequence[Decision], largest: int, most: int
    ) -> Sequence[str]:
        """Keep decisions, one for each offer set; return those that are too large."""
        rows = await asyncio.to_thread(_rows, decisions)
        fitting = [row for row in rows if len(row["inputs"]) <= largest]
        if fitting:
            await self._database.write(
                lambda connection: _keep(connection, fitting, most)
            )
        return [row["offer_set"] for row in rows if row not in fitting]

    async def of_offer_set(self, offer_set: str) -> Decision | None:
        """Return the decision that put a set in order, None where it isn't kept."""
        rows = await self._database.rows(
            select(DECISIONS).where(DECISIONS.c.offer_set == offer_set)
        )
        return next(iter(await asyncio.to_thread(_decisions, rows)), None)

    async def page(
        self, since: datetime, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Decision]:
        """Return up to ``limit`` decisions made at ``since`` or later, newest first."""
        rows = await self._database.rows(_page(since, before, limit))
        return await asyncio.to_thread(_decisions, rows)


async def _keep(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]], most: int
) -> None:
    # In one order, by which two replicas never wait for one another.
    ordered = sorted(rows, key=lambda row: str(row["offer_set"]))
    older = or_(
        *(
            and_(
                DECISIONS.c.offer_set == row["offer_set"],
                DECISIONS.c.version < row["version"],
            )
            for row in ordered
        )
    )
    await connection.execute(delete(DECISIONS).where(older))
    await connection.execute(insert_new(connection, DECISIONS), ordered)
    await _trim(connection, most)


async def _trim(connection: AsyncConnection, most: int) -> None:
    """Remove all that are older than the last one to be kept."""
    query = (
        select(DECISIONS.c.moment, DECISIONS.c.offer_set)
        .order_by(*_NEWEST_FIRST)
        .offset(most - 1)
        .limit(1)
    )
    last = (await connection.execute(query)).one_or_none()
    if last is not None:
        older = _older_than(last.moment, last.offer_set)
        await connection.execute(delete(DECISIONS).where(older))


def _page(
    since: datetime, before: tuple[datetime, str] | None, limit: int
) -> Select[Any]:
    query = select(DECISIONS).where(DECISIONS.c.moment >= since)
    if before is not None:
        query = query.where(_older_than(*before))
    return query.order_by(*_NEWEST_FIRST).limit(limit)


def _older_than(moment: datetime, offer_set: str) -> ColumnElement[bool]:
    same_moment = and_(DECISIONS.c.moment == moment, DECISIONS.c.offer_set < offer_set)
    return or_(DECISIONS.c.moment < moment, same_moment)


def _rows(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    latest = {
        decision.offer_set: decision
        for decision in sorted(decisions, key=lambda one: one.version)
    }
    return [
        {
            "offer_set": decision.offer_set,
            "version": decision.version,
            "issuer": decision.issuer,
            "subject": decision.subject,
            "moment": decision.moment,
            "policy": decision.policy.name,
            "revision": decision.policy.revision,
            "sha256": decision.policy.sha256,
            "best": decision.best,
            "inputs": write_inputs(decision.inputs),
        }
        for decision in latest.values()
    ]


def _decisions(rows: Sequence[Row[Any]]) -> list[Decision]:
    return [
        Decision(
            offer_set=row.offer_set,
            version=row.version,
            moment=row.moment,
            policy=PolicyIdentity(row.policy, row.revision, row.sha256),
            best=row.best,
            inputs=read_inputs(row.inputs),
            issuer=row.issuer,
            subject=row.subject,
        )
        for row in rows
    ]
