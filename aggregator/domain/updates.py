"""Updates: what a client may ask of a session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.domain.phases import SessionPhase


@dataclass(frozen=True, slots=True)
class Update:
    """A change that a client asks of a session.

    Attributes:
        phase: The phase asked for; None for an update of anything else.
        payload: The update in the canonical vocabulary, bare (not wrapped).
    """

    phase: SessionPhase | None
    payload: Mapping[str, Any] = field(default_factory=dict)


def phase_update(phase: SessionPhase) -> Update:
    """Return the update that asks a site to move a session to ``phase``."""
    return Update(
        phase,
        {"kind": "uri:enum-value-update", "path": "/phase", "value": phase.value},
    )
