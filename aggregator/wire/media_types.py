"""Names of media types and their parameters, as HTTP headers spell them.

Source: RFC 9110, sections 5.6 and 8.3; RFC 9512 for YAML's names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_NAME = re.compile(rf"\s*({_WORD}/{_WORD})\s*")
_PARAMETER = re.compile(rf';\s*(?:({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*"))?\s*')
_ESCAPED = re.compile(r"\\(.)")


class MediaType(StrEnum):
    """A media type that we read and write, by the name that we send."""

    JSON = "application/json"
    YAML = "application/yaml"
    XML = "application/xml"


ALIASES: Mapping[MediaType, tuple[str, ...]] = {
    MediaType.JSON: ("application/json",),
    MediaType.YAML: (
        "application/yaml",
        "application/yml",
        "application/x-yaml",
        "text/yaml",
        "text/yml",
        "text/x-yaml",
    ),
    MediaType.XML: ("application/xml", "text/xml"),
}
# Not +xml: a browser's application/xhtml+xml asks for pages, not for documents.
_SUFFIXES = {"json": MediaType.JSON, "yaml": MediaType.YAML, "yml": MediaType.YAML}
_BY_ALIAS = {alias: media for media, names in ALIASES.items() for alias in names}


@dataclass(frozen=True, slots=True)
class NamedType:
    """A media type or range as it was written.

    Attributes:
        name: In lower case, such as ``application/json`` or ``text/*``.
        parameters: By name in lower case, values without their quotes.
    """

    name: str
    parameters: Mapping[str, str]


def parse_type(text: str) -> NamedType | None:
    """Return a media type or range with its parameters; None if malformed."""
    name = _NAME.match(text)
    if name is None:
        return None
    parameters: dict[str, str] = {}
    end = name.end()
    while found := _PARAMETER.match(text, end):
        if found[1]:
            parameters.setdefault(found[1].lower(), _unquoted(found[2]))
        end = found.end()
    return NamedType(name[1].lower(), parameters) if end == len(text) else None


def media_type_named(name: str) -> MediaType | None:
    """Return our media type for a name in lower case, its aliases and suffixes."""
    if name in _BY_ALIAS:
        return _BY_ALIAS[name]
    return _SUFFIXES.get(name.rpartition("+")[2]) if "+" in name else None


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
