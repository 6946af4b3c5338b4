from contextlib import AsyncExitStack

import aiohttp
import pytest

from site_adapters.simulated import SimulatedSite, run
from tests.support.simulated_dialogue import Client, Dialogue, HandClock


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def http():
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture
async def simulate(http, clock):
    """Start a site in a dialect, and return a client that speaks it."""
    async with AsyncExitStack() as stack:

        async def start(dialect="2026-07", **behaviour):
            site = SimulatedSite(name="alpha", dialect=dialect, **behaviour)
            running = await stack.enter_async_context(run(site, clock=clock))
            return Client(http, running, Dialogue(dialect))

        yield start
