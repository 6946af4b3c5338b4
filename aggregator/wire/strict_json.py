"""JSON as clients may send it: no duplicate keys, no integers beyond 64 bits.

orjson reads fast but keeps the last of two equal keys and turns larger integers
into floats. A second pass over the tokens of a text that it took for well-formed
finds both, with their places.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from aggregator.strict_yaml import (
    INT64_MIN,
    MAX_DEPTH,
    UINT64_MAX,
    decode_text,
    place_of,
    pointer_step,
    shortened,
)

_TOKEN = re.compile(
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<key>\s*:)?'
    r"|(?P<begin>[{\[])|(?P<end>[}\]])|(?P<comma>,)"
    r"|(?P<number>-?[0-9][0-9.eE+-]*)"
)
_INTEGER = re.compile(r"-?[0-9]+")
_LONGEST_INTEGER = len(str(INT64_MIN))
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JsonFault(ValueError):
    """A text is not the JSON that we read.

    Attributes:
        reason: What is wrong, in words for the person who wrote it.
        pointer: JSON pointer to what holds the fault, where that is known.
        line: The line of the fault, from 1.
        column: Its column in characters, from 1.
    """

    def __init__(self, reason: str, place: tuple[int, int], pointer: str = "") -> None:
        self.reason = reason
        self.pointer = pointer
        self.line, self.column = place
        super().__init__(f"{self.line}:{self.column}: {reason}")


def load(body: bytes) -> Any:
    """Return the value of a client's JSON body.

    Raises:
        JsonFault: The body is not well-formed, nested more than ``MAX_DEPTH`` deep,
            or has a duplicate key or an integer beyond 64 bits.
        YamlFault: The body is not UTF-8.
    """
    text = decode_text(body)
    value = _parse(text)
    _Audit(text).check()
    return value


def load_leniently(body: bytes) -> Any:
    """Return the value of a site's JSON body: of duplicate keys the last counts.

    Raises:
        JsonFault: The body is not well-formed JSON in UTF-8, or is nested more than
            ``MAX_DEPTH`` deep.
    """
    value = _parse(body)
    if not _is_surely_shallow(body) and _depth_of(value) > MAX_DEPTH:
        raise JsonFault(f"nested more than {MAX_DEPTH} deep", (1, 1))
    return value


def _parse(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise JsonFault(error.msg, (error.lineno, error.colno)) from error


def _is_surely_shallow(body: bytes) -> bool:
    """Tell by cancelling out brackets, which those in strings only make worse."""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


def _depth_of(value: Any) -> int:
    depth = 0
    level = [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in _children_of(item)]
    return depth


def _children_of(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


@dataclass(slots=True)
class _Frame:
    """An object or array that the audit is inside of, and where in it."""

    step: str | int
    keys: set[str] = field(default_factory=set)


class _Audit:
    """Looks for what a parser lets pass, in a text that is well-formed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[_Frame] = []

    def check(self) -> None:
        for token in _TOKEN.finditer(self._text):
            if token["key"]:
                self._key(token)
            elif token["begin"]:
                self._begin(token)
            elif token["end"]:
                self._open.pop()
            elif token["comma"]:
                self._comma()
            elif token["number"]:
                self._number(token)

    def _key(self, token: re.Match[str]) -> None:
        frame = self._open[-1]
        key = orjson.loads(token["string"])
        frame.step = key
        if key in frame.keys:
            self._refuse(f"the key {shortened(key)!r} is given twice", token)
        frame.keys.add(key)

    def _begin(self, token: re.Match[str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} deep", token)
        self._open.append(_Frame(0 if token["begin"] == "[" else ""))

    def _comma(self) -> None:
        frame = self._open[-1]
        if isinstance(frame.step, int):
            frame.step += 1

    def _number(self, token: re.Match[str]) -> None:
        digits = token["number"]
        if not _INTEGER.fullmatch(digits):
            return
        if len(digits) > _LONGEST_INTEGER or not _fits(int(digits)):
            self._refuse("an integer beyond 64 bits", token)

    def _pointer(self) -> str:
        return "".join(pointer_step(frame.step) for frame in self._open)

    def _refuse(self, reason: str, token: re.Match[str]) -> None:
        place = place_of(self._text, token.start())
        raise JsonFault(reason, place, self._pointer())


def _fits(number: int) -> bool:
    return INT64_MIN <= number <= UINT64_MAX
