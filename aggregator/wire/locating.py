"""Locating: where in a request as it was written a part of the canonical one stands."""

from collections.abc import Sequence
from typing import Any, Final

from aggregator.wire.dialects.volumes import gathered, split
from aggregator.wire.pointers import pointer_of

_OTHER_NAMES: Final = {
    "kind": ("type",),
    "url": ("href",),
    "resource": ("resources",),
    "data": ("resources",),
}

Steps = tuple[str | int, ...]


def written_pointer(
    document: dict[str, Any], steps: Sequence[str | int], discriminator: str
) -> str:
    """Return the JSON pointer, into a request as written, to a canonical place.

    Args:
        document: The request as it was written, in any dialect.
        steps: The keys and indexes that lead to the place in the canonical request.
        discriminator: What the request's dialect calls ``kind``: the name of one that
            is missing.
    """
    found, left = _start(document, tuple(steps))
    node = _at(document, found)
    for step in left:
        if isinstance(node, list) and isinstance(step, int) and step >= len(node):
            break
        if isinstance(node, dict) and step not in node:
            if step == "meta":
                continue
            others = _OTHER_NAMES.get(str(step), ())
            other = next((other for other in others if other in node), step)
            step = discriminator if other == "kind" else other  # noqa: PLW2901
        found = (*found, step)
        node = _at(node, (step,))
    return pointer_of(found)


def _start(document: dict[str, Any], steps: Steps) -> tuple[Steps, Steps]:
    match steps:
        case ("compute", "volumes", int(index), *rest):
            return _volume(document, index), tuple(rest)
        case (("compute" | "storage" | "data") as key, *rest):
            return _part(document, key), tuple(rest)
        case _:
            return (), steps


def _part(document: dict[str, Any], key: str) -> Steps:
    block = document.get("resources")
    place: Steps = (key,)
    if key not in document and isinstance(block, dict) and key in block:
        place = ("resources", key)
    elif key == "compute" and key not in document and "computer" in document:
        place = ("computer",)
    if key == "compute" and isinstance(_at(document, place), list):
        return (*place, 0)
    return place


def _volume(document: dict[str, Any], index: int) -> Steps:
    places = {
        "compute": _part(document, "compute"),
        "volumes": _part(document, "volumes"),
    }
    body = {key: _at(document, place) for key, place in places.items()}
    written = [
        steps
        for number, (steps, volume) in enumerate(gathered(body))
        for _ in (split(volume, number) if isinstance(volume, dict) else [volume])
    ]
    if index >= len(written):
        return places["compute"]
    first, *rest = written[index]
    return (*places[str(first)], *rest)


def _at(node: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node
