"""An event loop whose clock jumps over every wait, for tests of deadlines."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Waits for nothing: where nothing is ready, its clock goes on to the next timer."""

    def __init__(self) -> None:
        self.virtual = 1000.0
        super().__init__(_SkippingSelector(self))

    def time(self) -> float:
        return self.virtual


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise AssertionError("everything waits, and no timer is set: a deadlock")
        self._loop.virtual += timeout
        return ready


class LoopClock:
    """A clock of the day that goes with the loop's own."""

    start = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def now(self) -> datetime:
        passed = asyncio.get_running_loop().time() - 1000.0
        return self.start + timedelta(seconds=passed)


def virtual_time(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run a test on a loop of virtual time, and see that it leaves no task behind."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(_alone(test(*args, **kwargs)))

    return run


async def _alone(work: Awaitable[None]) -> None:
    await work
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others, f"tasks left behind: {others}"
