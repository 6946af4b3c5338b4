"""VOSI documents: what monitors and clients of the Virtual Observatory poll.

Source: IVOA Support Interfaces 1.1; clients compare the namespaces to the letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from aggregator.domain.schedules import format_instant

_AVAILABILITY: Final = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
_CAPABILITIES: Final = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
_DATA_SERVICE: Final = "http://www.ivoa.net/xml/VODataService/v1.1"
_SCHEMA_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_TOKEN: Final = "ivo://ivoa.net/sso#token"  # noqa: S105 -- a method's name, no secret

for _prefix, _namespace in (
    ("avl", _AVAILABILITY),
    ("cap", _CAPABILITIES),
    ("vs", _DATA_SERVICE),
    ("xsi", _SCHEMA_INSTANCE),
):
    ET.register_namespace(_prefix, _namespace)


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that the service can do, and where.

    Attributes:
        standard: The IVOA identifier of the standard that it follows.
        use: ``full`` where the URL is the whole address, ``base`` where paths follow.
        takes_tokens: Whether callers may, or must, show who they are.
    """

    standard: str
    url: str
    use: str = "full"
    takes_tokens: bool = False


def availability(up_since: datetime, notes: Sequence[str], *, available: bool) -> bytes:
    """Return the document of ``/availability``."""
    root = ET.Element(f"{{{_AVAILABILITY}}}availability")
    _text(root, f"{{{_AVAILABILITY}}}available", str(available).lower())
    _text(root, f"{{{_AVAILABILITY}}}upSince", format_instant(up_since))
    for note in notes:
        _text(root, f"{{{_AVAILABILITY}}}note", note)
    return _document(root)


def capabilities(offered: Sequence[Capability]) -> bytes:
    """Return the document of ``/capabilities``."""
    root = ET.Element(f"{{{_CAPABILITIES}}}capabilities")
    # The type's prefix stands in a value, where the library doesn't see its use.
    root.set("xmlns:vs", _DATA_SERVICE)
    for one in offered:
        capability = ET.SubElement(root, "capability", standardID=one.standard)
        interface = ET.SubElement(capability, "interface", role="std")
        interface.set(f"{{{_SCHEMA_INSTANCE}}}type", "vs:ParamHTTP")
        ET.SubElement(interface, "accessURL", use=one.use).text = one.url
        if one.takes_tokens:
            ET.SubElement(interface, "securityMethod", standardID=_TOKEN)
    return _document(root)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _document(root: ET.Element) -> bytes:
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text
