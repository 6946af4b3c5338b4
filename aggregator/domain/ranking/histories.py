"""Histories: what was promised of an accepted session, and what then happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.phases import STARTED, TERMINAL, SessionPhase
from aggregator.domain.records import PhaseChange

_STARTING: Final = frozenset({"session", "compute", "executable"})


@dataclass(frozen=True, slots=True)
class Promise:
    """What site and ranking said of a session before it was accepted.

    Attributes:
        kind: The kind of the request's executable.
        ranked: The moment of ranking.
        start: The latest start that the site offered, None where it didn't say.
        preparing: Seconds that the site planned for preparing, None where unsaid.
        estimated: When ranking estimated that it would start.
        waits_for_data: Whether ranking expected data to arrive after that start.
        bytes_to_move: Bytes that were missing at the site.
        sources: The RSEs from which these would move.
        is_sure: Whether replicas and sizes were verified and none was on tape.
        cores: That the site offered; 1 where it didn't say.
        available: Seconds for which it offered the session, None where unsaid.
    """

    kind: str
    ranked: datetime
    start: datetime | None = None
    preparing: float | None = None
    estimated: datetime | None = None
    waits_for_data: bool = False
    bytes_to_move: int = 0
    sources: tuple[str, ...] = ()
    is_sure: bool = False
    cores: float = 1.0
    available: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """When a session was first seen where it matters; None is never.

    Attributes:
        prepared: In phase PREPARING.
        started: The observed start: the session, its compute or its executable
            AVAILABLE or RUNNING.
        staging: Any of its data in phase PREPARING.
        staged: All data that were seen so AVAILABLE.
        ended: The session in a phase that it never leaves.
    """

    prepared: datetime | None = None
    started: datetime | None = None
    staging: datetime | None = None
    staged: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionHistory:
    """One accepted session.

    Attributes:
        user: Issuer and subject of its owner; both empty where it is anonymous.
        groups: That the owner was in when the session was asked for.
    """

    session: str
    site: str
    accepted: datetime
    promise: Promise
    course: Course
    user: tuple[str, str] = ("", "")
    groups: tuple[str, ...] = ()

    @property
    def lateness(self) -> float | None:
        """Seconds from the promised start to the observed one; None without either.

        Whoever accepts after the promised start has only waited since.
        """
        return self._since(self.promise.start)

    @property
    def estimate_error(self) -> float | None:
        """Seconds from the estimated start to the observed one."""
        return self._since(self.promise.estimated)

    @property
    def preparing_error(self) -> float | None:
        """Seconds by which preparing took longer than planned."""
        course, planned = self.course, self.promise.preparing
        if planned is None or course.prepared is None or course.started is None:
            return None
        return (course.started - course.prepared).total_seconds() - planned

    @property
    def wait(self) -> float | None:
        """Seconds from the acceptance to the observed start."""
        return self._since(self.accepted)

    def _since(self, expected: datetime | None) -> float | None:
        if expected is None or self.course.started is None:
            return None
        return (self.course.started - max(expected, self.accepted)).total_seconds()


def course_of(changes: Iterable[PhaseChange]) -> Course:
    """Return the course that a session took, of the phases it was seen in."""
    seen = list(changes)
    preparing = SessionPhase.PREPARING.value
    return Course(
        prepared=_first(
            one for one in seen if (one.component, one.phase) == ("session", preparing)
        ),
        started=_first(
            one for one in seen if one.component in _STARTING and one.phase in STARTED
        ),
        staging=_first(one for one in seen if _is_data(one) and one.phase == preparing),
        staged=_staged(seen),
        ended=_first(
            one for one in seen if one.component == "session" and one.phase in TERMINAL
        ),
    )


def _staged(seen: Sequence[PhaseChange]) -> datetime | None:
    data = [one for one in seen if _is_data(one)]
    moved = {one.component for one in data if one.phase == SessionPhase.PREPARING}
    there = {
        one.component: one.seen for one in data if one.phase == SessionPhase.AVAILABLE
    }
    if not moved or moved - there.keys():
        return None
    return max(there[component] for component in moved)


def _is_data(change: PhaseChange) -> bool:
    return change.component.startswith("data/")


def _first(changes: Iterable[PhaseChange]) -> datetime | None:
    return min((change.seen for change in changes), default=None)
