import asyncio

import aiohttp
import pytest


@pytest.fixture(autouse=True)
async def no_leaked_tasks():
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def session(no_leaked_tasks):
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield session
