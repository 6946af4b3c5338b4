"""JSON and YAML, in and out, as the reference broker negotiates and writes them."""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson
import yaml

from site_adapters.simulated.shapes import UnreadableError

JSON: Final = "application/json"
YAML: Final = "application/yaml"
_YAMLS: Final = frozenset({YAML, "text/yaml", "application/yml", "text/yml"})
_ANY: Final = frozenset({"*/*", "application/*"})
_WHOLE: Final = r"-?(?:0|[1-9][0-9]*)"
_LARGEST_YAML: Final = 256 * 1024
"""In bytes: YAML is slow to read."""
_DEEPEST_YAML: Final = 64
"""The C loader is recursive, and ends the process where its stack ends."""


class _Reader(yaml.CSafeLoader):
    """Reads scalars by JSON's rules: no dates, no sexagesimals, no yes and no."""


class _Writer(yaml.CSafeDumper):
    """Writes values in quotes and keys without."""


class _Quoted(str):
    __slots__ = ()


_Reader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", _WHOLE, list("-0123456789")),
    ("float", rf"{_WHOLE}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Reader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), _first
    )
_Writer.add_representer(
    _Quoted,
    lambda writer, text: writer.represent_scalar(
        "tag:yaml.org,2002:str", str(text), style='"'
    ),
)


def is_yaml(content_type: str) -> bool:
    """Whether bodies of this media type are YAML."""
    return content_type in _YAMLS or content_type.endswith("+yaml")


def is_json(content_type: str) -> bool:
    """Whether bodies of this media type are JSON."""
    return content_type == JSON or content_type.endswith("+json")


def read(body: bytes, content_type: str) -> Any:
    """Read a body as YAML if it is said to be, else as JSON.

    Raises:
        UnreadableError: It isn't.
    """
    try:
        return _read_yaml(body) if is_yaml(content_type) else orjson.loads(body)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def _read_yaml(body: bytes) -> Any:
    if len(body) > _LARGEST_YAML:
        raise UnreadableError("the YAML is too large")
    depth = 0
    for event in yaml.parse(body, Loader=_Reader):
        if isinstance(event, yaml.AliasEvent):
            raise UnreadableError("aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST_YAML:
            raise UnreadableError("the YAML is nested too deeply")
    return yaml.load(body, Loader=_Reader)  # noqa: S506 - a safe loader's subclass


def write(document: Any, content_type: str) -> bytes:
    """Write a document as YAML or JSON, whichever ``content_type`` says."""
    if not is_yaml(content_type):
        return orjson.dumps(document)
    text: str = yaml.dump(
        _quoted(document), Dumper=_Writer, sort_keys=False, width=10**6
    )
    return text.encode()


def _quoted(value: Any) -> Any:
    if isinstance(value, str):
        return _Quoted(value)
    if isinstance(value, dict):
        return {name: _quoted(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one) for one in value]
    return value


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an ``Accept`` header comes to.

    Attributes:
        content_type: The media type of the answer; None where none is accepted.
        of_errors: The media type of an error, which differs where the client
            accepts anything: then the reference broker writes errors in YAML.
    """

    content_type: str | None
    of_errors: str


def negotiate(accept: str) -> Acceptance:
    """Choose media types after an ``Accept`` header, empty for one that is absent."""
    best: tuple[float, str] | None = None
    for entry in (accept or "*/*").split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        media_type = media_type.lower()
        if not (media_type in _ANY or is_json(media_type) or is_yaml(media_type)):
            continue
        quality = _quality(parameters)
        if quality > (best[0] if best else 0.0):
            best = (quality, media_type)
    if best is None:
        return Acceptance(None, JSON)
    chosen = JSON if best[1] in _ANY else best[1]
    return Acceptance(chosen, YAML if best[1] in _ANY else chosen)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
