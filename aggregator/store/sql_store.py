"""The store as a whole, and the way to open it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from aggregator.store.database import Database, open_database
from aggregator.store.decisions import DecisionStore
from aggregator.store.drains import DrainStore
from aggregator.store.engines import store_url
from aggregator.store.health import StoreHealthCheck
from aggregator.store.histories import HistoryStore
from aggregator.store.holdings import HoldingStore
from aggregator.store.migrating import is_up_to_date, migrate
from aggregator.store.offer_sets import OfferSetStore
from aggregator.store.recovery import RecoveryStore
from aggregator.store.releases import ReleaseStore
from aggregator.store.request_claims import RequestClaimStore
from aggregator.store.retention import RetentionStore
from aggregator.store.routes import RouteStore
from aggregator.store.tallies import TallyStore
from aggregator.store.watches import WatchStore
from aggregator.store.winners import WinnerStore

_MIGRATION_TIME_LIMIT: Final = 120.0


@dataclass(frozen=True, slots=True)
class SqlStore:
    """All ports to the store, on one database.

    Attributes:
        offer_sets: ``OfferSets`` and ``OfferSetWatch``.
        routes: ``Routes`` and ``Overlays``.
        winners: ``Winners`` and ``WinnerReadings``.
        releases: ``Releases`` and ``ReleaseRetries``.
        request_claims: ``RequestClaims``.
        watches: ``Watches``.
        decisions: ``Decisions``.
        histories: ``Histories`` and ``Alternatives``.
        drains: ``Drains`` and ``AuditTrail``.
        tallies: ``SiteTallies``.
        holdings: ``Holdings``.
        health: ``StoreHealth``.
        recovery: ``Recovery``.
        retention: ``Retention``.
        database: The database beneath them.
    """

    offer_sets: OfferSetStore
    routes: RouteStore
    winners: WinnerStore
    releases: ReleaseStore
    request_claims: RequestClaimStore
    watches: WatchStore
    decisions: DecisionStore
    histories: HistoryStore
    drains: DrainStore
    tallies: TallyStore
    holdings: HoldingStore
    health: StoreHealthCheck
    recovery: RecoveryStore
    retention: RetentionStore
    database: Database

    @classmethod
    def on(cls, database: Database) -> "SqlStore":
        """Return the store that is kept in ``database``."""
        return cls(
            offer_sets=OfferSetStore(database),
            routes=RouteStore(database),
            winners=WinnerStore(database),
            releases=ReleaseStore(database),
            request_claims=RequestClaimStore(database),
            watches=WatchStore(database),
            decisions=DecisionStore(database),
            histories=HistoryStore(database),
            drains=DrainStore(database),
            tallies=TallyStore(database),
            holdings=HoldingStore(database),
            health=StoreHealthCheck(database),
            recovery=RecoveryStore(database),
            retention=RetentionStore(database),
            database=database,
        )


@asynccontextmanager
async def open_store(
    url: str, *, time_limit: float = 3.0, connections: int = 10
) -> AsyncIterator[SqlStore]:
    """Yield the store at ``url``, its tables made or brought up to date.

    A directory that is made for a SQLite file is for its owner alone, and so is
    the file.

    Args:
        url: ``sqlite:////directory/file.db``, ``sqlite:///:memory:``, or
            ``postgresql://user@host/database``.
        time_limit: Seconds that a transaction may take.
        connections: The most that are held open to PostgreSQL.

    Raises:
        ValueError: ``url`` names no database that can be used.
        StoreUnavailable: The database can't be used now.
    """
    address = store_url(url)
    async with open_database(address, time_limit, connections) as database:
        if not await is_up_to_date(database):
            await _migrate_patiently(address)
        yield SqlStore.on(database)


def sqlite_url(file: Path) -> str:
    """Return the URL of the store that is kept in ``file``."""
    return URL.create("sqlite", database=str(file.absolute())).render_as_string()


async def _migrate_patiently(address: URL) -> None:
    async with open_database(address, _MIGRATION_TIME_LIMIT, 1) as database:
        await migrate(database)
