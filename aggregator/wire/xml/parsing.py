"""From bytes to a tree of elements, safely: no DTD, no entities, nothing external."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from aggregator.strict_yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    YamlFault,
    decode_text,
    shortened,
)

if TYPE_CHECKING:
    from xml.sax.xmlreader import AttributesImpl

_DECLARED_ENCODING = re.compile(r"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii"})


class XmlFault(ValueError):
    """A text is not the XML that we read.

    Attributes:
        reason: What is wrong, in words for the person who wrote it.
        line: The line of the fault, from 1.
        column: Its column in characters, from 1.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(slots=True)
class Element:
    """An element, or an attribute as if it were an element with only text."""

    name: str
    line: int
    column: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The element's own text."""
        return "".join(self.chunks)

    def fault(self, reason: str) -> XmlFault:
        """Return a fault at the element's place."""
        return XmlFault(reason, self.line, self.column)


def parse(body: bytes) -> Element:
    """Return the root of an XML document.

    Names are without their prefixes; attributes that have one, and those that
    declare a namespace, are left out.

    Raises:
        XmlFault: The body is not well-formed XML in UTF-8, is too large or nested
            too deep, or has a document type declaration.
    """
    if len(body) > MAX_BYTES:
        raise XmlFault(f"more than {MAX_BYTES} bytes", 1, 1)
    text = _text_of(body)
    parser = DefusedExpatParser(
        forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    tree = _TreeBuilder(parser)
    parser.setContentHandler(tree)
    try:
        parser.feed(text)
        parser.close()
    except SAXParseException as error:
        line, column = error.getLineNumber() or 1, error.getColumnNumber() or 0
        raise XmlFault(error.getMessage(), line, column + 1) from error
    except DefusedXmlException as error:
        reason = "a document type declaration is not allowed"
        raise XmlFault(reason, *tree.place()) from error
    return tree.root


def _text_of(body: bytes) -> str:
    try:
        text = decode_text(body)
    except YamlFault as fault:
        raise XmlFault(fault.reason, fault.line, fault.column) from fault
    declared = _DECLARED_ENCODING.match(text)
    if declared and declared[1].lower() not in _ENCODINGS:
        raise XmlFault(f"declared to be {shortened(declared[1])!r}, not UTF-8", 1, 1)
    return text


class _TreeBuilder(ContentHandler):
    """Builds the tree while the parser reads, and stops it at the caps."""

    def __init__(self, parser: DefusedExpatParser) -> None:
        super().__init__()
        self.root: Element
        self._open: list[Element] = []
        self._nodes = 0
        self._parser = parser

    def place(self) -> tuple[int, int]:
        line, column = self._parser.getLineNumber(), self._parser.getColumnNumber()
        return line or 1, (column or 0) + 1

    def startElement(  # noqa: N802 - SAX's name
        self, name: str, attrs: "AttributesImpl[str]"
    ) -> None:
        line, column = self.place()
        self._nodes += 1 + len(attrs)
        if len(self._open) >= MAX_DEPTH:
            raise XmlFault(f"nested more than {MAX_DEPTH} deep", line, column)
        if self._nodes > MAX_NODES:
            raise XmlFault(f"more than {MAX_NODES} nodes", line, column)
        plain = {
            key: value
            for key, value in attrs.items()
            if ":" not in key and key != "xmlns"
        }
        element = Element(name.rpartition(":")[2], line, column, plain)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name
        del name
        self._open.pop()

    def characters(self, content: str) -> None:
        self._open[-1].chunks.append(content)
