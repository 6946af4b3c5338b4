"""From XML to a document, with the types that the schema gives its members."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from aggregator.domain.errors import (
    InvalidInput,
    SyntaxFault,
    UnsupportedMediaType,
    Violation,
)
from aggregator.strict_yaml import INT64_MIN, UINT64_MAX, shortened
from aggregator.wire.xml.parsing import Element, XmlFault, parse
from aggregator.wire.xml.shapes import Member, ObjectShape, Scalar, Shape
from aggregator.wire.xml.tables import SCHEMAS, XML_DIALECTS, Root, SchemaName

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_LONGEST_NUMBER = 400


def decode_xml(body: bytes, schema_name: SchemaName, dialect: str) -> Any:
    """Return the document that an XML body holds.

    A number or boolean that can't be read as one stays text, for the reader of the
    document to refuse by its pointer.

    Raises:
        UnsupportedMediaType: The dialect has no XML.
        SyntaxFault: The body is not well-formed, unsafe, over the caps, gives a
            member twice, or has text and elements in each other's place.
        InvalidInput: Its root is not the schema's.
    """
    if dialect not in SCHEMAS:
        names = " and ".join(XML_DIALECTS)
        reason = f"XML is read in the dialects {names}, not in {dialect}"
        raise UnsupportedMediaType(reason)
    root = SCHEMAS[dialect][schema_name]
    try:
        element = parse(body)
        _check_root(element, root)
        return _object(element, root.shape)
    except XmlFault as fault:
        place = f"line {fault.line}, column {fault.column}"
        violation = Violation("", fault.reason, fault.line, fault.column)
        detail = f"the body can't be read as XML: {fault.reason} ({place})"
        raise SyntaxFault(detail, [violation]) from fault


def _check_root(element: Element, root: Root) -> None:
    if element.name != root.element and element.name not in root.aliases:
        reason = f"the root is {shortened(element.name)!r}, not {root.element!r}"
        violation = Violation("", reason, element.line, element.column)
        raise InvalidInput(reason, [violation])


def _object(element: Element, shape: ObjectShape) -> dict[str, Any]:
    fields = list(_fields_of(element))
    kinds = (found.text for found in fields if found.name == "kind")
    by_element = _by_element(shape.members_of(next(kinds, None)))
    value: dict[str, Any] = {}
    unknown: list[Element] = []
    for found in fields:
        member = by_element.get(found.name)
        if member is None:
            unknown.append(found)
        elif member.is_list:
            value.setdefault(member.name, []).extend(_items(found, member))
        elif member.name in value:
            raise found.fault(f"{found.name!r} is given twice")
        else:
            value[member.name] = _value(found, member.shape)
    return value | _collected(unknown)


def _fields_of(element: Element) -> Iterator[Element]:
    """Yield what makes up an object: attributes and children alike."""
    if element.text.strip():
        raise element.fault(f"text in {shortened(element.name)!r}, which has elements")
    for name, text in element.attributes.items():
        yield Element(name, element.line, element.column, chunks=[text])
    yield from element.children


def _by_element(members: Mapping[str, Member]) -> dict[str, Member]:
    """Return members by the names of their elements.

    A list whose items have a name of their own is known by both names: the hints
    can be read as if it were wrapped.
    """
    names = {member.name: member for member in members.values()}
    return names | {member.element: member for member in members.values()}


def _items(element: Element, member: Member) -> list[Any]:
    is_wrapper = element.name == member.name != member.element
    items = element.children if is_wrapper else [element]
    if is_wrapper and element.text.strip():
        raise element.fault(f"text in {member.name!r}, which has elements")
    return [_value(item, member.shape) for item in items]


def _value(element: Element, shape: Shape) -> Any:
    if isinstance(shape, ObjectShape):
        return _object(element, shape)
    if shape is Scalar.TEXT_MAP:
        return _text_map(element)
    return _scalar(element, shape)


def _scalar(element: Element, kind: Scalar) -> Any:
    if element.children or element.attributes:
        raise element.fault(f"elements in {shortened(element.name)!r}, which has text")
    if kind is Scalar.NUMBER:
        return _number(element)
    if kind is Scalar.BOOLEAN:
        return _BOOLEANS.get(element.text.strip(), element.text)
    return element.text


def _number(element: Element) -> int | float | str:
    text = element.text.strip()
    if not _DECIMAL.fullmatch(text):
        return element.text
    if len(text) > _LONGEST_NUMBER:
        raise element.fault("a number beyond 64 bits")
    number = int(text) if _INTEGER.fullmatch(text) else float(text)
    fits = INT64_MIN <= number <= UINT64_MAX
    if not (fits if isinstance(number, int) else isfinite(number)):
        raise element.fault("a number beyond 64 bits")
    return number


def _text_map(element: Element) -> dict[str, str]:
    if element.text.strip():
        raise element.fault(f"text in {shortened(element.name)!r}, which has elements")
    value: dict[str, str] = {}
    for child in _fields_of(element):
        key = child.attributes.get("name", child.name)
        if child.children:
            raise child.fault(f"elements in {shortened(key)!r}, which has text")
        if key in value:
            raise child.fault(f"{shortened(key)!r} is given twice")
        value[key] = child.text
    return value


def _collected(elements: list[Element]) -> dict[str, Any]:
    """Return elements that the schema doesn't know; repeated ones become a list."""
    by_name: dict[str, list[Any]] = {}
    for element in elements:
        by_name.setdefault(element.name, []).append(_unknown(element))
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in by_name.items()
    }


def _unknown(element: Element) -> Any:
    if not element.children and not element.attributes:
        return element.text
    return _collected(list(_fields_of(element)))
