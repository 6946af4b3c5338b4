"""A real federation: the service over HTTP, in front of real simulated sites."""

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from aggregator import strict_yaml
from aggregator.wiring import load_configuration, running_service
from site_adapters.simulated import RunningSite, SimulatedSite, run
from tests.support.ranking import ROOT

REFERENCE = (ROOT / "tests" / "data" / "reference-request.yaml").read_text()
"""The reference request, as users paste it."""

QUICK = {
    "fan_out": {"deadline": 4.0, "shortest_wait": 0.2, "grace": 0.3},
    "status": {"freshness": 0.0},
    "releases": {"interval": 0.1, "first_pause": 0.1},
    "health": {"probes": False},
}
"""Settings under which a test needn't wait."""

REPLICAS = {
    "datasets": [
        {
            "did": "testing:zrq-test-20250509-082506",
            "size_bytes": 27487790694400,
            "replicas": [{"rse": "JPSRC_STORM"}, {"rse": "SPSRC_STORM"}],
        },
        {
            "did": "testing:zrq-test-20250509-094501",
            "size_bytes": 26843545600,
            "replicas": [{"rse": "JPSRC_STORM"}, {"rse": "SPSRC_STORM"}],
        },
    ]
}


@dataclass
class RunningFederation:
    """The service and its sites, and a client session to speak to it."""

    url: str
    sites: dict[str, RunningSite]
    client: aiohttp.ClientSession
    store: Any
    directory: Path
    operators_url: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    async def post(self, path: str, body: str | bytes = "", **kwargs: Any):
        headers = {"Content-Type": "application/yaml", **kwargs.pop("headers", {})}
        return await self.client.post(
            self.url + path, data=body, headers=headers, allow_redirects=False, **kwargs
        )

    async def get(self, path: str, **kwargs: Any):
        url = path if path.startswith("http") else self.url + path
        return await self.client.get(url, **kwargs)


def configuration_files(
    directory: Path,
    sites: list[dict[str, Any]],
    settings: dict[str, Any] | None = None,
    aliases: dict[str, str] | None = None,
    issuers: dict[str, dict[str, Any]] | None = None,
) -> Path:
    """Write the files of a configuration, and return that of the settings."""
    documents: dict[str, Any] = {
        "sites.yaml": {
            "sites": sites,
            "rse_aliases": aliases or {},
            "token_issuers": issuers or {},
        },
        "replicas.yaml": REPLICAS,
        "metabroker.yaml": {
            "listen": {"host": "127.0.0.1", "port": 0},
            "state": str(directory / "state"),
            "store": "sqlite:///:memory:",
            "replicas": "replicas.yaml",
            "ranking": [str(ROOT / "config" / "ranking" / "default.yaml")],
            **QUICK,
            **(settings or {}),
        },
    }
    for name, document in documents.items():
        (directory / name).write_bytes(strict_yaml.dump(document))
    return directory / "metabroker.yaml"


@asynccontextmanager
async def running_federation(
    directory: Path,
    *sites: SimulatedSite,
    settings: dict[str, Any] | None = None,
    entries: dict[str, dict[str, Any]] | None = None,
    elsewhere: dict[str, str] | None = None,
    aliases: dict[str, str] | None = None,
    issuers: dict[str, dict[str, Any]] | None = None,
):
    """Run ``sites`` and the service in front of them.

    Args:
        directory: For the configuration's files.
        sites: The sites, each on a port of its own.
        settings: What differs from the quick settings.
        entries: What differs in the sites' entries in ``sites.yaml``, by name.
        elsewhere: URLs of sites that the test runs itself, by name.
        aliases: Other names of storage elements.
        issuers: The issuers of tokens for sites, by name.
    """
    async with AsyncExitStack() as stack:
        running = {
            site.name: await stack.enter_async_context(run(site)) for site in sites
        }
        places = {
            **{name: (one.url, one.site.dialect) for name, one in running.items()},
            **{name: (url, "2025-11") for name, url in (elsewhere or {}).items()},
        }
        configured = []
        for name, (url, dialect) in places.items():
            extra = dict((entries or {}).get(name, {}))
            broker = {"url": url, "dialect": dialect, **extra.pop("broker", {})}
            rses = list(running[name].site.rses) if name in running else []
            configured.append(
                {
                    "name": name,
                    "rses": rses,
                    "required": "always",
                    **extra,
                    "broker": broker,
                }
            )
        path = configuration_files(directory, configured, settings, aliases, issuers)
        service = await stack.enter_async_context(
            running_service(load_configuration(path, {}))
        )
        client = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        )
        yield RunningFederation(
            service.url,
            running,
            client,
            service.store,
            directory,
            service.operators_url,
        )
