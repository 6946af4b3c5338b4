"""Shapes: what a value must be like, and what is left of one that isn't quite.

A shape returns the value itself where it fits, a copy without the members that don't
(or with them in the form that does) where that is enough, and ``MISFIT`` where nothing
can be kept. Null fits nowhere: a member that is null is as good as not there, and
published schemas know none.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from aggregator.domain.schedules import format_instant, parse_instant

MISFIT: Final = object()
Shape = Callable[[Any], Any]

_REMEMBERED: Final = 4096
_LONGEST: Final = 128
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def text(value: Any) -> Any:
    """Fit texts."""
    return value if type(value) is str else MISFIT


def integer(value: Any) -> Any:
    """Fit whole numbers of 64 bits."""
    return value if type(value) is int and -(2**63) <= value < 2**63 else MISFIT


def short_integer(value: Any) -> Any:
    """Fit whole numbers of 32 bits."""
    return value if type(value) is int and -(2**31) <= value < 2**31 else MISFIT


def number(value: Any) -> Any:
    """Fit numbers."""
    return value if type(value) in (int, float) else MISFIT


def flag(value: Any) -> Any:
    """Fit true and false."""
    return value if type(value) is bool else MISFIT


def texts_by_name(value: Any) -> Any:
    """Fit mappings of texts."""
    if isinstance(value, dict) and all(type(v) is str for v in value.values()):
        return value
    return MISFIT


def moment(value: Any) -> Any:
    """Fit dates with a time; any other form of ISO 8601 becomes that of RFC 3339."""
    return _moment(value) if _is_short_text(value) else MISFIT


def _is_short_text(value: Any) -> bool:
    return type(value) is str and len(value) <= _LONGEST


@lru_cache(maxsize=_REMEMBERED)
def _moment(value: str) -> Any:
    try:
        found = parse_instant(value)
        written = format_instant(found)
    except ValueError:
        return MISFIT
    if "T" not in value:
        return MISFIT
    return value if _RFC_3339.fullmatch(value) else written


def one_of(*values: str) -> Shape:
    """Return the shape of these texts."""
    allowed = frozenset(values)
    return lambda value: value if type(value) is str and value in allowed else MISFIT


def matching(pattern: str) -> Shape:
    """Return the shape of short texts that a regular expression matches as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    @lru_cache(maxsize=_REMEMBERED)
    def matches(value: str) -> bool:
        return compiled.fullmatch(value) is not None

    return lambda value: value if _is_short_text(value) and matches(value) else MISFIT


def listing(shape: Shape) -> Shape:
    """Return the shape of lists; items that don't fit are left out."""

    def fitting(value: Any) -> Any:
        if not isinstance(value, list):
            return MISFIT
        items = [shape(item) for item in value]
        if all(map(_is, items, value)):
            return value
        return [item for item in items if item is not MISFIT]

    return fitting


def mapping(members: Mapping[str, Shape], *required: str) -> Shape:
    """Return the shape of mappings; members that don't fit are left out.

    Args:
        members: The shape of each member that is known; others pass.
        required: Members without which nothing is left.
    """

    def fitting(value: Any) -> Any:
        if not isinstance(value, dict):
            return MISFIT
        changed: dict[str, Any] = {}
        for key, given in value.items():
            if key in members:
                member = MISFIT if given is None else members[key](given)
                if member is not given:
                    changed[key] = member
        if changed:
            whole = {**value, **changed}
            value = {key: whole[key] for key in whole if whole[key] is not MISFIT}
        for key in required:
            if value.get(key) is None:
                return MISFIT
        return value

    return fitting


def _is(one: object, another: object) -> bool:
    return one is another
