"""Keeping sessions whose routes were lost, as their sites told them."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.principal import OPERATORS
from aggregator.domain.records import OfferSet, Route, Winner
from aggregator.store.database import Database, insert_new
from aggregator.store.documents import write_offer_set
from aggregator.store.offer_sets import route_rows, set_row
from aggregator.store.routes import route_of
from aggregator.store.tables import OFFER_SETS, ROUTES, WATCHES, WINNERS


class RecoveryStore:
    """Keeps what was found again: ``ports.recovery.Recovery``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, offer_set: OfferSet, winner: Winner) -> Route:
        """Keep the set's only offer, its route and its winner, and watch it.

        Where the session has a route that stays as it is; only one that belongs to
        the operators comes into the ownership of ``offer_set``.
        """
        return await self._database.write(
            lambda connection: _keep(connection, offer_set, winner)
        )


async def _keep(
    connection: AsyncConnection, offer_set: OfferSet, winner: Winner
) -> Route:
    present = await _present(connection, winner.session)
    if present is None:
        await _insert(connection, offer_set, winner)
    elif (present.issuer, present.subject) == (OPERATORS.issuer, OPERATORS.subject):
        await _hand_over(connection, present.offer_set, offer_set)
    kept = await _present(connection, winner.session)
    assert kept is not None
    return route_of(kept)


async def _present(connection: AsyncConnection, session: str) -> Row[Any] | None:
    query = select(ROUTES).where(ROUTES.c.session == session).with_for_update()
    return (await connection.execute(query)).one_or_none()


async def _insert(
    connection: AsyncConnection, offer_set: OfferSet, winner: Winner
) -> None:
    """Insert all rows, passing over those that another replica inserts just now."""
    rows = route_rows(offer_set, offer_set.offers, {})
    await connection.execute(insert_new(connection, OFFER_SETS), set_row(offer_set))
    await connection.execute(insert_new(connection, ROUTES), rows)
    await connection.execute(
        insert_new(connection, WINNERS),
        {
            "offer_set": winner.offer_set,
            "session": winner.session,
            "site": winner.site,
            "site_session": winner.site_session,
            "state": winner.state.value,
            "since": winner.since,
        },
    )
    await connection.execute(
        insert_new(connection, WATCHES),
        {"session": winner.session, "due": winner.since},
    )


async def _hand_over(
    connection: AsyncConnection, uuid: str, offer_set: OfferSet
) -> None:
    owner = {"issuer": offer_set.issuer, "subject": offer_set.subject}
    await connection.execute(
        update(ROUTES).where(ROUTES.c.offer_set == uuid).values(owner)
    )
    await connection.execute(
        update(OFFER_SETS)
        .where(OFFER_SETS.c.uuid == uuid)
        .values(
            **owner,
            document=write_offer_set(offer_set),
            version=OFFER_SETS.c.version + 1,
        )
    )
