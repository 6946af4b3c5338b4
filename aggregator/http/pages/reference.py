"""The reference: what a page shows of an OpenAPI document, references resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.http.pages.shapes import Member, Word, members_of, words_of

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FIRST_ERROR: Final = 400

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A document as it could be sent."""

    summary: str
    value: Any


@dataclass(frozen=True, slots=True)
class Content:
    """What a body or an answer holds: in which media types, of which schema."""

    media: tuple[str, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request."""

    description: str
    contents: tuple[Content, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of one status."""

    status: str
    description: str
    headers: tuple[Member, ...]
    contents: tuple[Content, ...]
    examples: tuple[Example, ...]

    @property
    def is_error(self) -> bool:
        """Whether the status says that something is wrong."""
        return int(self.status) >= _FIRST_ERROR


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method does at one path."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Member, ...]
    body: Body | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """A named schema; it has members, or else words that say what it is."""

    name: str
    description: str
    words: tuple[Word, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """All that a page shows of an OpenAPI document."""

    title: str
    summary: str
    description: str
    version: str
    server: str
    groups: tuple[Group, ...]
    schemas: tuple[Schema, ...]


def reference_of(document: Node) -> Reference:
    """Return what a page shows of an OpenAPI 3.1 document."""
    operations = tuple(_operations(document))
    info = document["info"]
    return Reference(
        title=info["title"],
        summary=info["summary"],
        description=info["description"],
        version=info["version"],
        server=document["servers"][0]["url"],
        groups=tuple(
            Group(
                tag["name"],
                tag["description"],
                tuple(one for one in operations if one.tag == tag["name"]),
            )
            for tag in document["tags"]
        ),
        schemas=tuple(
            Schema(
                name,
                schema.get("description", ""),
                words_of(schema),
                members_of(schema),
            )
            for name, schema in document["components"]["schemas"].items()
        ),
    )


def _operations(document: Node) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _operation(document, path, method, item[method])


def _operation(document: Node, path: str, method: str, operation: Node) -> Operation:
    body = operation.get("requestBody")
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=tuple(
            _parameter(_resolved(document, one))
            for one in operation.get("parameters", ())
        ),
        body=None if body is None else _body(document, _resolved(document, body)),
        answers=tuple(
            _answer(document, status, _resolved(document, answer))
            for status, answer in operation["responses"].items()
        ),
    )


def _parameter(parameter: Node) -> Member:
    return Member(
        name=parameter["name"],
        words=(Word(f"{parameter['in']}, "), *words_of(parameter["schema"])),
        required=parameter.get("required", False),
        description=parameter["description"],
        examples=tuple(
            example["value"] for example in parameter.get("examples", {}).values()
        ),
    )


def _body(document: Node, body: Node) -> Body:
    return Body(
        description=body["description"],
        contents=_contents(body["content"]),
        examples=_examples(document, body["content"]),
    )


def _answer(document: Node, status: str, answer: Node) -> Answer:
    content = answer.get("content", {})
    return Answer(
        status=status,
        description=answer["description"],
        headers=tuple(
            _header(name, _resolved(document, header))
            for name, header in answer.get("headers", {}).items()
        ),
        contents=_contents(content),
        examples=_examples(document, content),
    )


def _header(name: str, header: Node) -> Member:
    return Member(
        name=name,
        words=words_of(header["schema"]),
        required=header.get("required", False),
        description=header["description"],
    )


def _contents(content: Node) -> tuple[Content, ...]:
    by_words: dict[tuple[Word, ...], list[str]] = {}
    for media, held in content.items():
        by_words.setdefault(words_of(held["schema"]), []).append(media)
    return tuple(Content(tuple(media), words) for words, media in by_words.items())


def _examples(document: Node, content: Node) -> tuple[Example, ...]:
    given: Sequence[Node] = [
        _resolved(document, example)
        for held in content.values()
        for example in held.get("examples", {}).values()
    ]
    return tuple(Example(one["summary"], one["value"]) for one in given)


def _resolved(document: Node, node: Node) -> Node:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node
