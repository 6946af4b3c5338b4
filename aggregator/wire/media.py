"""Bodies: from bytes of a media type to a document, and back."""

from typing import Any

import orjson

from aggregator import strict_yaml
from aggregator.domain.errors import SyntaxFault, UnsupportedMediaType, Violation
from aggregator.wire import strict_json
from aggregator.wire.media_types import MediaType, media_type_named, parse_type
from aggregator.wire.negotiation import Accepted, negotiate

__all__ = ["Accepted", "MediaType", "decode", "encode", "negotiate"]

_CHARSETS = frozenset({"utf-8", "utf8"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(body: bytes, content_type: str | None) -> Any:
    """Return the document that a client's body holds.

    Args:
        body: The body, already within the cap on its size.
        content_type: The ``Content-Type`` header. Without one a body that begins
            with ``{`` or ``[`` is JSON, and any other YAML.

    Raises:
        UnsupportedMediaType: The type is none that we read, or its charset isn't
            UTF-8.
        SyntaxFault: The body is not well-formed, with the place and reason.
    """
    media = _media_of(content_type) if content_type else _media_by_look(body)
    if not body.strip():
        raise SyntaxFault("the body is empty")
    if media is MediaType.JSON:
        return _decode_json(body)
    return _decode_yaml(body)


def encode(document: Any, media: MediaType) -> bytes:
    """Return a document as a body of a media type.

    Raises:
        TypeError: The document has what JSON has not.
    """
    if media is MediaType.JSON:
        return orjson.dumps(document)
    return strict_yaml.dump(document)


def _media_of(content_type: str) -> MediaType:
    named = parse_type(content_type)
    media = media_type_named(named.name) if named else None
    if named is None or media is None:
        raise UnsupportedMediaType(f"a body can't be of type {content_type!r}")
    charset = named.parameters.get("charset", "utf-8")
    if charset.lower() not in _CHARSETS:
        raise UnsupportedMediaType(f"a body is read in UTF-8, not in {charset!r}")
    return media


def _media_by_look(body: bytes) -> MediaType:
    start = body.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]
    return MediaType.JSON if start in (b"{", b"[") else MediaType.YAML


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
