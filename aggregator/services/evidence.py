"""Evidence: what calls and probes tell of one site."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aggregator.domain.breaker import Breaker
from aggregator.domain.events import SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.domain.site_conditions import SyntheticReading
from aggregator.ports.sites import ProbeReading

_NOT_FOR_PROBES_TO_END: Final = frozenset({SiteState.EJECTED, SiteState.HALF_OPEN})


@dataclass(slots=True)
class Evidence:
    """What is known of one site's health. Times without a date are the loop's.

    Attributes:
        probes: Successful ones in a row; negative for failed ones.
        failures: Failed calls, fading with time.
        calls: All calls, fading alike.
        told: The state that others were told last.
        free_since: When what was decided of the site last ended.
    """

    since: datetime
    decayed_at: float
    breaker: Breaker = field(default_factory=Breaker)
    state: SiteState = SiteState.UNKNOWN
    why: str = "not asked yet"
    probes: int = 0
    last_success: datetime | None = None
    last_error: str = ""
    last_error_code: Outcome | None = None
    last_error_at: datetime | None = None
    failures: float = 0.0
    calls: float = 0.0
    clock_skew: float | None = None
    version: str = ""
    dialect: str = ""
    certificate_expires: datetime | None = None
    synthetic: SyntheticReading | None = None
    told: SiteState | None = None
    free_since: datetime | None = None

    def enter(self, state: SiteState, why: str, now: datetime) -> None:
        """Take the site to be in ``state`` from now on, unless it is already."""
        if self.state is not state:
            self.state, self.why, self.since = state, why, now

    def remember_error(self, code: Outcome, why: str, now: datetime) -> None:
        """Keep the last thing that went wrong."""
        self.last_error, self.last_error_code, self.last_error_at = why, code, now

    def count(self, *, failed: bool, now: float, window: float) -> None:
        """Count a call towards the site's risk, which fades over ``window``."""
        self.fade(now, window)
        self.calls += 1
        self.failures += failed

    def fade(self, now: float, window: float) -> None:
        """Let what was counted fade until ``now``."""
        factor = math.exp((self.decayed_at - now) / window)
        self.failures *= factor
        self.calls *= factor
        self.decayed_at = now

    def note_probe(
        self,
        reading: ProbeReading,
        now: datetime,
        *,
        success: bool,
        up_after: int,
        down_after: int,
    ) -> None:
        """Take note of a probe; a passing one never ends an ejection.

        A probe doesn't take the way of real requests, so that it says nothing of
        those; the half-open trial does.
        """
        self.probes = _in_a_row(self.probes, success=success)
        self._learn(reading)
        why = reading.detail or reading.outcome.value
        if success:
            self.last_success = now
            self.clock_skew = reading.clock_skew
        else:
            self.remember_error(reading.outcome, f"probe: {why}", now)
        if self.state in _NOT_FOR_PROBES_TO_END:
            return
        first = success and self.state is SiteState.UNKNOWN
        if self.probes >= up_after or first:
            if self.state is not SiteState.DEGRADED:
                self.enter(SiteState.UP, "probes answer", now)
        elif self.probes <= -down_after:
            self.enter(SiteState.DOWN, why, now)
        elif self.state is SiteState.UNKNOWN and not success:
            self.why = f"probe: {why}"

    def _learn(self, reading: ProbeReading) -> None:
        self.version = reading.version or self.version
        self.dialect = reading.dialect or self.dialect
        self.certificate_expires = (
            reading.certificate_expires or self.certificate_expires
        )

    @property
    def errors_in_a_row(self) -> int:
        """How many of the latest calls failed, without a success between them."""
        count = 0
        for succeeded in reversed(self.breaker.recent):
            if succeeded:
                break
            count += 1
        return count


def _in_a_row(count: int, *, success: bool) -> int:
    if success:
        return count + 1 if count > 0 else 1
    return count - 1 if count < 0 else -1
