"""The soak: a service under random faults and kills, held to its promises at the end."""

import asyncio
import random
from dataclasses import dataclass

from tests.soak.clients import ACCEPT_DEADLINE, DEADLINE, Clients
from tests.soak.examining import examine, examine_secrets
from tests.soak.figures import Figures
from tests.soak.sites import running_sites, torment
from tests.support.conversation import metric
from tests.support.served import served_federation

_SETTINGS = {
    "fan_out": {"deadline": DEADLINE, "shortest_wait": 0.1, "late_answers": 3.0},
    "acceptance": {
        "deadline": ACCEPT_DEADLINE,
        "call": 0.5,
        "first_pause": 0.05,
        "longest_pause": 0.5,
        "lease": 1.0,
    },
    "releases": {
        "call": 0.5,
        "interval": 0.1,
        "first_pause": 0.05,
        "longest_pause": 0.5,
    },
    "health": {"probes": False, "errors": 20, "base_ejection": 0.2},
    "watcher": {"interval": 0.5},
    "budget": {"per_user": 10**6, "in_all": 10**6},
}
# Each of the four sites has a connection kept for each of its 32 calls at once.
_MORE_FILES = 4 * 32 + 30
_MORE_MIB = 100


@dataclass(frozen=True)
class Extent:
    """How much is done.

    Attributes:
        sets: Offer sets that are asked for.
        workers: Clients at once.
        kills: How often the service is killed and started again.
        seed: Of all that is random.
    """

    sets: int
    workers: int
    kills: int
    seed: int


async def soak(directory, extent):
    """Ask for offers under faults and kills, and return what was counted and found."""
    figures = Figures()
    rng = random.Random(extent.seed)
    async with (
        running_sites() as sites,
        served_federation(directory, sites, _SETTINGS) as federation,
    ):
        clients = Clients(federation, rng, figures)
        base = await _live(federation, clients, extent, figures, rng)
        await examine(directory, federation, clients, figures)
        await _count_ambiguous(federation, figures)
        _examine_leaks(base, federation.usage(), figures)
        await federation.stop()
    await asyncio.to_thread(examine_secrets, directory, figures)
    return figures


async def _live(federation, clients, extent, figures, rng):
    """Have all clients served under faults and kills; return what `_kill` does."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(torment(federation.sites, rng, figures.counts, over))
        killing = group.create_task(_kill(federation, clients, extent, figures))
        await clients.run(extent.sets, extent.workers)
        base = await killing
        over.set()
    return base


async def _kill(federation, clients, extent, figures):
    """Kill the service from time to time; return what the last one used at first."""
    base = federation.usage()
    for number in range(1, extent.kills + 1):
        while clients.begun < extent.sets * number / (extent.kills + 1):
            await asyncio.sleep(0.02)
        await _count_ambiguous(federation, figures)
        await federation.kill()
        figures.counts["kills"] += 1
        await federation.start()
        base = federation.usage()
    return base


async def _count_ambiguous(federation, figures):
    """Count what only the service knows, for as long as it lives."""
    for outcome in ("ambiguous", "reconciled_accepted", "reconciled_not", "lost"):
        counted = await metric(federation, "metabroker_accepts_total", outcome=outcome)
        figures.counts[f"acceptances {outcome}"] += int(counted)


def _examine_leaks(base, end, figures):
    figures.counts["files open at first"] = base.files
    figures.counts["files open at the end"] = end.files
    figures.counts["MiB at first"] = base.mib
    figures.counts["MiB at the end"] = end.mib
    figures.require(
        end.files <= base.files + _MORE_FILES,
        f"{end.files} files are open at the end, {base.files} were at first",
    )
    figures.require(
        end.mib <= base.mib + _MORE_MIB,
        f"{end.mib} MiB are used at the end, {base.mib} were at first",
    )
