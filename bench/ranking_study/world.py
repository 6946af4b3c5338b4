"""The simulated SRCNet: ten sites with queues, links and datasets, drawn from a seed.

What sites promise and what then happens differ, as they do in life: a site counts its
queue with an error of its own, its ``preparing`` is a constant that ignores staging,
and links carry more or less than the operators' table says.
"""

import heapq
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.replicas import Did
from aggregator.domain.sites import Site

GB: Final = 10**9
_DAY_AND_NIGHT: Final = 0.5
_MOST_TRIES: Final = 5
_WITHOUT_DATA: Final = 0.2
PREPARING: Final = 130.0
"""What every site says that preparing takes, in seconds, whatever has to be staged."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of the data lake, and where it is."""

    did: Did
    size: int
    rses: tuple[str, ...]
    sites: frozenset[str]


@dataclass(frozen=True, slots=True)
class Request:
    """One user's request: when it comes, what it needs, how long it runs."""

    number: int
    arrival: float
    duration: float
    data: tuple[Dataset, ...]


@dataclass(slots=True)
class SimulatedQueue:
    """One site's slots: when each is free, as the site's own users take them too.

    Attributes:
        optimism: What the site believes of its waiting time, as a share of the truth.
        failure: The share of starts that fail.
        latency: Seconds that its broker takes to answer.
    """

    site: Site
    slots: list[float]
    optimism: float
    failure: float
    latency: float
    local_load: float
    local_duration: float
    next_local: float = 0.0
    failures: int = 0
    starts: int = 0
    rng: random.Random = field(default_factory=random.Random)

    def advance(self, now: float) -> None:
        """Let the site's own users take slots until ``now``, more of them by day."""
        busiest = self.local_load * (1 + _DAY_AND_NIGHT)
        while self.next_local <= now:
            if self.rng.random() < self._load_at(self.next_local) / busiest:
                duration = self.rng.expovariate(1 / self.local_duration)
                self.take(self.next_local, duration)
            self.next_local += self.rng.expovariate(busiest)

    def _load_at(self, moment: float) -> float:
        turns = moment / 86400 + (self.site.longitude or 0.0) / 360
        return self.local_load * (1 + _DAY_AND_NIGHT * math.sin(2 * math.pi * turns))

    def free_at(self, now: float) -> float:
        """Return when a slot is free for a session that asks at ``now``."""
        return max(now, self.slots[0])

    def promised(self, now: float) -> float:
        """Return the start that the site offers at ``now``."""
        wait = self.free_at(now) - now
        return now + wait * self.optimism + PREPARING

    def take(self, start: float, duration: float) -> float:
        """Take the next free slot at ``start`` or later; return when it begins."""
        begins = max(start, heapq.heappop(self.slots))
        heapq.heappush(self.slots, begins + duration)
        return begins


@dataclass(slots=True)
class World:
    """Everything that one strategy lives in."""

    queues: Mapping[str, SimulatedQueue]
    links: Links
    factors: Mapping[tuple[str, str], float]
    seed: int
    bytes_moved: int = 0

    def missing(self, request: Request, site: str) -> list[Dataset]:
        """Return the datasets of a request that aren't at the site."""
        return [data for data in request.data if site not in data.sites]

    def transfer_seconds(self, request: Request, site: str) -> float:
        """Return how long the missing data really take to get to the site."""
        by_source: dict[str, float] = {}
        for data in self.missing(request, site):
            source = max(sorted(data.sites), key=lambda s: self._gbps(s, site))
            seconds = data.size * 8 / (self._gbps(source, site) * 1e9)
            by_source[source] = by_source.get(source, 0.0) + seconds
        return 60.0 + max(by_source.values()) if by_source else 0.0

    def real_start(self, request: Request, site: str) -> float:
        """Return when the request would start at the site, as can be told now."""
        ready = request.arrival + self.transfer_seconds(request, site)
        return max(self.queues[site].free_at(request.arrival), ready) + PREPARING

    def fails(self, request: Request, site: str, attempt: int) -> bool:
        """Whether a start fails: drawn by what it is, not by what was chosen before."""
        drawn = random.Random(f"{self.seed}/{request.number}/{site}/{attempt}").random()
        return attempt < _MOST_TRIES - 1 and drawn < self.queues[site].failure

    def _gbps(self, source: str, target: str) -> float:
        return self.links.gbps(source, target) * self.factors[source, target]


def datasets(sites: Sequence[Site], count: int, rng: random.Random) -> list[Dataset]:
    """Return datasets from 1 GB to 25 TiB with one to three replicas each."""
    at = {rse: site.name for site in sites for rse in site.rses[:1]}
    made = []
    for number in range(count):
        size = min(int(math.exp(rng.gauss(math.log(60), 1.9)) * GB), 27_487_790_694_400)
        rses = tuple(rng.sample(sorted(at), rng.choice((1, 1, 2, 2, 3))))
        made.append(
            Dataset(
                Did("study", f"dataset-{number:04}"),
                max(size, GB),
                rses,
                frozenset(at[rse] for rse in rses),
            )
        )
    return made


def requests(
    count: int, days: float, lake: Sequence[Dataset], rng: random.Random
) -> list[Request]:
    """Return requests over ``days``; popular data are wanted more often."""
    popularity = [1 / (rank + 1) ** 0.8 for rank in range(len(lake))]
    made, now = [], 0.0
    for number in range(count):
        now += rng.expovariate(count / (days * 86400))
        wanted = 0 if rng.random() < _WITHOUT_DATA else rng.choice((1, 1, 2, 3))
        chosen = {d.did: d for d in rng.choices(lake, popularity, k=wanted)}
        duration = min(math.exp(rng.gauss(math.log(3600), 0.9)), 8 * 3600)
        made.append(Request(number, now, max(duration, 600), tuple(chosen.values())))
    return made


def world(sites: Sequence[Site], links: Links, seed: int) -> World:
    """Return a fresh world: the same for the same seed, whoever lives in it."""
    rng = random.Random(seed)
    queues = {}
    for site in sites:
        slots = rng.choice((16, 32, 48, 64))
        # Busy, but not so that queues grow without end.
        utilisation = rng.uniform(0.45, 0.75)
        duration = rng.uniform(3600, 4 * 3600)
        queues[site.name] = SimulatedQueue(
            site=site,
            slots=[0.0] * slots,
            optimism=rng.uniform(0.3, 1.1),
            failure=rng.choice((0.0, 0.01, 0.02, 0.05, 0.15)),
            latency=math.exp(rng.gauss(math.log(0.4), 0.7)),
            local_load=slots * utilisation / duration,
            local_duration=duration,
            next_local=-3 * 86400.0,
            rng=random.Random(rng.random()),
        )
    factors = {
        (a.name, b.name): math.exp(rng.gauss(0, 0.5)) for a in sites for b in sites
    }
    return World(queues, links, factors, seed)
