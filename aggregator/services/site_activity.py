"""Activity of sites: how long the latest probes and requests took, for operators."""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aggregator.domain.events import Event, Operation, SiteCalled
from aggregator.domain.outcomes import SITE_FAULTS
from aggregator.ports.telemetry import Telemetry

KEPT: Final = 60
"""Readings of each kind that are kept of a site."""

_LONGEST_AGE: Final = 6 * 3600.0
_REQUESTS: Final = frozenset({Operation.REQUEST, Operation.SYNTHETIC})


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one call took, and whether it failed.

    Attributes:
        moment: When it ended, on the event loop's clock.
    """

    moment: float
    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Activity:
    """The latest calls to one site, the newest last."""

    probes: Sequence[Latency] = ()
    requests: Sequence[Latency] = ()


@dataclass(frozen=True, slots=True)
class _Rings:
    probes: deque[Latency] = field(default_factory=lambda: deque(maxlen=KEPT))
    requests: deque[Latency] = field(default_factory=lambda: deque(maxlen=KEPT))


class SiteActivity:
    """Remembers the latest calls of each site, and passes all events on."""

    def __init__(self, following: Telemetry) -> None:
        self._following = following
        self._rings: dict[str, _Rings] = {}

    def record(self, event: Event) -> None:
        """Take note of ``event``, if it is the end of a call, and pass it on."""
        if isinstance(event, SiteCalled):
            self._note(event)
        self._following.record(event)

    def keep(self, sites: Sequence[str]) -> None:
        """Forget all sites but ``sites``."""
        self._rings = {k: rings for k, rings in self._rings.items() if k in sites}

    def of(self, site: str) -> Activity:
        """Return the latest calls to a site, of the last hours."""
        rings = self._rings.get(site)
        if rings is None:
            return Activity()
        oldest = asyncio.get_running_loop().time() - _LONGEST_AGE
        return Activity(
            tuple(one for one in rings.probes if one.moment >= oldest),
            tuple(one for one in rings.requests if one.moment >= oldest),
        )

    def _note(self, event: SiteCalled) -> None:
        rings = self._rings.setdefault(event.site, _Rings())
        latency = Latency(
            asyncio.get_running_loop().time(),
            event.seconds,
            event.outcome in SITE_FAULTS,
        )
        if event.operation is Operation.PROBE:
            rings.probes.append(latency)
        elif event.operation in _REQUESTS:
            rings.requests.append(latency)


def percentile(latencies: Sequence[Latency], share: float) -> float | None:
    """Return the duration within which ``share`` of the successful calls ended.

    Returns:
        Seconds; None where no call succeeded.
    """
    seconds = sorted(one.seconds for one in latencies if not one.failed)
    if not seconds:
        return None
    return seconds[max(0, math.ceil(share * len(seconds)) - 1)]
