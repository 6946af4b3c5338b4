"""JSON pointers (RFC 6901)."""

from collections.abc import Iterable


def pointer_of(steps: Iterable[str | int]) -> str:
    """Return the JSON pointer that goes down these keys and indexes."""
    return "".join(
        "/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps
    )


def steps_of(pointer: str) -> list[str]:
    """Return the keys and indexes, as text, that a JSON pointer goes down."""
    return [
        step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]
    ]
