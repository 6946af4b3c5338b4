"""Tasks that outlive the request which began them, owned by the service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

_log = structlog.get_logger(__name__)
_PAUSE: Final = 1.0
"""Seconds before a loop that failed begins anew."""


class Background:
    """One task group for the life of the service.

    It lives in a task of its own, so that whoever starts and stops the service may
    do so from different tasks.
    """

    def __init__(self, stop_grace: float = 5.0) -> None:
        self._stop_grace = stop_grace
        self._stopping = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._finite: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Background"]:
        """Run the group: on leaving, short tasks get a grace, then all are ended."""
        ready = asyncio.Event()
        supervisor = asyncio.create_task(self._supervise(ready), name="background")
        await ready.wait()
        try:
            yield self
        finally:
            self._stopping.set()
            await supervisor

    async def _supervise(self, ready: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            ready.set()
            await self._stopping.wait()
            for task in self._endless:
                task.cancel()
            if self._finite:
                _, pending = await asyncio.wait(self._finite, timeout=self._stop_grace)
                for task in pending:
                    task.cancel()
        self._group = None

    def spawn(
        self, work: Coroutine[Any, Any, Any], *, name: str, endless: bool = False
    ) -> asyncio.Task[Any]:
        """Run ``work`` as a task of the service.

        Args:
            work: What to run; should it fail, that is logged and goes no further.
            name: What the task is called in logs.
            endless: Whether it is a loop that only ends with the service.

        Raises:
            RuntimeError: The service isn't running.
        """
        if self._group is None:
            work.close()
            raise RuntimeError("the service is not running")
        task = self._group.create_task(_guarded(work, name), name=name)
        tasks = self._endless if endless else self._finite
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # One that is cancelled before it began is never awaited.
        task.add_done_callback(lambda _: work.close())
        return task

    def run(self, loop: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> None:
        """Run a loop that only ends with the service; one that fails begins anew."""
        _ = self.spawn(_kept_up(loop, name), name=name, endless=True)

    def detach(self, work: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run ``work`` as a task that nobody waits for."""
        _ = self.spawn(work, name=name)


async def _kept_up(loop: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
    while True:
        try:
            return await loop()
        except Exception:  # noqa: BLE001 -- what it does must go on being done
            _log.exception("background_task_failed", task=name)
        await asyncio.sleep(_PAUSE)


async def _guarded(work: Coroutine[Any, Any, Any], name: str) -> Any:
    try:
        return await work
    except Exception:  # noqa: BLE001 -- one failed task must not end the others
        _log.exception("background_task_failed", task=name)
        return None
