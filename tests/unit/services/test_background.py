"""What outlives a request belongs to the service, and ends with it."""

import asyncio
import gc

import pytest

from aggregator.services.background import Background
from tests.support.virtual_time import virtual_time


@virtual_time
async def test_a_loop_that_fails_begins_anew_and_the_others_go_on():
    begun, beats = [], []

    async def fails_at_first():
        begun.append(1)
        if len(begun) == 1:
            raise ValueError("once")
        await asyncio.Event().wait()

    async def beats_on():
        while True:
            beats.append(1)
            await asyncio.sleep(1)

    async with Background().running() as background:
        background.run(fails_at_first, name="fails")
        background.run(beats_on, name="beats")
        await asyncio.sleep(10.5)
    assert len(begun) == 2
    assert len(beats) == 11


@virtual_time
async def test_work_that_fails_is_logged_and_gives_nothing():
    async def fails():
        raise ValueError("always")

    async with Background().running() as background:
        assert await background.spawn(fails(), name="fails") is None


@virtual_time
async def test_short_work_is_finished_and_long_work_ended_with_the_service():
    ended = []

    async def work(seconds):
        await asyncio.sleep(seconds)
        ended.append(seconds)

    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Background(stop_grace=5).running() as background:
        background.detach(work(3), name="short")
        background.detach(work(600), name="long")
        await asyncio.sleep(0)
    assert ended == [3]
    assert loop.time() - began == pytest.approx(5)


@pytest.mark.filterwarnings("error")
async def test_work_that_never_began_is_no_complaint():
    async with Background().running() as background:
        background.spawn(asyncio.sleep(1), name="sleep").cancel()
    gc.collect()


async def test_nothing_can_be_begun_where_the_service_does_not_run():
    with pytest.raises(RuntimeError):
        Background().detach(asyncio.sleep(1), name="sleep")
