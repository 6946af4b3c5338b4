"""Documents: an offer set as one piece of JSON, and back."""

from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from aggregator.domain.records import OfferSet

_READER: Final = TypeAdapter(OfferSet)


def write_offer_set(offer_set: OfferSet) -> bytes:
    """Return the set, its offers' payloads included, as JSON."""
    return orjson.dumps(offer_set)


def read_offer_set(document: bytes, version: int, *, is_open: bool) -> OfferSet:
    """Return the set that was written as ``document``.

    Members that the document doesn't have get their defaults, and those that no
    longer exist are passed over, so that a set outlives an upgrade.

    Args:
        document: What ``write_offer_set`` made.
        version: The set's version now.
        is_open: Whether the set is open now.
    """
    members: dict[str, Any] = orjson.loads(document)
    members["version"] = version
    members["open"] = is_open
    return _READER.validate_python(members)
