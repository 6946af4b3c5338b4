"""The shapes that a broker's message reader accepts, and what it makes of them.

A shape takes a value and gives it back with what the reader doesn't know dropped,
as the reference broker does with JSON. Its YAML reader is strict: there a property
that it doesn't know makes the body unreadable. A null is taken as absent.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from site_adapters.simulated.vocabulary import Vocabulary

Shape: TypeAlias = Callable[[Any, str, bool], Any]
"""Called with the value, its place in the document and whether to be strict."""


class UnreadableError(Exception):
    """A body that the message reader can't make a message of: status 400."""


def text(value: Any, place: str, strict: bool) -> str | None:  # noqa: FBT001 - a Shape
    """Take a scalar as text, as Jackson does."""
    del strict
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise UnreadableError(f"{place} is not text")


def whole(value: Any, place: str, strict: bool) -> int | None:  # noqa: FBT001 - a Shape
    """Take a whole number of 64 bits, also from a fraction or from digits in text."""
    del strict
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise UnreadableError(f"{place} is not a whole number")
        number = int(value)
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"{place} is not a whole number") from error
    if not -(2**63) <= number < 2**63:
        raise UnreadableError(f"{place} is beyond 64 bits")
    return number


def flag(value: Any, place: str, strict: bool) -> bool | None:  # noqa: FBT001 - a Shape
    """Take true or false."""
    del strict
    if value is None or isinstance(value, bool):
        return value
    raise UnreadableError(f"{place} is neither true nor false")


def anything(value: Any, place: str, strict: bool) -> Any:  # noqa: FBT001 - a Shape
    """Take whatever is there."""
    del place, strict
    return value


def one_of(*words: str) -> Shape:
    """Take one of ``words``."""

    def shape(value: Any, place: str, strict: bool) -> Any:  # noqa: FBT001 - a Shape
        del strict
        if value is None or value in words:
            return value
        raise UnreadableError(f"{place} is none of {', '.join(words)}")

    return shape


def each(item: Shape) -> Shape:
    """Take a list whose items have the shape ``item``."""

    def shape(value: Any, place: str, strict: bool) -> Any:  # noqa: FBT001 - a Shape
        if value is None:
            return None
        if not isinstance(value, list):
            raise UnreadableError(f"{place} is not a list")
        return [item(one, f"{place}/{n}", strict) for n, one in enumerate(value)]

    return shape


def named(item: Shape) -> Shape:
    """Take a mapping of any names to values of the shape ``item``."""

    def shape(value: Any, place: str, strict: bool) -> Any:  # noqa: FBT001 - a Shape
        if value is None:
            return None
        return {
            name: item(one, f"{place}/{name}", strict)
            for name, one in mapping(value, place).items()
        }

    return shape


def fields(**properties: Shape) -> Shape:
    """Take an object with these properties."""

    def shape(value: Any, place: str, strict: bool) -> Any:  # noqa: FBT001 - a Shape
        if value is None:
            return None
        found = mapping(value, place)
        unknown = found.keys() - properties.keys()
        if strict and unknown:
            raise UnreadableError(f"{place} has no property {min(map(str, unknown))}")
        read = {
            name: of(found[name], f"{place}/{name}", strict)
            for name, of in properties.items()
            if name in found
        }
        return {name: one for name, one in read.items() if one is not None}

    return shape


def mapping(value: Any, place: str) -> dict[str, Any]:
    """Return ``value`` if it is an object.

    Raises:
        UnreadableError: It is something else.
    """
    if not isinstance(value, dict):
        raise UnreadableError(f"{place or '/'} is not an object")
    return value


def common(vocabulary: Vocabulary) -> dict[str, Shape]:
    """Return the properties that every component has in ``vocabulary``."""
    shapes: dict[str, Shape] = {vocabulary.discriminator: text}
    about = {
        "uuid": text,
        "name": text,
        "created": text,
        "modified": text,
        "messages": each(anything),
        "options": each(anything),
    }
    if vocabulary.has_meta:
        shapes["meta"] = fields(url=text, description=text, **about)
    else:
        shapes |= about
    shapes["schedule"] = anything
    if vocabulary.component_phases:
        shapes["phase"] = text
    if vocabulary.has_quotes:
        shapes |= {"costs": each(anything), "metrics": each(anything)}
    return shapes


_LIMITS: Final = fields(min=whole, max=whole)
_IVOA: Final = fields(ivoid=text, obscore=named(anything), datalink=named(anything))
_SKAO: Final = fields(
    namespace=text,
    objectname=text,
    objecttype=one_of("FILE", "CONTAINER", "DATASET"),
    datasize=whole,
    checksum=fields(type=text, value=text),
    replicas=each(fields(rsename=text, dataurl=text)),
)
_PORT: Final = fields(
    access=flag,
    protocol=text,
    path=text,
    internal=fields(port=whole),
    external=fields(port=whole, addresses=each(text)),
)

BODIES: Final[dict[str, dict[str, Shape]]] = {
    "docker-container": {
        "image": fields(
            locations=each(text),
            digest=text,
            platform=fields(architecture=text, os=text),
        ),
        "privileged": flag,
        "command": each(text),
        "entrypoint": text,
        "environment": named(text),
        "network": fields(ports=each(_PORT)),
    },
    "jupyter-notebook": {"location": text},
    "singularity-container": {"location": text},
    "simple-compute-resource": {"cores": _LIMITS, "memory": _LIMITS},
    "simple-storage-resource": {"size": _LIMITS},
    "simple-data-resource": {"location": text},
    "S3-data-resource": {
        "endpoint": text,
        "template": text,
        "bucket": text,
        "object": text,
    },
    "rucio-data-resource": {
        "rucio": fields(
            endpoint=text,
            scope=text,
            object=text,
            type=one_of("FILE", "CONTAINER", "DATASET"),
        )
    },
    "ivoa-data-resource": {"ivoa": _IVOA},
    "skao-data-resource": {"ivoa": _IVOA, "skao": _SKAO},
}
"""The properties that each kind has beside the common ones."""
