"""What must not remain when a test is over."""

import asyncio
import gc
import time
from contextlib import asynccontextmanager
from pathlib import Path

ENDING = 2.0
"""Seconds that tasks which were told to end may take for it."""
_DESCRIPTORS = Path("/proc/self/fd")


async def assert_no_task_remains():
    """Fail where a task is left, but for those of aiohttp's servers.

    A server goes on with a request whose client went away, even while it stops.
    """
    tasks = {task for task in asyncio.all_tasks() if _is_ours(task)}
    if tasks:
        _, tasks = await asyncio.wait(tasks, timeout=ENDING)
    assert not tasks


def _is_ours(task):
    is_servers = task.get_coro().__qualname__.startswith("RequestHandler.")
    return task is not asyncio.current_task() and not is_servers


@asynccontextmanager
async def nothing_more(within=ENDING):
    """Fail where the block leaves a task of ours, or an open file or socket, behind.

    What the block told to end may take ``within`` seconds for it.
    """
    before = _footprint()
    yield
    until = time.monotonic() + within
    while (more := _footprint() - before) and time.monotonic() < until:
        await asyncio.sleep(0.01)
        gc.collect()
    assert not more, more


def _footprint():
    """Return all tasks, and what open files and sockets are called: each its own."""
    files = set()
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            files.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue  # the one by which the directory was listed
    return files | {task for task in asyncio.all_tasks() if _is_ours(task)}
