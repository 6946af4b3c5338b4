"""A site reduced to its socket, for what no HTTP server would do on purpose."""

import asyncio
import re
import socket
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager

LOOPBACK = "127.0.0.1"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class RawSite:
    """Listens, keeps the requests that came, and answers by its script.

    The script is a coroutine function that is given the connection's writer after
    each complete request; the connection is closed when it returns False.
    """

    def __init__(self, script):
        self._script = script
        self._tasks = set()
        self.requests = []
        self.asked = asyncio.Event()
        self.connections = 0
        self.url = ""

    async def serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            while await self._read_request(reader):
                if await self._script(writer) is False:
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(asyncio.current_task())

    async def _read_request(self, reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length.group(1))) if length else b""
        self.requests.append(head + body)
        self.asked.set()
        return True

    async def stop(self):
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def raw_site(script, ssl=None):
    """Run a ``RawSite`` on a free port; https where an SSL context is given."""
    site = RawSite(script)
    server = await asyncio.start_server(site.serve, LOOPBACK, 0, ssl=ssl)
    port = server.sockets[0].getsockname()[1]
    site.url = f"{'https' if ssl else 'http'}://{LOOPBACK}:{port}"
    try:
        yield site
    finally:
        server.close()
        await site.stop()


def answers(*messages):
    """Return a script that writes the messages, one for each request."""
    waiting = list(messages)

    async def script(writer):
        writer.write(waiting.pop(0))
        await writer.drain()
        return bool(waiting)

    return script


def http(status, body=b"", content_type="application/json", **headers):
    """Return an HTTP answer as bytes; header names have ``_`` for ``-``."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed_port():
    """Return a loopback port on which nobody listens."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


@contextmanager
def black_hole():
    """Give the URL of a listener that takes no further connection: SYNs get lost."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(address)
        yield f"http://{LOOPBACK}:{address[1]}"
