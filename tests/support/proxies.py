"""A proxy in front of a server, which can drop what goes through it."""

import asyncio
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536


class Proxy:
    """Passes bytes between clients and one server, unless it is told not to."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks = set()
        self._server = None

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def swallow(self):
        """Take connections and bytes from now on, and pass nothing on."""
        self._passing.clear()

    def resume(self):
        """Pass on what was held back, and all that follows."""
        self._passing.set()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._passing.wait()
            back_reader, back_writer = await asyncio.open_connection(*self._target)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(reader, back_writer))
                    group.create_task(self._pass(back_reader, writer))
            finally:
                back_writer.close()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader, writer):
        while chunk := await reader.read(_CHUNK):
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    @asynccontextmanager
    async def running(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        async with self._server:
            yield self
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
