"""Documents: bounds that hold for anything that is read, whatever it says."""

import math
from typing import Any, Final

from aggregator.domain.errors import Violation
from aggregator.wire.pointers import pointer_of

DEEPEST: Final = 64
"""Levels of mappings and lists in a client's document."""

DEEPEST_OF_SITES: Final = DEEPEST - 4
"""The same for a site's session: we put it into documents of our own."""

_NESTING: Final = frozenset({dict, list})
_MOST_VIOLATIONS: Final = 20
_LEAST_INTEGER: Final = -(2**63)
_GREATEST_INTEGER: Final = 2**63 - 1


def is_deeper_than(document: Any, levels: int) -> bool:
    """Whether mappings and lists are nested in more than so many levels."""
    level = [document]
    for _ in range(levels):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if type(child) in _NESTING
        ]
        if not level:
            return False
    return True


def document_violations(document: dict[str, Any]) -> list[Violation]:
    """Return what in a document JSON, or a 64-bit integer, can't say.

    The first twenty are returned; a place is a pointer into the document.
    """
    if is_deeper_than(document, DEEPEST):
        return [Violation("", f"is nested in more than {DEEPEST} levels")]
    found: list[Violation] = []
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting and len(found) < _MOST_VIOLATIONS:
        steps, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*steps, key), child) for key, child in value.items()]
            reason = _reason_against_keys(value)
        elif isinstance(value, list):
            waiting += [((*steps, index), child) for index, child in enumerate(value)]
            reason = ""
        else:
            reason = _reason_against(value)
        if reason:
            found.append(Violation(pointer_of(steps), reason))
    return found


def _reason_against_keys(mapping: dict[Any, Any]) -> str:
    if all(isinstance(key, str) for key in mapping):
        return ""
    return "has a key that is not a text"


def _reason_against(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return ""
    if isinstance(value, int):
        if _LEAST_INTEGER <= value <= _GREATEST_INTEGER:
            return ""
        return "is an integer of more than 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "is not a finite number"
    return "is of a type that JSON doesn't have"
