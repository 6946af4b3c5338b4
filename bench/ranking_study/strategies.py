"""Strategies: who is asked to choose among the same offers."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aggregator.domain.events import SiteState
from aggregator.domain.offers import DataItem, Offer
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.explanation import RankedOffer
from aggregator.domain.ranking.knowledge import Knowledge, SiteFacts
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.replicas import LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval
from aggregator.services.learning import Learned
from bench.ranking_study.world import Request, World

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
KIND: Final = "docker-container"
Strategy = Callable[[World, Request, int, random.Random], str]


def first_to_answer(
    world: World, request: Request, attempt: int, rng: random.Random
) -> str:
    """Take the first offer that arrives."""
    del request, attempt
    times = {n: q.latency * rng.expovariate(1) for n, q in world.queues.items()}
    return min(sorted(times), key=times.__getitem__)


def earliest_promise(
    world: World, request: Request, attempt: int, rng: random.Random
) -> str:
    """Take the offer with the earliest promised start."""
    del attempt, rng
    promised = {n: q.promised(request.arrival) for n, q in world.queues.items()}
    return min(sorted(promised), key=promised.__getitem__)


def most_local(world: World, request: Request, attempt: int, rng: random.Random) -> str:
    """Take the site with the most of the data, and the earliest promise of those."""
    del attempt, rng
    missing = {
        n: (
            sum(d.size for d in world.missing(request, n)),
            q.promised(request.arrival),
        )
        for n, q in world.queues.items()
    }
    return min(sorted(missing), key=missing.__getitem__)


def at_random(world: World, request: Request, attempt: int, rng: random.Random) -> str:
    """Take any offer."""
    del request, attempt
    return rng.choice(sorted(world.queues))


def oracle(world: World, request: Request, attempt: int, rng: random.Random) -> str:
    """Take the offer that really starts first and won't fail, which nobody can know."""
    del rng
    starts = {
        name: (world.fails(request, name, attempt), world.real_start(request, name))
        for name in world.queues
    }
    return min(sorted(starts), key=starts.__getitem__)


@dataclass(frozen=True, slots=True)
class OurPolicy:
    """Take the offer that a ranking policy puts first."""

    policy: Policy

    def __call__(
        self, world: World, request: Request, attempt: int, rng: random.Random
    ) -> str:
        """Return the site of the best offer."""
        del attempt, rng
        return self.best(world, request, Learned()).offer.site

    def best(self, world: World, request: Request, learned: Learned) -> RankedOffer:
        """Return the best offer, given what was learned."""
        now = BEGIN + timedelta(seconds=request.arrival)
        located = {
            data.did: LocatedData(
                data.did, tuple(Replica(rse) for rse in data.rses), data.size
            )
            for data in request.data
        }
        ranking = rank(
            self.policy,
            ExecutionRequest(
                KIND,
                duration=request.duration,
                data=tuple(DataItem(d.did.name, d.did) for d in request.data),
            ),
            str(request.number),
            [_offer(world, name, request) for name in world.queues],
            Knowledge(
                sites={
                    name: learned.facts(
                        SiteFacts(q.site, SiteState.UP, q.failures, q.starts), KIND
                    )
                    for name, q in world.queues.items()
                },
                located=located,
                links=learned.link_knowledge(world.links),
            ),
            now,
        )
        return ranking.ranked[0]


def _offer(world: World, site: str, request: Request) -> Offer:
    start = BEGIN + timedelta(seconds=world.queues[site].promised(request.arrival))
    return Offer(
        site,
        f"{site}-{request.number}",
        f"{site}-{request.number}",
        start=StartInterval(start, start),
        preparing=130.0,
        available=2 * request.duration,
        expires=BEGIN + timedelta(seconds=request.arrival + 300),
    )
