"""The demo's federation under traffic, scraped by a real Prometheus."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from aggregator import wiring
from aggregator.client import BrokerClient, BrokerError
from aggregator.demo.federation import running_sites, write_configuration
from aggregator.demo.simulated_sites import DATA
from tests.support.prometheus import Prometheus, running_prometheus

_TIME_SCALE = 150.0
_ROUNDS = 3
_QUICK = {
    "fan_out": {"deadline": 1.5, "late_answers": 10},
    "health": {"interval": 0.5, "down_after": 2},
    "watcher": {"interval": 0.3, "slow": 1, "quick": 0.3},
    "releases": {"interval": 0.3},
}


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen; times are Unix times, in seconds.

    Attributes:
        accepted: The sites of the offers that were accepted, in order.
    """

    prometheus: Prometheus
    began: float
    ended: float
    accepted: tuple[str, ...]


@asynccontextmanager
async def observed_federation(directory):
    """Yield what Prometheus saw of some requests, while it can still be asked."""
    async with AsyncExitStack() as stack:
        sites = await stack.enter_async_context(running_sites(_TIME_SCALE))
        settings = write_configuration(directory, sites, 0)
        _hurry(settings)
        service = await stack.enter_async_context(
            wiring.running_service(wiring.load_configuration(settings, {}))
        )
        prometheus = await asyncio.to_thread(
            stack.enter_context,
            running_prometheus(directory, urlsplit(service.url).netloc),
        )
        await _scraped(prometheus, 2)
        began = time.time()
        broker = await stack.enter_async_context(BrokerClient(service.url))
        accepted = [await _round(broker, prometheus) for _ in range(_ROUNDS)]
        await _scraped(prometheus, 3)
        yield Observed(prometheus, began, time.time(), tuple(accepted))


def _hurry(settings):
    document = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump({**document, **_QUICK}))


async def _round(broker, prometheus):
    """Ask, turn an offer down, accept the best, follow it, and do some things wrong."""
    offer_set = await broker.submit((DATA / "request.yaml").read_text())
    first, second, *_, last = offer_set.offers
    await broker.reject(last.uuid)
    await broker.accept(first.uuid)
    for impossible in (broker.accept(second.uuid), broker.session("not-a-session")):
        try:
            await impossible
        except BrokerError:
            continue
    async for _ in broker.watch(first.uuid, interval=0.2, deadline=20):
        pass
    await _scraped(prometheus, 1)
    (site,) = (
        offer.site
        for offer in (await broker.ranking(offer_set.uuid)).offers
        if offer.session == first.uuid
    )
    return site


async def _scraped(prometheus, times):
    """Wait for Prometheus to scrape so many more times."""
    wanted = await asyncio.to_thread(prometheus.scrapes) + times
    async with asyncio.timeout(20):
        while await asyncio.to_thread(prometheus.scrapes) < wanted:
            await asyncio.sleep(0.1)
