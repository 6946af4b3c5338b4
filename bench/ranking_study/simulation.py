"""The simulation: one strategy lives through all requests, event by event."""

import heapq
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bench.ranking_study.strategies import Strategy
from bench.ranking_study.world import PREPARING, Request, World

RETRY_AFTER: Final = 1800.0
"""Seconds until a user notices that a start failed, and asks again."""


@dataclass(frozen=True, slots=True)
class Life:
    """What became of all requests under one strategy, in seconds and bytes."""

    waits: tuple[float, ...]
    bytes_moved: int
    failures: int


class Witness(Protocol):
    """Who is told what became of the sessions that a strategy chose."""

    def ended(
        self, request: Request, asked: float, staged: float, started: float | None
    ) -> None:
        """Take in when data were there and the session started, None if it failed."""
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens next to a request: it is asked for, or its data are at ``site``."""

    request: Request
    asked: float
    attempt: int
    site: str | None = None


def live(
    strategy: Strategy,
    world: World,
    requests: Sequence[Request],
    seed: int,
    witness: Witness | None = None,
) -> Life:
    """Let ``strategy`` choose for every request, and return what came of it.

    Data are staged while a session waits; it takes a slot once they are there.
    """
    rng = random.Random(seed)
    order = itertools.count()
    steps = [(r.arrival, next(order), _Step(r, r.arrival, 0)) for r in requests]
    heapq.heapify(steps)
    waits: dict[int, float] = {}
    failures = 0
    while steps:
        now, _, step = heapq.heappop(steps)
        for queue in world.queues.values():
            queue.advance(now)
        if step.site is None:
            asked = replace(step.request, arrival=now)
            site = strategy(world, asked, step.attempt, rng)
            ready = now + world.transfer_seconds(asked, site)
            world.bytes_moved += sum(d.size for d in world.missing(asked, site))
            there = replace(step, site=site, asked=now)
            heapq.heappush(steps, (ready, next(order), there))
            continue
        queue = world.queues[step.site]
        started = queue.take(now, step.request.duration) + PREPARING
        queue.starts += 1
        fails = world.fails(step.request, step.site, step.attempt)
        if witness is not None:
            witness.ended(step.request, step.asked, now, None if fails else started)
        if fails:
            failures += 1
            queue.failures += 1
            again = replace(step, attempt=step.attempt + 1, site=None)
            heapq.heappush(steps, (started + RETRY_AFTER, next(order), again))
        else:
            waits[step.request.number] = started - step.request.arrival
    ordered = tuple(waits[request.number] for request in requests)
    return Life(ordered, world.bytes_moved, failures)
