"""Bodies: from bytes of a media type to a document, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from aggregator import strict_yaml
from aggregator.domain.errors import SyntaxFault, UnsupportedMediaType, Violation
from aggregator.domain.messages import Level, Message
from aggregator.strict_yaml import shortened
from aggregator.wire import strict_json
from aggregator.wire.media_types import MediaType, media_type_named, parse_type
from aggregator.wire.negotiation import Accepted, negotiate
from aggregator.wire.xml import SchemaName, decode_xml, encode_xml

__all__ = ["Accepted", "MediaType", "decode", "encode", "located", "negotiate"]

_CHARSETS = frozenset({"utf-8", "utf8"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEWEST_XML = "2026-07"
_MOST_POINTERS = 20


def decode(
    body: bytes,
    content_type: str | None,
    *,
    schema: SchemaName | None = None,
    dialect: str = _NEWEST_XML,
) -> Any:
    """Return the document that a client's body holds.

    Args:
        body: The body, already within the cap on its size.
        content_type: The ``Content-Type`` header. Without one a body that begins
            with ``{`` or ``[`` is JSON, one that begins with ``<`` XML where that
            can be, and any other YAML.
        schema: What the document is to be; XML is read only where this is given.
        dialect: The dialect after whose schema XML is read. The newest knows
            all that the older one does.

    Raises:
        UnsupportedMediaType: The type is none that is read here, or its charset
            isn't UTF-8.
        SyntaxFault: The body is not well-formed, with the place and reason.
        InvalidInput: The root of the XML is not that of the schema.
    """
    media = (
        _media_of(content_type)
        if content_type
        else _media_by_look(body, can_be_xml=schema is not None)
    )
    if media is MediaType.XML and schema is None:
        raise UnsupportedMediaType("a body can't be XML here")
    if not body.strip():
        raise SyntaxFault("the body is empty")
    if media is MediaType.XML and schema is not None:
        return decode_xml(body, schema, dialect)
    return _decode_json(body) if media is MediaType.JSON else _decode_yaml(body)


def located(
    body: bytes, content_type: str | None, violations: Sequence[Violation]
) -> tuple[Violation, ...]:
    """Return violations with the places in the body of what they point to.

    Those of XML, and of JSON that no YAML reader reads, are returned as they are.

    Args:
        body: A body that was read as JSON or YAML, and is well-formed.
        content_type: The ``Content-Type`` header that came with it.
        violations: What is wrong with it.
    """
    media = (
        _media_of(content_type)
        if content_type
        else _media_by_look(body, can_be_xml=True)
    )
    if media is MediaType.XML:
        return tuple(violations)
    try:
        # JSON is YAML, but for rarities such as surrogate pairs in escapes.
        places = strict_yaml.load_located(body, "")
    except strict_yaml.YamlFault:
        return tuple(violations)
    return tuple(_located(violation, places) for violation in violations)


def _located(violation: Violation, places: strict_yaml.Located) -> Violation:
    if violation.line is not None:
        return violation
    line, column = places.position(violation.pointer)
    return replace(violation, line=line, column=column)


def encode(
    document: Any,
    media: MediaType,
    *,
    schema: SchemaName | None = None,
    dialect: str = _NEWEST_XML,
) -> bytes:
    """Return a document as a body of a media type.

    XML needs the document's schema and dialect. What it can't say is named in a
    WARN message that joins the document's own.

    Raises:
        NotAcceptable: XML is wanted of a dialect that has none.
        TypeError: The document has what JSON has not, or is to be XML of no schema.
    """
    if media is MediaType.JSON:
        return orjson.dumps(document)
    if media is MediaType.YAML:
        return strict_yaml.dump(document)
    if schema is None:
        raise TypeError("XML needs a schema")
    return _encode_xml(document, schema, dialect)


def _encode_xml(document: Mapping[str, Any], schema: SchemaName, dialect: str) -> bytes:
    encoding = encode_xml(document, schema, dialect)
    if not encoding.dropped:
        return encoding.body
    warned = _with_message(document, _dropped_message(encoding.dropped))
    return encode_xml(warned, schema, dialect).body


def _dropped_message(pointers: Sequence[str]) -> Message:
    shown = ", ".join(shortened(pointer) for pointer in pointers[:_MOST_POINTERS])
    more = len(pointers) - _MOST_POINTERS
    return Message(
        "urn:metabroker:not-in-xml",
        Level.WARN,
        "XML can't say all of these members, JSON and YAML can: {members}",
        {"members": f"{shown} and {more} more" if more > 0 else shown},
    )


def _with_message(document: Mapping[str, Any], message: Message) -> dict[str, Any]:
    meta = document.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    messages = meta.get("messages")
    messages = messages if isinstance(messages, list) else []
    messages = [*messages, message.as_payload()]
    return {**document, "meta": {**meta, "messages": messages}}


def _media_of(content_type: str) -> MediaType:
    named = parse_type(content_type)
    media = media_type_named(named.name) if named else None
    if named is None or media is None:
        raise UnsupportedMediaType(f"a body can't be of type {content_type!r}")
    charset = named.parameters.get("charset", "utf-8")
    if charset.lower() not in _CHARSETS:
        raise UnsupportedMediaType(f"a body is read in UTF-8, not in {charset!r}")
    return media


def _media_by_look(body: bytes, *, can_be_xml: bool) -> MediaType:
    start = body.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]
    if start in (b"{", b"["):
        return MediaType.JSON
    return MediaType.XML if start == b"<" and can_be_xml else MediaType.YAML


def _decode_json(body: bytes) -> Any:
    try:
        return strict_json.load(body)
    except strict_json.JsonFault as fault:
        raise _syntax_fault("JSON", fault, fault.pointer) from fault
    except strict_yaml.YamlFault as fault:
        raise _syntax_fault("JSON", fault) from fault


def _decode_yaml(body: bytes) -> Any:
    try:
        return strict_yaml.load(body)
    except strict_yaml.YamlFault as fault:
        raise _syntax_fault("YAML", fault) from fault


def _syntax_fault(
    language: str,
    fault: strict_json.JsonFault | strict_yaml.YamlFault,
    pointer: str = "",
) -> SyntaxFault:
    place = f"line {fault.line}, column {fault.column}"
    violation = Violation(pointer, fault.reason, fault.line, fault.column)
    detail = f"the body can't be read as {language}: {fault.reason} ({place})"
    return SyntaxFault(detail, [violation])
