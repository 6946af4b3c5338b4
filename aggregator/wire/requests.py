"""Requests and updates as clients write them, read into what the use cases take."""

from collections.abc import Sequence
from typing import Final

from aggregator.domain.errors import InvalidInput, Violation
from aggregator.domain.phases import session_phase
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.updates import Update
from aggregator.wire import extraction
from aggregator.wire.dialects import NEWEST, detect_dialect
from aggregator.wire.dialects.bodies import is_wrapped
from aggregator.wire.dialects.components import OLD_SESSION_PHASES, Node
from aggregator.wire.documents import document_violations
from aggregator.wire.locating import written_pointer
from aggregator.wire.pointers import pointer_of
from aggregator.wire.repairs import repaired
from aggregator.wire.validation import Fault, request_faults, update_faults

_MOST_VIOLATIONS: Final = 20
_LONGEST_REASON: Final = 200
_PHASE_PATH: Final = "phase"
_PHASE_UPDATE: Final = "uri:enum-value-update"
_PHASE_KINDS: Final = frozenset({_PHASE_UPDATE, "enum-value-update"})


def read_request(document: object, default_dialect: str) -> ExecutionRequest:
    """Read a request for offers in any dialect.

    What it misplaces is repaired by adding (``repairs``); the residue of the result
    restores the request as it was written.

    Args:
        document: The decoded body.
        default_dialect: The dialect where nothing in the request tells it.

    Raises:
        InvalidInput: It isn't a request, or not what the protocol allows; the
            violations point into the document as it was written.
    """
    written = _checked(document, "request")
    dialect = detect_dialect(written, default_dialect)
    canonical = dialect.request_to_canonical(written)
    _refuse(
        "request",
        [
            _violation(written_pointer(written, steps, dialect.discriminator), reason)
            for steps, reason in request_faults(canonical.payload)[:_MOST_VIOLATIONS]
        ],
    )
    payload, residue = repaired(canonical.payload), canonical.residue
    if payload is not canonical.payload:
        residue = dialect.residue_of_request(written, payload)
    requested = extraction.mapping(extraction.mapping(payload, "schedule"), "requested")
    compute = extraction.mapping(payload, "compute")
    return ExecutionRequest(
        executable_kind=extraction.short_kind(payload["executable"]["kind"]),
        name=extraction.name_of(payload),
        duration=extraction.seconds(requested, "duration"),
        start=extraction.interval(requested, "start"),
        cores=extraction.amount(compute, "cores"),
        memory=extraction.amount(compute, "memory"),
        data=extraction.data_items(payload),
        costs=extraction.quotes(payload, "costs"),
        metrics=extraction.quotes(payload, "metrics"),
        dialect=dialect.name,
        payload=payload,
        residue=residue,
    )


def read_update(document: object) -> Update:
    """Read an update in any dialect, bare or wrapped in ``update``.

    What is to change the phase is understood, or refused: passed on unread, it could
    have a site take an offer that nobody here knows to be accepted.

    Raises:
        InvalidInput: It isn't an update, or asks for a phase that doesn't exist; the
            violations point into the document as it was written.
    """
    written = _checked(document, "update")
    dialect = detect_dialect(written, NEWEST)
    payload = _as_phase_update(dialect.update_to_canonical(written).payload)
    violations = [
        _violation(_place_in_update(written, steps, dialect.discriminator), reason)
        for steps, reason in (*update_faults(payload), *_phase_faults(payload))
    ]
    if not violations and _is_of_phase(payload):
        value = OLD_SESSION_PHASES.get(payload["value"], payload["value"])
        phase = session_phase(value)
        if phase is not None:
            return Update(phase, {**payload, "value": value})
        where = _place_in_update(written, ("value",), dialect.discriminator)
        violations = [_violation(where, f"{value!r} is not a phase")]
    _refuse("update", violations)
    return Update(None, payload)


def _violation(pointer: str, reason: str) -> Violation:
    shown = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
    return Violation(pointer, shown)


def _is_of_phase(update: Node) -> bool:
    path = update.get("path")
    return isinstance(path, str) and path.strip("/") == _PHASE_PATH


def _as_phase_update(update: Node) -> Node:
    """Return an update of the phase with the kind that all brokers know."""
    kind = update.get("kind")
    if not isinstance(kind, str) or extraction.short_kind(kind) not in _PHASE_KINDS:
        return update
    return {**update, "kind": _PHASE_UPDATE} if _is_of_phase(update) else update


def _phase_faults(update: Node) -> list[Fault]:
    kind = update.get("kind")
    if not isinstance(kind, str) or kind == _PHASE_UPDATE or not _is_of_phase(update):
        return []
    return [(("kind",), f"must be {_PHASE_UPDATE}, which alone changes the phase")]


def _place_in_update(
    written: Node, steps: tuple[str | int, ...], discriminator: str
) -> str:
    place = ("update",) if is_wrapped(written) else ()
    return pointer_of((*place, *(discriminator if s == "kind" else s for s in steps)))


def _checked(document: object, what: str) -> Node:
    if isinstance(document, dict):
        _refuse(what, document_violations(document))
        return document
    reason = f"is not a mapping, as every {what} is"
    raise InvalidInput(f"The {what} {reason}", [Violation("", reason)])


def _refuse(what: str, violations: Sequence[Violation]) -> None:
    if violations:
        first = violations[0]
        place = f"{first.pointer} " if first.pointer else "it "
        raise InvalidInput(
            f"The {what} is not valid: {place}{first.reason}", violations
        )
