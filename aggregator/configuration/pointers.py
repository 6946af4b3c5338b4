"""JSON pointers (RFC 6901) into the documents of the configuration."""

from collections.abc import Mapping
from typing import Any

from aggregator.strict_yaml import pointer_step


def join(base: str, *path: str | int) -> str:
    """Return the pointer to what lies under ``base`` along ``path``."""
    return base + "".join(map(pointer_step, path))


def steps(pointer: str) -> tuple[str, ...]:
    """Return the keys and indices that a pointer goes along."""
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]
    )


def at(document: Any, pointer: str) -> Any:
    """Return what a pointer leads to, None where there is nothing."""
    for step in steps(pointer):
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and step.isdigit():
            index = int(step)
            document = document[index] if index < len(document) else None
        else:
            return None
    return document


def items_at(document: Any, pointer: str) -> list[str]:
    """Return the pointers of the items of the list at ``pointer``, none of another."""
    found = at(document, pointer)
    items = found if isinstance(found, list) else []
    return [join(pointer, index) for index, _ in enumerate(items)]


def name_of(pointer: str) -> str:
    """Return how a person names the place: ``port``, ``rses[1]``, ``the document``."""
    name = ""
    for step in reversed(steps(pointer)):
        if not step.isdigit():
            return step + name
        name = f"[{step}]{name}"
    return f"item {name}" if name else "the document"
