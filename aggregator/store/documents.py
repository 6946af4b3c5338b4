"""Documents: offer sets and the inputs of rankings as JSON, and back."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from aggregator.domain.records import OfferSet

_READER: Final = TypeAdapter(OfferSet)
_QUICKEST: Final = 1


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


def write_inputs(inputs: Mapping[str, Any]) -> bytes:
    """Return the inputs of a ranking as JSON, compressed, for offers are alike."""
    return zlib.compress(orjson.dumps(inputs), _QUICKEST)


def read_inputs(document: bytes) -> Mapping[str, Any]:
    """Return the inputs that were written as ``document``."""
    inputs: Mapping[str, Any] = orjson.loads(zlib.decompress(document))
    return inputs
