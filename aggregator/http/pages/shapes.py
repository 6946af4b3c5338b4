"""Shapes: what a JSON Schema says, in words, with links to the schemas it names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}
_FORMATS: Final = {"uuid": "uuid", "uri": "URL", "date-time": "date and time"}

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Word:
    """Some words; those that name a schema link to it."""

    text: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A named part of something: of a mapping, of an answer's head, of a request."""

    name: str
    words: tuple[Word, ...]
    required: bool
    description: str = ""
    examples: tuple[Any, ...] = ()
    members: tuple["Member", ...] = ()


def words_of(schema: Node) -> tuple[Word, ...]:
    """Return what a value of ``schema`` is, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return (Word(name, name),)
    if "const" in schema:
        return (Word(_value(schema["const"])),)
    if "enum" in schema:
        return (Word(f"one of {', '.join(map(_value, schema['enum']))}"),)
    return _joined(_alternatives(schema)) or (Word("anything"),)


def _alternatives(schema: Node) -> Iterator[tuple[Word, ...]]:
    if "type" in schema:
        named = schema["type"]
        for one in [named] if isinstance(named, str) else named:
            yield _type_words(one, schema)
    elif "anyOf" in schema:
        yield from map(words_of, schema["anyOf"])
    elif "allOf" in schema:
        yield words_of(schema["allOf"][0])


def _type_words(name: str, schema: Node) -> tuple[Word, ...]:
    if name == "array":
        return (Word("list of "), *words_of(schema.get("items", {})))
    extra = schema.get("additionalProperties")
    if name == "object" and isinstance(extra, Mapping):
        return (Word("mapping from names to "), *words_of(extra))
    if name == "string" and "format" in schema:
        return (Word(_FORMATS[schema["format"]]),)
    return (Word(_TYPES[name]),)


def _joined(parts: Iterable[tuple[Word, ...]]) -> tuple[Word, ...]:
    words: list[Word] = []
    for part in parts:
        words += [Word(" or "), *part] if words else part
    return tuple(words)


def _value(value: Any) -> str:
    return "null" if value is None else str(value)


def members_of(schema: Node) -> tuple[Member, ...]:
    """Return the members of a mapping, or of the mappings in a list."""
    if "items" in schema:
        return members_of(schema["items"])
    required = schema.get("required", ())
    found = {
        name: _member(name, member, required=name in required)
        for source in (*schema.get("anyOf", ()), schema)
        for name, member in source.get("properties", {}).items()
    }
    return (*_inherited(schema), *found.values())


def _inherited(schema: Node) -> Iterator[Member]:
    """Give a member for each schema whose members a mapping has too."""
    if "properties" in schema:
        for one in schema.get("allOf", ()):
            words = (Word("the members of "), *words_of(one))
            yield Member("\N{HORIZONTAL ELLIPSIS}", words, required=False)


def _member(name: str, schema: Node, *, required: bool) -> Member:
    return Member(
        name=name,
        words=words_of(schema),
        required=required,
        description=schema.get("description", ""),
        examples=tuple(schema.get("examples", ())),
        members=members_of(schema),
    )
