"""Sites that misbehave at random, by a seed."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from site_adapters.simulated import SimulatedSite, faults, run

_LATENCY = {"request": 0.01, "read": 0.005, "update": 0.005}
_SITES = (
    SimulatedSite(name="a", dialect="2025-11"),
    SimulatedSite(name="b", dialect="2026-07", first_start=300),
    SimulatedSite(name="c", dialect="2026-04", first_start=600),
    SimulatedSite(name="d", dialect="2025-11", first_start=900),
)
_OFFERS = 2
_FAULTS = {
    "request": (
        faults.error(500),
        faults.error(503, {"Retry-After": "1"}),
        faults.lost_request(),
        faults.lost_answer(),
        faults.truncated(),
        faults.html(),
        faults.reset(),
        replace(faults.late(0), hold=0.8),
        replace(faults.late(0), hold=2.0),
    ),
    "update": (
        faults.error(500),
        faults.error(429, {"Retry-After": "1"}),
        faults.lost_request(),
        faults.lost_answer(),
        faults.lost_answer(hold=1.0),
        faults.ignored(),
        faults.late(0.8),
        faults.truncated(),
        replace(faults.late(0), hold=0.6),
    ),
    "read": (
        faults.error(502),
        faults.lost_answer(),
        faults.html(),
        faults.reset(),
    ),
}


@asynccontextmanager
async def running_sites():
    """Run all sites; give them by name."""
    async with AsyncExitStack() as stack:
        sites = [
            replace(s, offers=_OFFERS, latency=_LATENCY, remembers=10**6)
            for s in _SITES
        ]
        yield {s.name: await stack.enter_async_context(run(s)) for s in sites}


async def torment(sites, rng, counts, over):
    """Script faults and outages until it is ``over``; all sites are up afterwards."""
    while not over.is_set():
        await asyncio.sleep(rng.uniform(0.01, 0.1))
        site = rng.choice(list(sites.values()))
        if rng.random() < 0.03:
            counts["site outages"] += 1
            await site.stop()
            await asyncio.sleep(rng.uniform(0.1, 0.5))
            await site.start()
            continue
        operation = rng.choice(list(_FAULTS))
        fault = rng.choice(_FAULTS[operation])
        counts["faults"] += 1
        site.script(operation, fault, times=rng.randint(1, 2))
    for site in sites.values():
        site.clear_script()
