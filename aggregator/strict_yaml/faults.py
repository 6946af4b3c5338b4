"""What is wrong with a text, and where."""

from typing import TypeAlias

Place: TypeAlias = tuple[int, int]

_LONGEST_SHOWN = 60


class YamlFault(ValueError):
    """A text is not the YAML that we read.

    Attributes:
        reason: What is wrong, in words for the person who wrote it.
        line: Its line, from 1.
        column: Its column in characters, from 1.
        source: The name of the text, where one was given.
    """

    def __init__(self, reason: str, place: Place, source: str | None = None) -> None:
        self.reason = reason
        self.line, self.column = place
        self.source = source
        prefix = "" if source is None else f"{source}:"
        super().__init__(f"{prefix}{self.line}:{self.column}: {reason}")


def decode_text(body: bytes) -> str:
    """Return UTF-8 bytes as text, without a byte-order mark.

    Raises:
        YamlFault: The bytes aren't UTF-8, at the place where they cease to be.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8-sig", "replace")
        raise YamlFault("not UTF-8", place_of(before, len(before))) from error


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column, from 1, of a character offset in a text."""
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def pointer_step(step: str | int) -> str:
    """Return one step of a JSON pointer (RFC 6901), its slash included."""
    return "/" + str(step).replace("~", "~0").replace("/", "~1")


def shortened(text: str) -> str:
    """Return a text from a document as short as a message can show it."""
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
