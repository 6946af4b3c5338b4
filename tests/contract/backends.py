"""The adapters that the contract is held to, each with a site that it speaks to.

To add an adapter or a dialect, add a line to ``BACKENDS``. A site is whatever has
the members of ``RunningSite`` that the contract uses.
"""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aggregator.domain.sites import Site
from site_adapters.base import AdapterFactory, CallLimits
from site_adapters.execution_broker import ExecutionBrokerAdapter
from site_adapters.simulated import RunningSite, SimulatedSite, run
from tests.support.site_calls import FixedClock


@dataclass(frozen=True)
class Backend:
    """An adapter and the kind of site that it is to speak to."""

    name: str
    make: AdapterFactory
    simulated: dict[str, Any]
    configured: dict[str, Any]

    @asynccontextmanager
    async def running(self, session, **behaviour):
        """Run a site with an adapter that speaks to it."""
        site = SimulatedSite(name="here", **self.simulated, **behaviour)
        async with run(site) as running:
            yield Pair(self.adapter_for(running, session), running)

    def adapter_for(self, running, session):
        """Make a new adapter for a site that runs."""
        site = Site("here", running.url, **self.configured)
        return self.make(site, session, CallLimits(), clock=FixedClock())


@dataclass(frozen=True)
class Pair:
    adapter: Any
    site: RunningSite


def broker(dialect, configured=None, **simulated):
    """A broker of ``dialect``, configured to speak it or told to find it out."""
    said = configured or dialect
    return Backend(
        name=f"broker {dialect}{' found out' if said == 'auto' else ''}"
        f"{' flattened' if simulated else ''}",
        make=ExecutionBrokerAdapter,
        simulated={"dialect": dialect, **simulated},
        configured={"dialect": said},
    )


BACKENDS = [
    broker("2025-05"),
    broker("2025-05", flattened=True),
    broker("2025-06"),
    broker("2025-11"),
    broker("2026-02"),
    broker("2026-04"),
    broker("2026-07"),
    broker("2025-11", configured="auto"),
    broker("2026-04", configured="auto"),
    broker("2026-07", configured="auto"),
]
