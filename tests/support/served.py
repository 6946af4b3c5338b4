"""The service as a process of its own, on a SQLite file, to be killed and started."""

import asyncio
import re
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from aggregator.store.sql_store import sqlite_url
from tests.support.commands import CLEAN, COMMAND
from tests.support.running import configuration_files

_STARTING = 20.0
_URL = re.compile(r"\"url\":\"(http://127\.0\.0\.1:\d+)\".*service_started")


@dataclass(frozen=True)
class Usage:
    """What a process uses: files and sockets that are open, and memory in MiB."""

    files: int
    mib: int


class ServedFederation:
    """A federation whose service is a process; it may be down at times.

    Attributes:
        sites: The running sites, by name.
        url: Where the service is, for as long as it is up.
        is_up: Whether it is.
    """

    def __init__(self, directory, sites, client, settings, elsewhere, environment):
        brokers = {
            **{n: {"url": s.url, "dialect": s.site.dialect} for n, s in sites.items()},
            **elsewhere,
        }
        configured = [
            {"name": name, "required": "always", "broker": broker}
            for name, broker in brokers.items()
        ]
        store = {"store": sqlite_url(directory / "store.sqlite")}
        self._configuration = configuration_files(
            directory, configured, {**store, **settings}
        )
        self._log = directory / "log"
        self._environment = environment
        self._process = None
        self._client = client
        self.sites = sites
        self.url = ""
        self.is_up = asyncio.Event()

    async def start(self):
        """Start the service, and return once it answers."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                *("serve", "--config", str(self._configuration)),
                env={**CLEAN, **self._environment},
                stderr=log,
            )
        async with asyncio.timeout(_STARTING):
            while not (found := _URL.search(self._log.read_text())):
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.02)
        self.url = found[1]
        self.is_up.set()

    async def kill(self):
        """End the service as a crash does."""
        await self._end(signal.SIGKILL)

    async def stop(self):
        """Tell the service to end, and see that it does so without complaint."""
        assert await self._end(signal.SIGTERM) == 0, self._log.read_text()

    @property
    def log(self):
        """What the service has logged since it was started."""
        return self._log.read_text()

    def usage(self):
        """Return what the service's process uses now."""
        process = Path("/proc") / str(self._process.pid)
        files = len(list((process / "fd").iterdir()))
        resident = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
        return Usage(files, int(resident[1]) // 1024)

    async def _end(self, number):
        self.is_up.clear()
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        return await process.wait()

    async def post(self, path, body, headers):
        return await self._client.post(
            self.url + path, data=body, headers=headers, allow_redirects=False
        )

    async def get(self, path, headers=None):
        return await self._client.get(self.url + path, headers=headers)


@asynccontextmanager
async def served_federation(
    directory, sites, settings=None, elsewhere=None, **environment
):
    """Run the service as a process in front of sites.

    Args:
        directory: For the configuration, the store and the log.
        sites: Running sites, by name.
        settings: What differs from the quick settings.
        elsewhere: What ``sites.yaml`` says of the brokers of other sites, by name.
        environment: Of the process.
    """
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        federation = ServedFederation(
            directory, sites, client, settings or {}, elsewhere or {}, environment
        )
        await federation.start()
        try:
            yield federation
        finally:
            await federation.kill()
