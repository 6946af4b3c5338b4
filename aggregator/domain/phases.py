"""Phases of execution sessions, and the updates that each allows.

Source: IVOA Execution Broker, schemas ``SimpleExecutionSessionPhase`` and
``LifecyclePhase``; transitions as the reference implementation accepts them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SessionPhase(StrEnum):
    """The phase of an execution session; an offer is a session in ``OFFERED``."""

    INITIAL = "INITIAL"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WAITING = "WAITING"
    PREPARING = "PREPARING"
    AVAILABLE = "AVAILABLE"
    RUNNING = "RUNNING"
    RELEASING = "RELEASING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


TERMINAL: Final = frozenset(
    {
        SessionPhase.REJECTED,
        SessionPhase.EXPIRED,
        SessionPhase.COMPLETED,
        SessionPhase.FAILED,
        SessionPhase.CANCELLED,
    }
)
"""Phases that a session never leaves."""

TAKEN: Final = frozenset(
    {
        SessionPhase.ACCEPTED,
        SessionPhase.WAITING,
        SessionPhase.PREPARING,
        SessionPhase.AVAILABLE,
        SessionPhase.RUNNING,
        SessionPhase.RELEASING,
        SessionPhase.COMPLETED,
    }
)
"""Phases that prove that the site took an acceptance."""

REFUSED: Final = frozenset(
    {
        SessionPhase.REJECTED,
        SessionPhase.EXPIRED,
        SessionPhase.FAILED,
        SessionPhase.CANCELLED,
    }
)
"""Phases that prove that an offer can't be accepted any more."""

STARTED: Final = frozenset({SessionPhase.AVAILABLE, SessionPhase.RUNNING})
"""Phases of a session, compute or executable that count as its observed start."""

_CANCELLABLE: Final = frozenset(
    {
        SessionPhase.INITIAL,
        SessionPhase.OFFERED,
        SessionPhase.ACCEPTED,
        SessionPhase.WAITING,
        SessionPhase.PREPARING,
        SessionPhase.AVAILABLE,
        SessionPhase.RUNNING,
    }
)

ALLOWED_FROM: Final[Mapping[SessionPhase, frozenset[SessionPhase]]] = {
    SessionPhase.ACCEPTED: frozenset({SessionPhase.OFFERED}),
    SessionPhase.REJECTED: frozenset({SessionPhase.OFFERED}),
    SessionPhase.CANCELLED: _CANCELLABLE,
    SessionPhase.FAILED: _CANCELLABLE | {SessionPhase.RELEASING},
}
"""For each phase that a client may ask for, the phases from which a site grants it."""


def session_phase(text: object) -> SessionPhase | None:
    """Return the phase that ``text`` names, None where no phase is called that."""
    try:
        return SessionPhase(str(text))
    except ValueError:
        return None
