"""A circuit breaker per site: outlier ejection with half-open trials, as pure state.

After Envoy's outlier detection: a site is ejected for a time that grows with each
ejection in a row. Beside failures in a row, failures in half of the recent calls
eject too, because a site that fails every other time never fails five times in a row.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class BreakerState(StrEnum):
    """Whether calls go to a site."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a site is ejected, and for how long, in seconds."""

    errors: int = 5
    base_ejection: float = 15.0
    longest_ejection: float = 300.0

    @property
    def window(self) -> int:
        """How many recent calls are looked at."""
        return 2 * self.errors


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one site. Times are seconds on any clock that never jumps.

    Attributes:
        recent: Whether each of the latest calls succeeded, the newest last.
        ejections: Ejections in a row.
        open_until: When the ejection ends; None while closed.
        trial_since: When the half-open trial began; None where none is under way.
    """

    recent: tuple[bool, ...] = ()
    ejections: int = 0
    open_until: float | None = None
    trial_since: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return whether calls go to the site at ``now``."""
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def admits(self, now: float, rules: BreakerRules) -> bool:
        """Whether a call may go to the site at ``now``: half open, one trial at once.

        A trial whose end was never told counts as over after a base ejection.
        """
        state = self.state(now)
        if state is not BreakerState.HALF_OPEN:
            return state is BreakerState.CLOSED
        return self.trial_since is None or now - self.trial_since >= rules.base_ejection

    def began(self, now: float) -> "Breaker":
        """Return the breaker after a call that it admitted, or was forced to, began."""
        if self.open_until is None:
            return self
        return replace(self, trial_since=now)

    def succeeded(self, rules: BreakerRules) -> "Breaker":
        """Return the breaker after a call succeeded: closed, whatever it was."""
        recent = (*self.recent, True)[-rules.window :]
        calm = len(recent) == rules.window and all(recent)
        if self.open_until is not None:
            recent = (True,)
        return Breaker(recent=recent, ejections=0 if calm else self.ejections)

    def failed(self, now: float, rules: BreakerRules) -> "Breaker":
        """Return the breaker after a call failed at ``now``: perhaps ejected."""
        if self.open_until is not None and self.trial_since is None:
            return self
        recent = (*self.recent, False)[-rules.window :]
        if self.open_until is None and recent.count(False) < rules.errors:
            return replace(self, recent=recent)
        ejections = self.ejections + 1
        length = min(rules.base_ejection * ejections, rules.longest_ejection)
        return Breaker(recent=(), ejections=ejections, open_until=now + length)

    def gave_up(self) -> "Breaker":
        """Return the breaker after a call ended without telling of the site."""
        return replace(self, trial_since=None)
