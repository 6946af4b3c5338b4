"""Replays: one at a time, and aside from the event loop."""

import asyncio
import threading

import pytest

from aggregator.domain.errors import Overloaded, SyntaxFault
from aggregator.domain.ranking.knowledge import Links
from aggregator.ports.snapshot import Federation
from aggregator.services.limits import DecisionLimits
from aggregator.services.replaying import Replaying
from tests.support.ranking import NOW, plain_policy


class Decisions:
    """A store without decisions, which answers when it is let."""

    def __init__(self):
        self.let = asyncio.Event()

    async def page(self, since, before, limit):
        await self.let.wait()
        return []


class Reader:
    """Reads any text as one policy, and notes where it was at work."""

    def __init__(self):
        self.threads = set()

    def read(self, text, sites):
        self.threads.add(threading.current_thread())
        if not text:
            raise SyntaxFault("nothing is there")
        return plain_policy()


class Snapshot:
    def current(self):
        return Federation({}, (plain_policy(),), Links(), None, {}, 1)


def replaying(decisions, reader):
    return Replaying(
        decisions=decisions,
        reader=reader,
        snapshot=Snapshot(),
        limits=DecisionLimits(),
    )


async def test_a_second_replay_is_refused_while_one_is_under_way():
    decisions, reader = Decisions(), Reader()
    replays = replaying(decisions, reader)
    first = asyncio.create_task(replays.replay(b"x", NOW))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as caught:
        await replays.replay(b"x", NOW)
    assert caught.value.retry_after == 5
    decisions.let.set()
    assert (await first)["replayed"] == 0
    assert (await replays.replay(b"x", NOW))["complete"]


async def test_a_replay_that_failed_or_was_given_up_stands_in_nobodys_way():
    decisions, reader = Decisions(), Reader()
    replays = replaying(decisions, reader)
    with pytest.raises(SyntaxFault):
        await replays.replay(b"", NOW)
    given_up = asyncio.create_task(replays.replay(b"x", NOW))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    decisions.let.set()
    assert (await replays.replay(b"x", NOW))["complete"]


async def test_the_policy_is_read_aside_from_the_event_loop():
    decisions, reader = Decisions(), Reader()
    decisions.let.set()
    await replaying(decisions, reader).replay(b"x", NOW)
    assert threading.current_thread() not in reader.threads
