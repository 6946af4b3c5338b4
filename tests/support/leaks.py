"""What must not remain when a test is over."""

import asyncio

ENDING = 2.0
"""Seconds that tasks which were told to end may take for it."""


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
