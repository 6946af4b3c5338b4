"""Stores of each kind, empty for every test."""

import asyncio
import shutil
from pathlib import Path

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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """An empty store's file, to be copied: making its tables takes a while."""
    file = tmp_path_factory.mktemp("template") / "store.db"

    async def make():
        async with open_store(sqlite_url(file)):
            pass

    with asyncio.Runner() as runner:
        runner.run(make())
    return file


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "postgresql"])
def store_url(request, tmp_path):
    match request.param:
        case "sqlite-file":
            template = request.getfixturevalue("sqlite_template")
            return sqlite_url(Path(shutil.copy(template, tmp_path)))
        case "sqlite-memory":
            return "sqlite:///:memory:"
        case _:
            return request.getfixturevalue("postgresql_url")


@pytest.fixture
async def store(store_url):
    async with open_store(store_url) as store:
        if store_url.startswith("postgresql"):
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
