"""Offer sets in the database, with the routes of their offers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Update, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.domain.offers import Offer
from aggregator.domain.records import OfferSet, Release
from aggregator.ports.store import SessionsTaken
from aggregator.store.database import Database
from aggregator.store.documents import read_offer_set, write_offer_set
from aggregator.store.releases import queue_releases
from aggregator.store.routes import known_sessions
from aggregator.store.tables import OFFER_SETS, ROUTES

_NO_ESTIMATES: Final[Mapping[str, datetime]] = {}


class OfferSetStore:
    """Keeps offer sets: ``ports.store.OfferSets`` and ``OfferSetWatch``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        offer_set: OfferSet,
        releases: Sequence[Release],
        estimated_starts: Mapping[str, datetime] = _NO_ESTIMATES,
    ) -> None:
        """Keep a new set, a route for each of its offers, and queue releases.

        Raises:
            SessionsTaken: Another set has sessions of these uuids; nothing was kept.
        """
        starts = estimated_starts
        try:
            await self._database.write(
                lambda connection: _add(connection, offer_set, releases, starts)
            )
        except IntegrityError:
            await self._refuse_taken_sessions(offer_set)
            raise

    async def get(self, uuid: str) -> OfferSet | None:
        """Return the set, None where there is none of that uuid."""
        rows = await self._database.rows(
            select(
                OFFER_SETS.c.document, OFFER_SETS.c.version, OFFER_SETS.c.open
            ).where(OFFER_SETS.c.uuid == uuid)
        )
        for row in rows:
            return read_offer_set(row.document, row.version, is_open=row.open)
        return None

    async def version(self, uuid: str) -> int | None:
        """Return a set's version, None where there is none of that uuid."""
        rows = await self._database.rows(
            select(OFFER_SETS.c.version).where(OFFER_SETS.c.uuid == uuid)
        )
        return next((int(row.version) for row in rows), None)

    async def open_reservations(
        self, now: datetime, issuer: str | None = None, subject: str | None = None
    ) -> int:
        """Count offers that wait for their users: of one, or of all."""
        query = (
            select(func.count())
            .select_from(ROUTES.join(OFFER_SETS))
            .where(
                ROUTES.c.expires > now, ROUTES.c.overlay.is_(None), OFFER_SETS.c.open
            )
        )
        if subject is not None:
            query = query.where(ROUTES.c.issuer == issuer, ROUTES.c.subject == subject)
        [(count,)] = await self._database.rows(query)
        return int(count)

    async def replace(
        self,
        offer_set: OfferSet,
        releases: Sequence[Release],
        estimated_starts: Mapping[str, datetime] = _NO_ESTIMATES,
    ) -> bool:
        """Keep a set that grew, unless it was closed or changed meanwhile.

        Raises:
            SessionsTaken: Another set has sessions of these uuids; nothing was kept.
        """
        starts = estimated_starts
        try:
            return await self._database.write(
                lambda connection: _replace(connection, offer_set, releases, starts)
            )
        except IntegrityError:
            await self._refuse_taken_sessions(offer_set)
            raise

    async def _refuse_taken_sessions(self, offer_set: OfferSet) -> None:
        """Say so where it was sessions of other sets that were in the way."""
        sessions = [offer.session for offer in offer_set.offers]
        others = await self._database.read(
            lambda connection: known_sessions(connection, sessions, but=offer_set.uuid)
        )
        if others:
            raise SessionsTaken(others)


async def _add(
    connection: AsyncConnection,
    offer_set: OfferSet,
    releases: Sequence[Release],
    estimated_starts: Mapping[str, datetime],
) -> None:
    await connection.execute(insert(OFFER_SETS), set_row(offer_set))
    await _add_routes(
        connection, route_rows(offer_set, offer_set.offers, estimated_starts)
    )
    await queue_releases(connection, releases)


async def _replace(
    connection: AsyncConnection,
    offer_set: OfferSet,
    releases: Sequence[Release],
    estimated_starts: Mapping[str, datetime],
) -> bool:
    if not await _replace_document(connection, offer_set):
        return False
    await _grow_routes(connection, offer_set, estimated_starts)
    await queue_releases(connection, releases)
    return True


async def _replace_document(connection: AsyncConnection, offer_set: OfferSet) -> bool:
    result = await connection.execute(
        update(OFFER_SETS)
        .where(
            OFFER_SETS.c.uuid == offer_set.uuid,
            OFFER_SETS.c.open,
            OFFER_SETS.c.version == offer_set.version - 1,
        )
        .values(version=offer_set.version, document=write_offer_set(offer_set))
    )
    return result.rowcount == 1


async def _grow_routes(
    connection: AsyncConnection,
    offer_set: OfferSet,
    estimated_starts: Mapping[str, datetime],
) -> None:
    query = select(ROUTES.c.session).where(ROUTES.c.offer_set == offer_set.uuid)
    known = set((await connection.execute(query)).scalars())
    new = [offer for offer in offer_set.offers if offer.session not in known]
    await _add_routes(connection, route_rows(offer_set, new, estimated_starts))
    moved = [
        {
            "key": offer.session,
            "place": place,
            "start": estimated_starts.get(offer.session),
        }
        for place, offer in enumerate(offer_set.offers)
        if offer.session in known
    ]
    if moved:
        await connection.execute(
            _MOVE_ROUTE, sorted(moved, key=lambda row: str(row["key"]))
        )


def _move_route() -> Update:
    return (
        update(ROUTES)
        .where(ROUTES.c.session == bindparam("key"))
        .values(
            position=bindparam("place"),
            estimated_start=func.coalesce(
                bindparam("start", type_=ROUTES.c.estimated_start.type),
                ROUTES.c.estimated_start,
            ),
        )
    )


_MOVE_ROUTE: Final = _move_route()


async def _add_routes(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert routes, in an order by which two sets never wait for one another."""
    if rows:
        await connection.execute(
            insert(ROUTES), sorted(rows, key=lambda row: str(row["session"]))
        )


def set_row(offer_set: OfferSet) -> dict[str, Any]:
    """Return the row of a set."""
    return {
        "uuid": offer_set.uuid,
        "issuer": offer_set.issuer,
        "subject": offer_set.subject,
        "created": offer_set.created,
        "version": offer_set.version,
        "open": offer_set.open,
        "document": write_offer_set(offer_set),
    }


def route_rows(
    offer_set: OfferSet,
    offers: Sequence[Offer],
    estimated_starts: Mapping[str, datetime],
) -> list[dict[str, Any]]:
    """Return the rows of the routes of ``offers``, which are among the set's."""
    places = {offer.session: place for place, offer in enumerate(offer_set.offers)}
    return [
        {
            "session": offer.session,
            "offer_set": offer_set.uuid,
            "position": places[offer.session],
            "site": offer.site,
            "site_session": offer.site_session,
            "issuer": offer_set.issuer,
            "subject": offer_set.subject,
            "dialect": offer_set.request.dialect,
            "residue": offer_set.request.residue,
            "expires": offer.expires,
            "estimated_start": estimated_starts.get(offer.session),
            "overlay": None,
            "last_payload": offer.payload,
            "last_residue": offer.residue,
            "last_read": offer_set.created,
        }
        for offer in offers
    ]
