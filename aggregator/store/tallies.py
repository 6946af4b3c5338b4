"""Tallies of each site's offers, counted in the database."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.records import WinnerState
from aggregator.domain.tallies import SiteTally
from aggregator.store.database import Database
from aggregator.store.holdings import open_reservations_by_site
from aggregator.store.tables import OFFER_SETS, ROUTES, WINNERS


class TallyStore:
    """Counts: ``ports.operating.SiteTallies``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_sites(self, now: datetime, since: datetime) -> Mapping[str, SiteTally]:
        """Count offers and wins from ``since`` on, and what is open at ``now``."""

        async def count(connection: AsyncConnection) -> Mapping[str, SiteTally]:
            offers = await _counts(connection, _offers(since))
            wins = await _counts(connection, _wins(since))
            reservations = await _counts(connection, open_reservations_by_site(now))
            return {
                site: SiteTally(
                    offers.get(site, 0), wins.get(site, 0), reservations.get(site, 0)
                )
                for site in {*offers, *wins, *reservations}
            }

        return await self._database.read(count)


def _offers(since: datetime) -> Select[str, int]:
    return (
        select(ROUTES.c.site, func.count().label("number"))
        .select_from(OFFER_SETS.join(ROUTES))
        .where(OFFER_SETS.c.created >= since)
        .group_by(ROUTES.c.site)
    )


def _wins(since: datetime) -> Select[str, int]:
    return (
        select(WINNERS.c.site, func.count().label("number"))
        .where(WINNERS.c.since >= since, WINNERS.c.state == WinnerState.ACCEPTED.value)
        .group_by(WINNERS.c.site)
    )


async def _counts(
    connection: AsyncConnection, query: Select[str, int]
) -> dict[str, int]:
    rows = (await connection.execute(query)).all()
    return {row.site: row.number for row in rows}
