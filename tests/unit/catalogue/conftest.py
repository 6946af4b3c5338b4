import aiohttp
import pytest
from pydantic import SecretStr

from aggregator.catalogue.calls import Access, CatalogueCaller
from aggregator.credentials.secrets import Secret
from tests.support.catalogues import TOKEN
from tests.support.in_process import RecordedTelemetry


@pytest.fixture
def telemetry():
    return RecordedTelemetry()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
def caller(session, telemetry):
    """Return a function that makes the caller of a fake, with the right token."""

    def make(fake, *, token=TOKEN, headers="bearer", account=None):
        as_headers = {
            "bearer": lambda text: {"Authorization": f"Bearer {text}"},
            "rucio": lambda text: {"X-Rucio-Auth-Token": text},
        }[headers]
        held = token if isinstance(token, Secret | None) else Secret(SecretStr(token))
        more = {} if account is None else {"X-Rucio-Account": account}
        access = Access("fake", fake.url, held, as_headers, more)
        return CatalogueCaller(access, session, telemetry)

    return make
