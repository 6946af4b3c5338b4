"""Writing: YAML that every reader takes for what it was."""

import re
from io import BytesIO
from math import isfinite
from typing import Any

import yaml
from yaml import events

from aggregator.strict_yaml.rules import INT64_MIN, MAX_DEPTH, UINT64_MAX, WORDS

_OTHER_READERS_DIFFER = re.compile(r"[yYnN]|0o[0-7]+|[+-]?[0-9].*")
_LINE_BREAKS = re.compile(r"[\n\r\x85\u2028\u2029]")


def dump(value: Any) -> bytes:
    """Return a JSON-like value as YAML that ``load`` reads back the same.

    Keys keep their order. Every string that any reader of YAML 1.1 or 1.2 could
    take for something else is quoted. What is not finite becomes null, as in JSON.

    Raises:
        TypeError: A value or key is of a type that JSON doesn't have.
        ValueError: An integer is beyond 64 bits, the nesting deeper than
            ``MAX_DEPTH``, or a string isn't Unicode text.
    """
    stream = BytesIO()
    writer = _Writer(stream)
    writer.write(value)
    return stream.getvalue()


class _Writer:
    """Writes one value as the events of one document."""

    def __init__(self, stream: BytesIO) -> None:
        emitter = yaml.CSafeDumper(stream, allow_unicode=True, width=-1)
        self._emit = emitter.emit

    def write(self, value: Any) -> None:
        self._emit(events.StreamStartEvent(encoding="utf-8"))
        self._emit(events.DocumentStartEvent(explicit=False))
        self._value(value, 0)
        self._emit(events.DocumentEndEvent(explicit=False))
        self._emit(events.StreamEndEvent())

    def _value(self, value: Any, depth: int) -> None:
        if isinstance(value, str):
            self._emit(_string_event(value))
        elif isinstance(value, dict | list | tuple):
            if depth >= MAX_DEPTH:
                raise ValueError(f"nested more than {MAX_DEPTH} deep")
            if isinstance(value, dict):
                self._mapping(value, depth + 1)
            else:
                self._sequence(value, depth + 1)
        else:
            self._emit(_plain_event(_word_of(value)))

    def _mapping(self, value: dict[Any, Any], depth: int) -> None:
        self._emit(events.MappingStartEvent(None, None, implicit=True))
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key must be a string, not {type(key).__name__}")
            self._emit(_string_event(key))
            self._value(item, depth)
        self._emit(events.MappingEndEvent())

    def _sequence(self, value: list[Any] | tuple[Any, ...], depth: int) -> None:
        self._emit(events.SequenceStartEvent(None, None, implicit=True))
        for item in value:
            self._value(item, depth)
        self._emit(events.SequenceEndEvent())


def _string_event(text: str) -> events.ScalarEvent:
    if _LINE_BREAKS.search(text) or _may_be_taken_for_another_type(text):
        return events.ScalarEvent(None, None, (False, True), text, style='"')
    return _plain_event(text)


def _plain_event(text: str) -> events.ScalarEvent:
    return events.ScalarEvent(None, None, (True, True), text)


def _may_be_taken_for_another_type(text: str) -> bool:
    return (
        text in WORDS
        or _OTHER_READERS_DIFFER.fullmatch(text) is not None
        or any(
            pattern.match(text)
            for _, pattern in yaml.SafeDumper.yaml_implicit_resolvers.get(text[:1], ())
        )
    )


def _word_of(value: Any) -> str:
    if value is None or value is True or value is False:
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        if not INT64_MIN <= value <= UINT64_MAX:
            raise ValueError("an integer beyond 64 bits")
        return int.__repr__(value)
    if isinstance(value, float):
        return _word_of_float(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _word_of_float(value: float) -> str:
    if not isfinite(value):
        return "null"
    digits, exponent_mark, exponent = float.__repr__(value).partition("e")
    # YAML 1.1 knows a number with an exponent only by its decimal point.
    point = "" if "." in digits or not exponent_mark else ".0"
    return f"{digits}{point}{exponent_mark}{exponent}"
