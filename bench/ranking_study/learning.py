"""The strategy that learns: our policy, with what its own sessions taught it so far."""

import random
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from aggregator.domain.ranking.calibration import calibrate
from aggregator.domain.ranking.explanation import Confidence, RankedOffer
from aggregator.domain.ranking.histories import Course, Promise, SessionHistory
from aggregator.domain.ranking.knowledge import Knowledge, SiteFacts
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.ranking.throughput import measured_links
from aggregator.services.learning import Learned
from bench.ranking_study.strategies import BEGIN, KIND, OurPolicy
from bench.ranking_study.world import Request, World

LEARNS_EVERY: Final = 3600.0
SAMPLING: Final = 60.0
"""Seconds between two readings of a session, as the service's watcher has it."""

_REMEMBERED: Final = 2000


def calibrated(policy: Policy) -> Policy:
    """Return a policy that counts how late sites usually start."""
    start = replace(policy.estimate.start, calibrated=True)
    return replace(policy, estimate=replace(policy.estimate, start=start))


@dataclass(slots=True)
class LearningPolicy:
    """Take the offer that a ranking policy puts first that learns from what happens.

    It sees nothing before it happens: what became of a session is taken in once that
    lies in the past.
    """

    policy: Policy
    histories: deque[SessionHistory] = field(
        default_factory=lambda: deque(maxlen=_REMEMBERED)
    )
    learned: Learned = field(default_factory=Learned)
    learn_at: float = 0.0
    chosen: dict[int, RankedOffer] = field(default_factory=dict)

    def __call__(
        self, world: World, request: Request, attempt: int, rng: random.Random
    ) -> str:
        """Return the site of the best offer."""
        del attempt, rng
        if request.arrival >= self.learn_at:
            self._learn(world, _moment(request.arrival))
            self.learn_at = request.arrival + LEARNS_EVERY
        best = OurPolicy(self.policy).best(world, request, self.learned)
        self.chosen[request.number] = best
        return best.offer.site

    def ended(
        self, request: Request, asked: float, staged: float, started: float | None
    ) -> None:
        """Take in what became of the session that was chosen for a request.

        Args:
            request: What was asked for.
            asked: When the offer was chosen.
            staged: When its data were at the site.
            started: When it started, None where that failed.
        """
        best = self.chosen.pop(request.number)
        estimate, start = best.estimate, best.offer.start
        ranked = _moment(asked)
        self.histories.append(
            SessionHistory(
                best.offer.session,
                best.offer.site,
                ranked,
                Promise(
                    kind=KIND,
                    ranked=ranked,
                    start=start.latest if start else None,
                    estimated=ranked + timedelta(seconds=estimate.start),
                    waits_for_data=estimate.data_ready > estimate.offered_start,
                    bytes_to_move=estimate.bytes_to_move,
                    sources=estimate.sources,
                    is_sure=estimate.confidence is Confidence.HIGH,
                ),
                Course(
                    started=None if started is None else _moment(started),
                    staging=ranked if estimate.bytes_to_move else None,
                    staged=_moment(staged) if estimate.bytes_to_move else None,
                ),
            )
        )

    def _learn(self, world: World, now: datetime) -> None:
        past = [one for one in self.histories if _is_past(one, now)]
        sites = {name: SiteFacts(queue.site) for name, queue in world.queues.items()}
        lake = Lake(Knowledge(sites, links=world.links))
        self.learned = Learned(
            calibrate(past, now), measured_links(past, lake, now, SAMPLING)
        )


def _is_past(history: SessionHistory, now: datetime) -> bool:
    moments = (history.course.started, history.course.staged)
    return all(moment is None or moment <= now for moment in moments)


def _moment(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)
