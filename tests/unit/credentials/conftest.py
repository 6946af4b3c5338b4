import aiohttp
import pytest

from tests.support.in_process import RecordedTelemetry
from tests.support.issuer import running_issuer
from tests.support.leaks import assert_no_task_remains


@pytest.fixture
def telemetry():
    return RecordedTelemetry()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as made:
        yield made
    await assert_no_task_remains()


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running
