"""An async context that is held open beside tests that are not async."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager


@contextmanager
def in_background(serving):
    """Hold an async context open in a thread of its own; give what it gives."""
    ready = Future()

    async def hold():
        stop = asyncio.Event()
        async with serving as value:
            ready.set_result((asyncio.get_running_loop(), stop, value))
            await stop.wait()

    def run():
        try:
            asyncio.run(hold())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        loop, stop, value = ready.result(timeout=30)
        try:
            yield value
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()
