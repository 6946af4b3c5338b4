"""Status: which phase of a session is shown, and which phases are new."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from aggregator.domain.phases import (
    ALLOWED_FROM,
    STARTED,
    TERMINAL,
    SessionPhase,
    session_phase,
)
from aggregator.domain.records import PhaseChange, Route

_INSTANTS: Final = frozenset({"created", "modified", "expires"})


def shown_phase(route: Route, now: datetime) -> SessionPhase | None:
    """Return the phase to show for a session as it was last read.

    It is the site's, but for what we know better: the stored overlay, and EXPIRED
    past the expiry of what is still offered (sites announce it and don't enforce it).
    """
    if route.overlay is not None:
        return route.overlay
    phase = session_phase(route.last_payload.get("phase"))
    if phase is SessionPhase.OFFERED and has_expired(route, now):
        return SessionPhase.EXPIRED
    return phase


def has_expired(route: Route, now: datetime) -> bool:
    """Whether the offer's reservation has ended at ``now``."""
    return route.expires is not None and route.expires <= now


def is_settled(route: Route, now: datetime) -> bool:
    """Whether nothing new can be learnt from the session's site."""
    return shown_phase(route, now) in TERMINAL


def is_presumed_expired(route: Route, now: datetime) -> bool:
    """Whether the session counts as expired by us alone, its site not having said so.

    A site that was asked to accept it in time may have done so since.
    """
    if route.overlay is not None or not has_expired(route, now):
        return False
    return session_phase(route.last_payload.get("phase")) is SessionPhase.OFFERED


def is_granted(phase: SessionPhase | None, wanted: SessionPhase) -> bool:
    """Whether a session in ``phase`` may be asked to go to ``wanted``."""
    return phase is None or phase in ALLOWED_FROM.get(wanted, frozenset())


def is_alike(before: object, after: object) -> bool:
    """Whether two readings of a session differ in the forms of its instants at most.

    Brokers give instants to the nanosecond at first, and to the microsecond later.
    """
    return _without_instants(before) == _without_instants(after)


def _without_instants(part: object) -> object:
    if isinstance(part, Mapping):
        return {
            name: _without_instants(one)
            for name, one in part.items()
            if name not in _INSTANTS
        }
    if isinstance(part, list):
        return [_without_instants(one) for one in part]
    return part


def phase_changes(
    session: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    now: datetime,
) -> tuple[PhaseChange, ...]:
    """Return the phases in ``after`` that ``before`` didn't have, seen at ``now``.

    Both are sessions in the canonical vocabulary.
    """
    known = dict(_phases(before))
    return tuple(
        PhaseChange(session, component, phase, now)
        for component, phase in _phases(after)
        if known.get(component) != phase
    )


def has_started(payload: Mapping[str, Any]) -> bool:
    """Whether a session in the canonical vocabulary is seen to run or be usable.

    That is when the session, its compute or its executable is AVAILABLE or RUNNING.
    """
    return any(
        component in {"session", "compute", "executable"} and phase in STARTED
        for component, phase in _phases(payload)
    )


def _phases(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _phase_of("session", payload)
    for single in ("executable", "compute"):
        yield from _phase_of(single, payload.get(single))
    for many in ("storage", "data"):
        parts = payload.get(many)
        if isinstance(parts, list):
            for index, part in enumerate(parts):
                yield from _phase_of(f"{many}/{_name(part, index)}", part)


def _phase_of(component: str, part: object) -> Iterator[tuple[str, str]]:
    if isinstance(part, Mapping) and isinstance(part.get("phase"), str):
        yield component, part["phase"]


def _name(part: object, index: int) -> str:
    meta = part.get("meta") if isinstance(part, Mapping) else None
    name = meta.get("name") if isinstance(meta, Mapping) else None
    return str(name) if name else str(index)
