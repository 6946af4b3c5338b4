"""Acceptance: what a site's words mean, and what to do next; pure.

A site's 200 proves nothing: the phase that it returns decides. A call without an
answer is ambiguous, and only reading the session at that same site tells.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aggregator.domain.outcomes import (
    WITHOUT_CREDENTIALS,
    Outcome,
    SessionReading,
)
from aggregator.domain.phases import REFUSED, TAKEN, SessionPhase

_LAST_ASK: Final = 2
_REFUSALS: Final = frozenset(
    {Outcome.NOT_FOUND, Outcome.REFUSED_4XX, *WITHOUT_CREDENTIALS}
)


class Verdict(StrEnum):
    """What one reading says about an acceptance."""

    TAKEN = "taken"
    REFUSED = "refused"
    STILL_OFFERED = "still_offered"
    UNKNOWN = "unknown"


class Step(StrEnum):
    """What to do next about an acceptance."""

    ASK = "ask"
    READ = "read"
    READ_LATER = "read_later"
    TAKEN = "taken"
    REFUSED = "refused"


def verdict(reading: SessionReading) -> Verdict:
    """Say what ``reading`` proves about the acceptance of its session."""
    if reading.outcome in _REFUSALS:
        return Verdict.REFUSED
    if reading.outcome is not Outcome.OK:
        return Verdict.UNKNOWN
    if reading.phase in TAKEN:
        return Verdict.TAKEN
    if reading.phase in REFUSED:
        return Verdict.REFUSED
    if reading.phase is SessionPhase.OFFERED:
        return Verdict.STILL_OFFERED
    return Verdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How far the acceptance of one offer has come.

    Attributes:
        denials: How often the site, asked to accept, answered that the session is
            still offered, or would not hear of it after a call without an answer.
        ambiguous: Whether a call was ever left without an answer.
        step: What to do next.
    """

    denials: int = 0
    ambiguous: bool = False
    step: Step = Step.ASK

    @classmethod
    def resumed(cls) -> "Acceptance":
        """Return an acceptance of which only is known that it was begun."""
        return cls(ambiguous=True, step=Step.READ)

    def after_asking(self, reading: SessionReading) -> "Acceptance":
        """Return where it stands after the site was asked to accept.

        A session that is still offered is read once more, asked for once more,
        and then counts as refused. So is one of which the site won't hear after a call
        without an answer: that call may be why.
        """
        match verdict(reading):
            case Verdict.TAKEN:
                return replace(self, step=Step.TAKEN)
            case Verdict.REFUSED if not (
                self.ambiguous and reading.outcome is Outcome.REFUSED_4XX
            ):
                return replace(self, step=Step.REFUSED)
            case Verdict.STILL_OFFERED | Verdict.REFUSED:
                denials = self.denials + 1
                step = Step.REFUSED if denials >= _LAST_ASK else Step.READ
                return replace(self, denials=denials, step=step)
            case _:
                return replace(self, ambiguous=True, step=Step.READ)

    def after_reading(self, reading: SessionReading) -> "Acceptance":
        """Return where it stands after the session was read at its site.

        To ask the same site once more is safe, whatever became of an earlier call.
        """
        match verdict(reading):
            case Verdict.TAKEN:
                return replace(self, step=Step.TAKEN)
            case Verdict.REFUSED if reading.outcome not in WITHOUT_CREDENTIALS:
                return replace(self, step=Step.REFUSED)
            case Verdict.STILL_OFFERED:
                return replace(self, step=Step.ASK)
            case _:
                return replace(self, ambiguous=True, step=Step.READ_LATER)
