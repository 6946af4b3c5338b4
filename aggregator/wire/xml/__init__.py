"""XML towards clients, in the dialects whose schema gives hints for it.

The form follows the ``xml`` hints of the published OpenAPI documents of dialects
2026-04 and 2026-07 and OpenAPI's rules where there are none:

- A member is an element of its name; ``kind`` is an attribute where it
  discriminates. A request is ``offers-request``, an offer set ``offers-response``,
  a session ``execution``, an update ``AbstractUpdate``.
- A list is its items one after another, each in an element of the list's name or of
  the name that is hinted for items (``message``, ``cost``, ``metric``). Only
  ``offers`` is wrapped: an ``offers`` element with ``execution`` elements in it.
- A map of names and values is an element per name. A name that XML doesn't allow
  for an element is given as ``<entry name="...">``, which is read for any name.
- Values are typed by the schema, so ``<digest>0000</digest>`` is text and
  ``<min>2</min>`` a number. Null and empty lists have no form and are left out.

What the schema doesn't know is left out of an answer and named to the caller. In a
body it is read as text and mappings, and stays in its place.
"""

from aggregator.wire.xml.decoding import decode_xml
from aggregator.wire.xml.encoding import XmlEncoding, encode_xml
from aggregator.wire.xml.tables import XML_DIALECTS, SchemaName

__all__ = ["XML_DIALECTS", "SchemaName", "XmlEncoding", "decode_xml", "encode_xml"]
