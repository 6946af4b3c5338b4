"""Spelling: how a document was written where its dialect would write otherwise.

A residue maps a JSON pointer into the document as its dialect writes it to an entry
with ``in`` (the dialect), ``was`` (the members as the dialect writes them) and ``is``
(the same as they were written). It is applied as a whole or not at all: once
something that it names has changed, the dialect's own way is the right one.
"""

from dataclasses import dataclass, field
from typing import Any

from aggregator.wire.dialects.components import Node
from aggregator.wire.pointers import pointer_of, steps_of


class StaleSpellingError(Exception):
    """What a residue speaks of has changed."""


def spelling(worded: Node, written: Node, dialect: str) -> dict[str, Any]:
    """Return the residue that makes ``written`` of ``worded``.

    Args:
        worded: The document as its dialect writes it.
        written: The document as somebody wrote it.
        dialect: What the entries are marked with.
    """
    residue: dict[str, Any] = {}
    if worded != written:
        _compare(worded, written, (), residue)
    for entry in residue.values():
        entry["in"] = dialect
    return residue


def respelled(worded: Node, residue: dict[str, Any]) -> Node:
    """Return the document as it was once written.

    Raises:
        StaleSpellingError: The document isn't the one that the residue is of.
    """
    tree = _Tree()
    for pointer, entry in residue.items():
        node = tree
        for step in steps_of(pointer):
            node = node.below.setdefault(step, _Tree())
        node.entry = entry
    document: Node = _respelled(worded, tree)
    return document


@dataclass(slots=True)
class _Tree:
    entry: dict[str, Any] | None = None
    below: "dict[str, _Tree]" = field(default_factory=dict)


def _compare(
    worded: Node, written: Node, steps: tuple[str | int, ...], residue: dict[str, Any]
) -> None:
    was: Node = {}
    now: Node = {key: written[key] for key in written if key not in worded}
    for key, value in worded.items():
        if key not in written:
            was[key] = value
        elif value == written[key]:
            continue
        elif isinstance(value, dict) and isinstance(written[key], dict):
            _compare(value, written[key], (*steps, key), residue)
        elif _are_alike(value, written[key]):
            for index, (one, other) in enumerate(zip(value, written[key], strict=True)):
                _compare(one, other, (*steps, key, index), residue)
        else:
            was[key], now[key] = value, written[key]
    if was or now:
        residue[pointer_of(steps)] = {"was": was, "is": now}


def _are_alike(one: Any, other: Any) -> bool:
    return (
        isinstance(one, list)
        and isinstance(other, list)
        and len(one) == len(other)
        and all(isinstance(item, dict) for item in (*one, *other))
    )


def _respelled(node: Any, tree: _Tree) -> Any:
    if isinstance(node, list):
        node = [*node]
        places: list[Any] = [_index(step, node) for step in tree.below]
    elif isinstance(node, dict):
        node = {**node}
        places = [*tree.below]
    else:
        raise StaleSpellingError
    for place, part in zip(places, tree.below.values(), strict=True):
        if isinstance(node, dict) and place not in node:
            raise StaleSpellingError(place)
        node[place] = _respelled(node[place], part)
    if tree.entry is not None:
        return _exchanged(node, tree.entry["was"], tree.entry["is"])
    return node


def _index(step: str, items: list[Any]) -> int:
    if step.isdecimal() and int(step) < len(items):
        return int(step)
    raise StaleSpellingError(step)


def _exchanged(node: Any, was: Node, now: Node) -> Node:
    if not isinstance(node, dict):
        raise StaleSpellingError
    for key, value in was.items():
        if key not in node or node[key] != value:
            raise StaleSpellingError(key)
    for key in now:
        if key in node and key not in was:
            raise StaleSpellingError(key)
    return {**{key: node[key] for key in node if key not in was}, **now}
