"""The whole service over HTTP on loopback: requests for offers, polls, a scrape.

The peer in the same run is a bare aiohttp proxy in front of the same sites
(``bench.bare_proxy``). Both are processes of their own, whose CPU time is read from
outside; the sites and the clients are this process, and aren't counted. The service
has its usual settings, a store in a file and its log in one; but all offers are
shown, so that none has to be released.

    python -m bench.over_http [--sites 10] [--offers 4] [--requests 100] [--polls 400]
"""

import argparse
import asyncio
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from aggregator import strict_yaml
from aggregator.services.limits import StatusLimits
from bench.offer_path import REQUEST, ROOT
from bench.stub_sites import entries, running_sites

_IN_FLIGHT = 4
_STARTING = 30.0
_JSON = {"Content-Type": "application/json"}
_FRESHNESS = StatusLimits().freshness


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is measured."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads until now.

        The clock is that of clock_getcpuclockid(3) on Linux, which Python hasn't got.
        """
        return time.clock_gettime((~self.pid << 3) | 2)


@dataclass(frozen=True, slots=True)
class Measured:
    """What exchanges cost, each: CPU time of the server, and time to the client."""

    cpu_ms: float
    median_ms: float
    p95_ms: float


@asynccontextmanager
async def _ready(
    client: aiohttp.ClientSession, port: int, log: Path, *command: str
) -> AsyncIterator[Served]:
    """Run a server while the block runs, which begins once it is ready.

    Args:
        client: Looks whether it is.
        port: Where the server listens.
        log: Takes what it says.
        command: The module to run, and its arguments.
    """
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as lines:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, stdout=lines, stderr=lines
        )
    try:
        async with asyncio.timeout(_STARTING):
            ready = False
            while not ready:
                await asyncio.sleep(0.1)
                ready = await _answers(client, f"{url}/readyz")
        yield Served(url, process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as answer:
            return answer.ok
    except aiohttp.ClientConnectionError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _configured(directory: Path, port: int, sites: dict[str, str]) -> Path:
    """Write the service's configuration, and return the file of the settings."""
    policy = (ROOT / "config/ranking/default.yaml").read_text()
    unlimited = policy.replace("max_offers: 20", "max_offers: 1000000").replace(
        "max_per_site: 5", "max_per_site: 1000000"
    )
    settings = {
        "listen": {"host": "127.0.0.1", "port": port},
        "state": str(directory / "state"),
        "ranking": ["policy.yaml"],
        "health": {"probes": False},
        "budget": {"per_user": 10**9, "in_all": 10**9},
    }
    (directory / "policy.yaml").write_text(unlimited)
    for name, document in {
        "sites.yaml": {"sites": entries(sites)},
        "metabroker.yaml": settings,
    }.items():
        (directory / name).write_bytes(strict_yaml.dump(document))
    return directory / "metabroker.yaml"


async def _measured(
    served: Served, exchanges: Iterable[Callable[[], Awaitable[object]]]
) -> Measured:
    """Do the exchanges, a few at once, and return what each cost."""
    waiting = iter(exchanges)
    times: list[float] = []

    async def worker() -> None:
        for exchange in waiting:
            began = time.perf_counter()
            await exchange()
            times.append((time.perf_counter() - began) * 1000)

    before = served.cpu_seconds()
    async with asyncio.TaskGroup() as workers:
        for _ in range(_IN_FLIGHT):
            workers.create_task(worker())
    cpu_ms = (served.cpu_seconds() - before) * 1000 / len(times)
    return Measured(
        cpu_ms, statistics.median(times), statistics.quantiles(times, n=20)[-1]
    )


class _Client:
    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client
        self._request = orjson.dumps(REQUEST)

    def offers(self, served: Served) -> Callable[[], Awaitable[list[str]]]:
        """Return what asks for offers, and returns the uuids of what is offered."""

        async def ask() -> list[str]:
            async with self._client.post(
                f"{served.url}/requests?dialect=2026-07",
                data=self._request,
                headers=_JSON,
                allow_redirects=False,
            ) as answer:
                document = orjson.loads(await answer.read())
            return [offer["meta"]["uuid"] for offer in document["offers"]]

        return ask

    def get(self, served: Served, path: str) -> Callable[[], Awaitable[bytes]]:
        """Return what reads a path."""

        async def get() -> bytes:
            async with self._client.get(served.url + path) as answer:
                answer.raise_for_status()
                return await answer.read()

        return get


def _print(name: str, measured: Measured) -> None:
    print(
        f"{name:44} {measured.cpu_ms:8.2f} "
        f"{measured.median_ms:8.2f} {measured.p95_ms:8.2f}"
    )


async def _measure(
    client: _Client, service: Served, proxy: Served, requests: int, polls: int
) -> None:
    print(f"{'milliseconds':44} {'CPU':>8} {'median':>8} {'p95':>8}")
    for name, served in (("bare proxy", proxy), ("service", service)):
        await _measured(served, [client.offers(served)] * 10)
        asked = await _measured(served, [client.offers(served)] * requests)
        _print(f"request for offers: {name}", asked)
    offered: list[str] = []
    while len(offered) < polls:
        offered += await client.offers(service)()
    paths = [f"/sessions/{uuid}" for uuid in offered[:polls]]
    _print(
        "poll of a session, asking its site: bare proxy",
        await _measured(proxy, [client.get(proxy, path) for path in paths]),
    )
    readings = [client.get(service, path) for path in paths]
    _print("first poll of a session: service", await _measured(service, readings))
    await asyncio.sleep(_FRESHNESS)
    again = await _measured(service, readings)
    _print("poll of a session, asking its site: service", again)
    known = [client.get(service, paths[0])] * polls
    _print("poll of a session just read: service", await _measured(service, known))
    scrapes = [client.get(service, "/metrics")] * 20
    _print("scrape of the metrics: service", await _measured(service, scrapes))


async def _main(sites: int, offers: int, requests: int, polls: int) -> None:
    directory = Path(tempfile.mkdtemp(prefix="metabroker-bench-"))
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with (
            running_sites([f"s{n}" for n in range(sites)], offers) as urls,
            aiohttp.ClientSession(connector=connector) as client,
        ):
            port, proxy_port = _free_port(), _free_port()
            settings = _configured(directory, port, urls)
            serve = ("aggregator.cli", "serve", "--config", str(settings))
            bare = ("bench.bare_proxy", str(proxy_port), *urls.values())
            async with (
                _ready(client, port, directory / "service.log", *serve) as service,
                _ready(client, proxy_port, directory / "proxy.log", *bare) as proxy,
            ):
                await _measure(_Client(client), service, proxy, requests, polls)
    finally:
        shutil.rmtree(directory)


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sites", type=int, default=10)
    options.add_argument("--offers", type=int, default=4)
    options.add_argument("--requests", type=int, default=100)
    options.add_argument("--polls", type=int, default=400)
    given = options.parse_args()
    print(f"{given.sites} sites, {given.offers} offers each, {_IN_FLIGHT} at once")
    asyncio.run(_main(given.sites, given.offers, given.requests, given.polls))


if __name__ == "__main__":
    main()
