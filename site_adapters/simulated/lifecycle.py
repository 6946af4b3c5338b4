"""The lives of sessions and their components, computed from the clock when read.

An accepted session is prepared so as to be available at its promised start, runs and
is released: data and storage are ready before compute, compute begins before its
executable, and they go in the other order. The session's phase is rolled up from
its components by the reference broker's rule.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.sessions import Component, Plan, Session
from site_adapters.simulated.vocabulary import Role

RELEASING: Final = 10.0
"""Seconds that it takes to release a session."""

_SETTLING: Final = 1.0
"""Seconds for which an accepted session stays in ``ACCEPTED``."""

_PREPARED: Final[Mapping[Role, tuple[float, float]]] = {
    Role.STORAGE: (0.0, 0.2),
    Role.DATA: (0.2, 0.6),
    Role.COMPUTE: (0.6, 1.0),
    Role.EXECUTABLE: (0.8, 1.0),
}
"""The share of the time of preparing in which each role is prepared."""

_RELEASED: Final[Mapping[Role, tuple[float, float]]] = {
    Role.EXECUTABLE: (0.0, 0.25),
    Role.COMPUTE: (0.25, 0.5),
    Role.DATA: (0.5, 0.75),
    Role.STORAGE: (0.75, 1.0),
}
"""The share of the time of releasing in which each role is released."""


class ComponentPhase(StrEnum):
    """The phase of an executable or a resource."""

    INITIALIZING = "INITIALIZING"
    WAITING = "WAITING"
    PREPARING = "PREPARING"
    AVAILABLE = "AVAILABLE"
    RUNNING = "RUNNING"
    RELEASING = "RELEASING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_TO_COME: Final = frozenset({ComponentPhase.WAITING, ComponentPhase.PREPARING})
_ACTIVE: Final = frozenset({ComponentPhase.AVAILABLE, ComponentPhase.RUNNING})


def preparing_of(plan: Plan, role: Role) -> tuple[float, float]:
    """Return from which to which second before the start ``role`` is prepared."""
    begin, end = _PREPARED[role]
    return (1 - begin) * plan.preparing, (1 - end) * plan.preparing


def roll_up(phases: Collection[ComponentPhase]) -> SessionPhase | None:
    """Return the phase of a session with components in ``phases``.

    None is for components that have all still to begin.
    """
    found = set(phases)
    if found == {ComponentPhase.INITIALIZING}:
        return None
    rules = (
        (ComponentPhase.FAILED in found, SessionPhase.FAILED),
        (ComponentPhase.CANCELLED in found, SessionPhase.CANCELLED),
        (bool(found & _TO_COME), SessionPhase.PREPARING),
        (found == {ComponentPhase.COMPLETED}, SessionPhase.COMPLETED),
        (found <= _ACTIVE, SessionPhase.AVAILABLE),
    )
    return next((phase for holds, phase in rules if holds), SessionPhase.RELEASING)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The clockwork of one broker.

    Attributes:
        time_scale: How many times faster than the clock sessions live.
        waits: Whether a session waits for its time to be prepared. Brokers that
            have lost the session's schedule begin at once, and then its compute
            resource waits.
    """

    time_scale: float
    waits: bool

    def session_phase(self, session: Session, now: datetime) -> SessionPhase:
        """Return the phase of ``session`` at ``now``."""
        if session.pinned is not None:
            return session.pinned
        if session.settled is not None:
            return session.settled
        age = self._age(session, now)
        if age is None:
            return SessionPhase.OFFERED
        if age < _SETTLING:
            return SessionPhase.ACCEPTED
        phases = [self._at(session, one.role, age) for one in session.components()]
        return roll_up(phases) or SessionPhase.WAITING

    def component_phase(
        self, session: Session, component: Component, now: datetime
    ) -> ComponentPhase:
        """Return the phase of one of the components of ``session`` at ``now``."""
        if session.pinned is not None:
            word = session.pinned.value
            known = ComponentPhase.__members__
            return known.get(word, ComponentPhase.INITIALIZING)
        age = self._age(session, now)
        if age is None:
            return ComponentPhase.INITIALIZING
        return self._at(session, component.role, age)

    def _age(self, session: Session, now: datetime) -> float | None:
        if session.accepted_at is None:
            return None
        return (now - session.accepted_at).total_seconds() * self.time_scale

    def _at(self, session: Session, role: Role, age: float) -> ComponentPhase:
        assert session.accepted_at is not None
        plan = session.plan
        until = (plan.preparing_start - session.accepted_at).total_seconds()
        preparing = max(_SETTLING, until)
        end = preparing + plan.preparing + plan.runs
        begins, ready = (preparing + part * plan.preparing for part in _PREPARED[role])
        goes, gone = (end + part * RELEASING for part in _RELEASED[role])
        if age < _SETTLING or (self.waits and age < preparing):
            return ComponentPhase.INITIALIZING
        steps = (
            (begins, ComponentPhase.WAITING),
            (ready, ComponentPhase.PREPARING),
            (goes, ComponentPhase.AVAILABLE),
            (gone, ComponentPhase.RELEASING),
        )
        return next(
            (phase for until, phase in steps if age < until), ComponentPhase.COMPLETED
        )
