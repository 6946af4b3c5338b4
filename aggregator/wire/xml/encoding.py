"""From a document to XML, with a note of what XML could not say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from aggregator.domain.errors import NotAcceptable
from aggregator.strict_yaml import pointer_step
from aggregator.wire.xml.shapes import Member, ObjectShape, Scalar, Shape
from aggregator.wire.xml.tables import SCHEMAS, XML_DIALECTS, Root, SchemaName

_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_XML_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"
_ELEMENT_NAME = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9._-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class XmlEncoding:
    """A document in XML.

    Attributes:
        dropped: JSON pointers to what XML doesn't say: members that the schema
            doesn't know, and texts with characters that XML can't have (each of
            those is replaced in the body).
    """

    body: bytes
    dropped: tuple[str, ...]


def encode_xml(
    document: Mapping[str, Any], schema_name: SchemaName, dialect: str
) -> XmlEncoding:
    """Return a document of a dialect as XML after the dialect's schema.

    Raises:
        NotAcceptable: The dialect has no XML.
    """
    if dialect not in SCHEMAS:
        names = " and ".join(XML_DIALECTS)
        raise NotAcceptable(f"there is XML in the dialects {names}, not in {dialect}")
    writer = _Writer()
    writer.write(document, SCHEMAS[dialect][schema_name])
    return XmlEncoding("".join(writer.parts).encode(), tuple(writer.dropped))


class _Writer:
    """Collects the text, and the pointers to what was left out of it."""

    def __init__(self) -> None:
        self.parts: list[str] = [_HEADER]
        self.dropped: list[str] = []

    def write(self, document: Mapping[str, Any], root: Root) -> None:
        self._object(root.element, document, root.shape, "")

    def _object(
        self, element: str, value: Mapping[str, Any], shape: ObjectShape, pointer: str
    ) -> None:
        known = shape.members_of(value.get("kind"))
        present = [(name, item) for name, item in value.items() if item is not None]
        self.parts.append(f"<{element}")
        for name, item in present:
            if name in known and known[name].is_attribute:
                self._attribute(known[name], item, pointer + pointer_step(name))
        self.parts.append(">")
        for name, item in present:
            if name not in known:
                self.dropped.append(pointer + pointer_step(name))
            elif not known[name].is_attribute:
                self._member(known[name], item, pointer + pointer_step(name))
        self.parts.append(f"</{element}>")

    def _attribute(self, member: Member, value: Any, pointer: str) -> None:
        text = self._text(value, pointer)
        if text is not None:
            self.parts.append(f" {member.element}={quoteattr(text)}")

    def _member(self, member: Member, value: Any, pointer: str) -> None:
        if not member.is_list:
            self._value(member.element, value, member.shape, pointer)
            return
        if not isinstance(value, list | tuple):
            self.dropped.append(pointer)
            return
        if member.is_wrapped:
            self.parts.append(f"<{member.name}>")
        for index, item in enumerate(value):
            at = pointer + pointer_step(index)
            self._value(member.element, item, member.shape, at)
        if member.is_wrapped:
            self.parts.append(f"</{member.name}>")

    def _value(self, element: str, value: Any, shape: Shape, pointer: str) -> None:
        if isinstance(shape, Scalar) and shape is not Scalar.TEXT_MAP:
            self._scalar(element, value, pointer)
        elif not isinstance(value, dict):
            self.dropped.append(pointer)
        elif isinstance(shape, ObjectShape):
            self._object(element, value, shape, pointer)
        else:
            self._map(element, value, pointer)

    def _scalar(self, element: str, value: Any, pointer: str, name: str = "") -> None:
        text = self._text(value, pointer)
        if text is not None:
            escaped = escape(text, {"\r": "&#13;"})
            self.parts.append(f"<{element}{name}>{escaped}</{element}>")

    def _map(self, element: str, value: Mapping[str, Any], pointer: str) -> None:
        self.parts.append(f"<{element}>")
        for key, item in value.items():
            at = pointer + pointer_step(key)
            if item is None:
                continue
            if _ELEMENT_NAME.fullmatch(key):
                self._scalar(key, item, at)
            else:
                name = f" name={quoteattr(self._allowed(key, at))}"
                self._scalar("entry", item, at, name)
        self.parts.append(f"</{element}>")

    def _text(self, value: Any, pointer: str) -> str | None:
        """Return a scalar's text; what has none is noted as dropped."""
        if isinstance(value, str):
            return self._allowed(value, pointer)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
            return repr(value)
        self.dropped.append(pointer)
        return None

    def _allowed(self, text: str, pointer: str) -> str:
        allowed = _NO_XML_CHARACTER.sub(_REPLACEMENT, text)
        if allowed != text:
            self.dropped.append(pointer)
        return allowed
