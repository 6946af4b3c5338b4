"""Following a session by polling."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aggregator.client.answers import Progress, SessionAnswer
from aggregator.client.errors import BrokerProblem, BrokerUnreachable, WatchEnded

PATIENCE: Final = 5
"""Looks in a row that may fail before the watch does."""


async def follow(
    look: Callable[[], Awaitable[SessionAnswer]],
    *,
    interval: float,
    until: float | None,
) -> AsyncIterator[Progress]:
    """Yield a session at each change of a phase, until its end.

    Args:
        look: Reads the session.
        interval: Seconds between two looks.
        until: When to stop, on the event loop's clock; None is never.

    Raises:
        WatchEnded: ``until`` passed.
        BrokerError: ``look`` failed in a way that doesn't pass, or too often.
    """
    known: dict[str, str] = {}
    failures = 0
    while True:
        try:
            session = await _in_time(look, until)
        except (BrokerUnreachable, BrokerProblem) as error:
            failures += 1
            if failures > PATIENCE or not _may_pass(error):
                raise
        else:
            failures = 0
            phases = dict(session.component_phases)
            changed = {
                name: phase
                for name, phase in phases.items()
                if known.get(name) != phase
            }
            known = phases
            if changed:
                yield Progress(session, changed)
            if session.is_terminal:
                return
        await _pause(interval, until)


async def _in_time(
    look: Callable[[], Awaitable[SessionAnswer]], until: float | None
) -> SessionAnswer:
    try:
        async with asyncio.timeout_at(until):
            return await look()
    except TimeoutError:
        raise _ended() from None


async def _pause(interval: float, until: float | None) -> None:
    now = asyncio.get_running_loop().time()
    if until is not None and now + interval > until:
        raise _ended()
    await asyncio.sleep(interval)


def _ended() -> WatchEnded:
    return WatchEnded("the session didn't come to its end in the time given")


def _may_pass(error: BrokerUnreachable | BrokerProblem) -> bool:
    return isinstance(error, BrokerUnreachable) or error.may_pass
