"""Three replicas on one PostgreSQL, for all tests of a module."""

import asyncpg
import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from tests.support.databases import postgresql_server
from tests.support.processes import running_replicas

QUICK = {
    "acceptance": {
        "call": 4.0,
        "first_pause": 0.05,
        "longest_pause": 0.2,
        "lease": 1.0,
    },
    "releases": {
        "interval": 0.1,
        "first_pause": 0.05,
        "longest_pause": 0.2,
        "call": 0.2,
    },
}
"""Settings under which one replica soon takes over from another."""


@pytest.fixture(scope="session")
def postgresql():
    with postgresql_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replicas(postgresql, tmp_path_factory):
    sites = [
        SimulatedSite(name="a", offers=2),
        SimulatedSite(name="b", offers=1, first_start=600),
        SimulatedSite(name="c", offers=1, first_start=1200),
    ]
    directory = tmp_path_factory.mktemp("replicas")
    store = postgresql.new_database()
    async with running_replicas(directory, store, *sites, settings=QUICK) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def calm(replicas):
    """The replicas, all up, with sites that behave."""
    for site in replicas.sites.values():
        site.clear_script()
        site.behave(latency={})
    await replicas.start()
    return replicas


@pytest_asyncio.fixture(loop_scope="module")
async def operator(replicas):
    """A connection to the replicas' database."""
    connection = await asyncpg.connect(replicas.store)
    yield connection
    await connection.close()
