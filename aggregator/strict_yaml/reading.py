"""Reading: from the parser's events to a value, in one pass and without recursion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml
from yaml import events

from aggregator.strict_yaml.faults import (
    Place,
    YamlFault,
    decode_text,
    place_of,
    pointer_step,
    shortened,
)
from aggregator.strict_yaml.rules import (
    INT64_MIN,
    INTEGER,
    LONGEST_INTEGER,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    NUMBER,
    UINT64_MAX,
    WORDS,
)

_MERGE_KEY = "<<"
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
_TOO_DEEP_TO_SCAN = "exceeded maximum nesting depth"
"""What the parser says that looks ahead: its limit is higher, and met earlier."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value with the places of its parts in the text that it was read from."""

    value: Any
    source: str
    places: Mapping[str, Place]

    def position(self, pointer: str) -> tuple[int, int]:
        """Return the line and column, from 1, of the node at a JSON pointer.

        A pointer to nothing gives the place of its nearest ancestor that exists.
        """
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (1, 1))


def load(text: str | bytes) -> Any:
    """Return the value of a YAML text; nothing at all reads as None.

    Raises:
        YamlFault: The text is not well-formed, or has what the module refuses.
    """
    return _read(_text_of(text), places=None)


def load_located(text: str | bytes, source_name: str) -> Located:
    """Return the value of a YAML text with the places of its parts.

    Raises:
        YamlFault: As ``load``, with ``source_name`` as its source.
    """
    places: dict[str, Place] = {}
    try:
        value = _read(_text_of(text), places)
    except YamlFault as fault:
        place = (fault.line, fault.column)
        raise YamlFault(fault.reason, place, source_name) from fault
    return Located(value, source_name, places)


def _text_of(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise YamlFault(f"more than {MAX_BYTES} bytes", (1, 1))
    if isinstance(text, bytes):
        return decode_text(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise YamlFault("half a surrogate pair", place_of(text, error.start)) from error
    return text.removeprefix("\ufeff")


def _read(text: str, places: dict[str, Place] | None) -> Any:
    builder = _Builder(places)
    try:
        builder.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        raise YamlFault(error.reason, place_of(before, len(before))) from error
    except yaml.MarkedYAMLError as error:
        raise YamlFault(_reason_of(error), _mark_of(error)) from error
    return builder.value


def _reason_of(error: yaml.MarkedYAMLError) -> str:
    if error.problem == _TOO_DEEP_TO_SCAN:
        return _TOO_DEEP
    parts = [part for part in (error.problem, error.context) if part]
    return " ".join(parts) or "not well-formed YAML"


def _mark_of(error: yaml.MarkedYAMLError) -> Place:
    mark = error.problem_mark or error.context_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Sequence:
    """A list that is being filled."""

    pointer: str
    value: list[Any] = field(default_factory=list)

    def step(self) -> str:
        return pointer_step(len(self.value))

    def take(self, item: Any) -> None:
        self.value.append(item)


@dataclass(slots=True)
class _Mapping:
    """A mapping that is being filled; ``key`` waits for its value."""

    pointer: str
    value: dict[str, Any] = field(default_factory=dict)
    key: str | None = None

    def step(self) -> str:
        return pointer_step(str(self.key))

    def take(self, item: Any) -> None:
        self.value[str(self.key)] = item
        self.key = None


class _Builder:
    """Builds one value from the events of one document."""

    def __init__(self, places: dict[str, Place] | None) -> None:
        self.value: Any = None
        self._places = places
        self._open: list[_Sequence | _Mapping] = []
        self._nodes = 0
        self._documents = 0

    def build(self, parsed: Iterable[events.Event]) -> None:
        for event in parsed:
            if isinstance(event, events.NodeEvent):
                self._node(event)
            elif isinstance(event, events.CollectionEndEvent):
                self._open.pop()
            elif isinstance(event, events.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise YamlFault("a second document", _start_of(event))

    def _node(self, event: events.NodeEvent) -> None:
        self._admit(event)
        top = self._open[-1] if self._open else None
        if isinstance(top, _Mapping) and top.key is None:
            top.key = _key_of(event, top.value)
            return
        pointer = self._locate(event, top)
        if isinstance(event, events.ScalarEvent):
            self._place_value(_scalar_of(event))
        else:
            self._begin(event, pointer)

    def _locate(self, event: events.NodeEvent, top: _Sequence | _Mapping | None) -> str:
        """Note where a value stands, and return its pointer, if places are wanted."""
        if self._places is None:
            return ""
        pointer = top.pointer + top.step() if top else ""
        self._places[pointer] = _start_of(event)
        return pointer

    def _admit(self, event: events.NodeEvent) -> None:
        if isinstance(event, events.AliasEvent):
            raise YamlFault("an alias is not allowed", _start_of(event))
        if event.anchor is not None:
            raise YamlFault("an anchor is not allowed", _start_of(event))
        if getattr(event, "tag", None) is not None:
            raise YamlFault("a tag is not allowed", _start_of(event))
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise YamlFault(f"more than {MAX_NODES} nodes", _start_of(event))

    def _begin(self, event: events.NodeEvent, pointer: str) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise YamlFault(_TOO_DEEP, _start_of(event))
        is_sequence = isinstance(event, events.SequenceStartEvent)
        frame = _Sequence(pointer) if is_sequence else _Mapping(pointer)
        self._place_value(frame.value)
        self._open.append(frame)

    def _place_value(self, value: Any) -> None:
        if self._open:
            self._open[-1].take(value)
        else:
            self.value = value


def _start_of(event: events.Event) -> Place:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1


def _key_of(event: events.NodeEvent, known: Mapping[str, Any]) -> str:
    if not isinstance(event, events.ScalarEvent):
        raise YamlFault("a key must be a string", _start_of(event))
    if event.implicit[0] and event.value == _MERGE_KEY:
        raise YamlFault("a merge key (<<) is not allowed", _start_of(event))
    key = _scalar_of(event)
    if not isinstance(key, str):
        shown = shortened(event.value) or "null"
        reason = f"the key {shown} is not a string: quote it"
        raise YamlFault(reason, _start_of(event))
    if key in known:
        raise YamlFault(f"the key {shortened(key)!r} is given twice", _start_of(event))
    return key


def _scalar_of(event: events.ScalarEvent) -> Any:
    text: str = event.value
    is_plain = event.implicit[0]
    if not is_plain:
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return _integer_of(text, event)
    if NUMBER.fullmatch(text):
        return _float_of(text, event)
    return text


def _integer_of(text: str, event: events.Event) -> int:
    if len(text) <= LONGEST_INTEGER and INT64_MIN <= int(text) <= UINT64_MAX:
        return int(text)
    raise YamlFault("an integer beyond 64 bits: quote it", _start_of(event))


def _float_of(text: str, event: events.Event) -> float:
    number = float(text)
    if isfinite(number):
        return number
    raise YamlFault("a number too large for a double: quote it", _start_of(event))
