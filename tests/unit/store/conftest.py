"""Stores of each kind, empty for every test."""

import pytest
from sqlalchemy import text

from aggregator.store.sql_store import open_store, sqlite_url
from aggregator.store.tables import METADATA
from tests.support.databases import postgresql_server


@pytest.fixture(scope="session")
def postgresql():
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql):
    return postgresql.new_database()


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "postgresql"])
async def store(request, tmp_path):
    match request.param:
        case "sqlite-file":
            url = sqlite_url(tmp_path / "store.db")
        case "sqlite-memory":
            url = "sqlite:///:memory:"
        case _:
            url = request.getfixturevalue("postgresql_url")
    async with open_store(url) as store:
        if request.param == "postgresql":
            await _empty(store)
        yield store


async def _empty(store):
    tables = ", ".join(METADATA.tables)
    async with store.database.writing() as connection:
        await connection.execute(text(f"TRUNCATE {tables}"))


@pytest.fixture(params=["sqlite-file", "postgresql"])
def url(request, tmp_path):
    """A new database that outlives a process, and that several can share."""
    if request.param == "sqlite-file":
        return sqlite_url(tmp_path / "store.db")
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture
async def three_stores(url):
    """Three replicas' stores on one database."""
    async with (
        open_store(url) as first,
        open_store(url) as second,
        open_store(url) as third,
    ):
        yield first, second, third
