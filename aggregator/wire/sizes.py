"""Sizes: what is too much to be translated between two turns of an event loop."""

from collections.abc import Iterable
from typing import Any, Final

_MOST_AT_ONCE: Final = 1000
"""Translating so many components takes ten to twenty milliseconds."""


def are_large(sessions: Iterable[Any]) -> bool:
    """Whether sessions of any dialect have so many components that others would wait.

    Whatever is no session counts nothing: to read it ends quickly.
    """
    return sum(map(_components, sessions)) > _MOST_AT_ONCE


def _components(session: Any) -> int:
    if not isinstance(session, dict):
        return 0
    blocks = [session, *(part for part in session.values() if isinstance(part, dict))]
    return 1 + sum(
        len(part)
        for block in blocks
        for part in block.values()
        if isinstance(part, list)
    )
