"""Replicas: `metabroker serve` as processes of their own, killed and started at will."""

import asyncio
import itertools
import shutil
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from site_adapters.simulated import RunningSite, run
from tests.support.commands import CLEAN, COMMAND
from tests.support.ports import free_port
from tests.support.running import configuration_files

_STARTING = 30.0
_SETPRIV = shutil.which("setpriv")
_DIE_WITH_US = [_SETPRIV, "--pdeathsig", "KILL"] if _SETPRIV else []


class Replica:
    """One process of the service, at a port that it keeps over restarts."""

    def __init__(self, name, settings, log):
        self.name = name
        self.log = log
        self._settings = settings
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.is_up = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self):
        return self._process.pid if self._process is not None else None

    def begin(self):
        """Start the process unless there is one, without waiting for it."""
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_DIE_WITH_US, *COMMAND, "serve", "--config", str(self._settings)],
                env={**CLEAN, "METABROKER_LISTEN": f"127.0.0.1:{self._port}"},
                stdout=log,
                stderr=log,
            )

    async def look(self, client):
        """Note whether the process that was begun is ready by now."""
        assert self._process.poll() is None, self.log.read_text()
        try:
            async with client.get(self.url + "/readyz") as answer:
                self.is_up = answer.status == 200
        except aiohttp.ClientConnectionError:
            self.is_up = False

    def kill(self):
        """End the process, if there is one, in the middle of whatever it does."""
        self.is_up = False
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


@dataclass
class Replicas:
    """Several replicas on one store, behind a client that goes round among them.

    Attributes:
        sites: The running sites, by name.
        store: The URL of the store that they share.
    """

    sites: dict[str, RunningSite]
    replicas: list[Replica]
    client: aiohttp.ClientSession
    store: str
    _turn: Any = field(default_factory=itertools.count)

    def at(self, number):
        """Return what speaks to one replica only."""
        return OneReplica(self.replicas[number], self.client)

    @property
    def everywhere(self):
        """What speaks to each of the replicas that are up."""
        return [OneReplica(one, self.client) for one in self.replicas if one.is_up]

    async def post(self, path, body=b"", **kwargs):
        return await self._next().post(path, body, **kwargs)

    async def get(self, path, **kwargs):
        return await self._next().get(path, **kwargs)

    def _next(self):
        up = [replica for replica in self.replicas if replica.is_up]
        return OneReplica(up[next(self._turn) % len(up)], self.client)

    async def start(self):
        """Start all replicas that aren't up, and wait until they are."""
        for replica in self.replicas:
            replica.begin()
        async with asyncio.timeout(_STARTING):
            while len(self.everywhere) < len(self.replicas):
                await asyncio.sleep(0.05)
                for replica in self.replicas:
                    await replica.look(self.client)

    def kill(self):
        """Kill all replicas."""
        for replica in self.replicas:
            replica.kill()

    def logs(self):
        """Return all that the replicas logged."""
        return "".join(replica.log.read_text() for replica in self.replicas)


@dataclass
class OneReplica:
    """What a client says to one replica."""

    replica: Replica
    client: aiohttp.ClientSession

    async def post(self, path, body=b"", **kwargs):
        return await self.client.post(
            self.replica.url + path, data=body, allow_redirects=False, **kwargs
        )

    async def get(self, path, **kwargs):
        return await self.client.get(self.replica.url + path, **kwargs)

    def kill(self):
        self.replica.kill()


@asynccontextmanager
async def running_replicas(directory, store, *sites, number=3, settings=None):
    """Run ``sites``, and replicas of the service that start together.

    Args:
        directory: For the configuration's files and the logs.
        store: The URL of the store that all replicas share.
        sites: The sites, each on a port of its own, in this process.
        number: How many replicas there are.
        settings: What differs from the quick settings.
    """
    async with AsyncExitStack() as stack:
        running = {
            site.name: await stack.enter_async_context(run(site)) for site in sites
        }
        configured = [
            {
                "name": name,
                "required": "always",
                "broker": {"url": one.url, "dialect": one.site.dialect},
            }
            for name, one in running.items()
        ]
        path = configuration_files(
            directory,
            configured,
            {"store": store, "public_url": "http://broker.example", **(settings or {})},
        )
        client = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        )
        replicas = Replicas(
            running,
            [
                Replica(f"replica-{place}", path, directory / f"replica-{place}.log")
                for place in range(number)
            ],
            client,
            store,
        )
        stack.callback(replicas.kill)
        await replicas.start()
        yield replicas
