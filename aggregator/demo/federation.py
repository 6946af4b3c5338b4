"""The demo's federation: sites as real servers, and a real configuration of them."""

import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aggregator import strict_yaml
from aggregator.demo.simulated_sites import DATA, demo_sites
from site_adapters.simulated import RunningSite, SimulatedSite, run

FIRST_PORT: Final = 18081
"""The sites' ports begin here, where these are free."""

TIME_SCALE: Final = 40.0
"""How many times faster than the clock the demo's sessions live."""


@asynccontextmanager
async def running_sites(
    time_scale: float = TIME_SCALE,
) -> AsyncIterator[Sequence[RunningSite]]:
    """Run the demo's sites while the context lasts.

    Args:
        time_scale: How many times faster than the clock sessions live.
    """
    async with AsyncExitStack() as stack:
        yield [
            await _start(
                stack, replace(site, time_scale=time_scale), FIRST_PORT + index
            )
            for index, site in enumerate(demo_sites())
        ]


async def _start(
    stack: AsyncExitStack, site: SimulatedSite, wanted_port: int
) -> RunningSite:
    try:
        return await stack.enter_async_context(run(site, port=wanted_port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    return await stack.enter_async_context(run(site))


def write_configuration(
    directory: Path, sites: Sequence[RunningSite], port: int
) -> Path:
    """Write the configuration of a meta-broker in front of ``sites``.

    Args:
        directory: Where to; the service's state is to be kept there too.
        sites: The sites that run.
        port: Where the service is to listen, at 127.0.0.1; 0 is any free port.

    Returns:
        The settings file, which names the others.
    """
    settings = directory / "metabroker.yaml"
    _write(directory / "sites.yaml", {"sites": [_entry(running) for running in sites]})
    _write(
        settings,
        {
            "listen": {"host": "127.0.0.1", "port": port},
            "state": str(directory / "state"),
            "sites": "sites.yaml",
            "links": str(DATA / "links.yaml"),
            "replicas": str(DATA / "replicas.yaml"),
            "ranking": [str(DATA / "ranking.yaml")],
            "status": {"freshness": 0.2},
        },
    )
    return settings


def _entry(running: RunningSite) -> dict[str, Any]:
    site = running.site
    return {
        "name": site.name,
        "node": site.name.upper(),
        "description": site.description,
        "country": site.country,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "rses": list(site.rses),
        "broker": {"url": running.url, "dialect": site.dialect},
    }


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_bytes(strict_yaml.dump(document))
