import aiohttp
import pytest

from tests.support.leaks import assert_no_task_remains


@pytest.fixture(autouse=True)
async def no_leaked_tasks():
    yield
    await assert_no_task_remains()


@pytest.fixture
async def session(no_leaked_tasks):
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield session
