"""What is wrong in our own reading of an answer is blamed on the answer, and logged."""

import asyncio

import pytest
import structlog

from aggregator.catalogue.calls import Question
from aggregator.catalogue.faults import CatalogueFailed
from aggregator.domain.outcomes import Outcome
from tests.support.catalogues import FakeDmApi, running_catalogue


@pytest.mark.parametrize(
    ("error", "events"),
    [(KeyError("rse"), ["catalogue_call_broke"]), (ValueError("not whole"), [])],
)
async def test_a_reader_that_breaks_is_logged_without_the_answer(caller, error, events):
    async def read(_):
        raise error

    deadline = asyncio.get_running_loop().time() + 10
    async with running_catalogue(FakeDmApi(data={})) as fake:
        with (
            structlog.testing.capture_logs() as logs,
            pytest.raises(CatalogueFailed) as caught,
        ):
            await caller(fake).ask(Question("/data/locate/a/b"), deadline, read)
    assert caught.value.outcome is Outcome.BAD_PAYLOAD
    assert [log["event"] for log in logs] == events
    assert not events or logs[0] == {
        "event": "catalogue_call_broke",
        "log_level": "error",
        "error": "KeyError",
    }
