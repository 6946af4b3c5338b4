"""Tokens are remembered for as long as they are good, and asked for by one at a time."""

import asyncio

from aggregator.credentials.memory import MemoryLimits, TokenMemory
from aggregator.credentials.token_endpoint import IssuedToken, NotIssued
from aggregator.domain.outcomes import Outcome
from tests.support.virtual_time import virtual_time

KEY = b"of a user"
REFUSED = NotIssued(Outcome.REFUSED_4XX, "it refused", "invalid_grant")


class Issuing:
    """Issues tokens that are numbered, each after a while."""

    def __init__(self, lifetime=600.0, delay=0.0):
        self.lifetime = lifetime
        self.delay = delay
        self.calls = 0
        self.instead = []

    async def __call__(self):
        self.calls += 1
        number = self.calls
        await asyncio.sleep(self.delay)
        if self.instead:
            return self.instead.pop(0)
        return IssuedToken(f"t{number}", self.lifetime)


def in_(seconds):
    return asyncio.get_running_loop().time() + seconds


async def text(memory, issuing, key=KEY, seconds=20.0):
    return (await memory.get(key, issuing, in_(seconds))).text


@virtual_time
async def test_a_token_is_used_until_a_minute_before_its_end():
    memory, issuing = TokenMemory(), Issuing(lifetime=600)
    assert await text(memory, issuing) == "t1"
    await asyncio.sleep(539)
    assert await text(memory, issuing) == "t1"
    await asyncio.sleep(2)
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_of_a_short_life_the_first_half_is_used():
    memory, issuing = TokenMemory(), Issuing(lifetime=10)
    assert await text(memory, issuing) == "t1"
    await asyncio.sleep(4)
    assert await text(memory, issuing) == "t1"
    await asyncio.sleep(2)
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_where_the_issuer_says_nothing_a_token_is_used_for_half_a_minute():
    memory, issuing = TokenMemory(), Issuing(lifetime=None)
    await text(memory, issuing)
    await asyncio.sleep(29)
    assert await text(memory, issuing) == "t1"
    await asyncio.sleep(2)
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_a_token_that_ends_at_once_serves_the_call_that_asked():
    memory, issuing = TokenMemory(), Issuing(lifetime=0)
    assert await text(memory, issuing) == "t1"
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_calls_at_once_ask_once_and_each_user_by_itself():
    memory, issuing = TokenMemory(), Issuing(delay=1)
    keys = [KEY] * 50 + [b"of another"] * 50
    texts = await asyncio.gather(*(text(memory, issuing, key) for key in keys))
    assert texts == ["t1"] * 50 + ["t2"] * 50
    assert issuing.calls == 2
    assert not memory._turns


@virtual_time
async def test_who_gives_up_leaves_the_asking_to_the_next():
    memory, issuing = TokenMemory(), Issuing(delay=5)
    first = asyncio.create_task(text(memory, issuing))
    second = asyncio.create_task(text(memory, issuing))
    await asyncio.sleep(1)
    first.cancel()
    assert await second == "t2"
    assert issuing.calls == 2


@virtual_time
async def test_nobody_waits_for_a_turn_beyond_the_deadline():
    memory, issuing = TokenMemory(), Issuing(delay=5)
    first = asyncio.create_task(text(memory, issuing))
    await asyncio.sleep(0)
    late = await memory.get(KEY, issuing, in_(1))
    assert (late.outcome, late.is_ours) == (Outcome.TIMEOUT, True)
    assert await first == "t1"


@virtual_time
async def test_a_failure_is_remembered_for_a_short_while():
    memory, issuing = TokenMemory(), Issuing()
    issuing.instead = [REFUSED]
    for _ in range(10):
        assert await memory.get(KEY, issuing, in_(1)) is REFUSED
    assert issuing.calls == 1
    await asyncio.sleep(5.1)
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_a_wait_that_ended_is_nobody_elses_failure():
    memory, issuing = TokenMemory(), Issuing()
    issuing.instead = [NotIssued(Outcome.TIMEOUT, "late", is_ours=True)]
    assert (await memory.get(KEY, issuing, in_(1))).is_ours
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_a_refused_token_is_renewed_once_in_a_while():
    memory, issuing = TokenMemory(), Issuing()
    await text(memory, issuing)
    assert memory.doubt(KEY, "t1")
    assert await text(memory, issuing) == "t2"
    assert not memory.doubt(KEY, "t2")
    assert await text(memory, issuing) == "t2"
    await asyncio.sleep(10.1)
    assert memory.doubt(KEY, "t2")
    assert await text(memory, issuing) == "t3"


@virtual_time
async def test_of_many_calls_that_were_refused_one_renews():
    memory, issuing = TokenMemory(), Issuing()
    await text(memory, issuing)
    assert all(memory.doubt(KEY, "t1") for _ in range(10))
    assert await text(memory, issuing) == "t2"
    assert memory.doubt(KEY, "t1")
    assert await text(memory, issuing) == "t2"


@virtual_time
async def test_where_none_is_issued_there_is_nothing_newer():
    memory, issuing = TokenMemory(), Issuing()
    issuing.instead = [REFUSED]
    await memory.get(KEY, issuing, in_(1))
    assert not memory.doubt(KEY, "t0")


@virtual_time
async def test_what_is_remembered_is_bounded():
    memory, issuing = TokenMemory(MemoryLimits(tokens=3)), Issuing()
    for number in range(10):
        await text(memory, issuing, str(number).encode())
        memory.doubt(str(number).encode(), f"t{2 * number + 1}")
        await text(memory, issuing, str(number).encode())
    assert len(memory._known) == 3
    assert len(memory._renewed) == 3
    assert not memory._turns
