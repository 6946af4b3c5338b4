"""Extraction: what ranking reads, out of canonical payloads.

None of these raises: a place that holds something else counts as empty.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from aggregator.domain.offers import Amount, DataItem, Quote
from aggregator.domain.replicas import Did
from aggregator.domain.schedules import Duration, StartInterval, parse_instant

_VERSION: Final = re.compile(r"(-\d+(\.\d+)*)?(\.yaml)?$")
_DIDS: Final = (("skao", "namespace", "objectname"), ("rucio", "scope", "object"))

_REMEMBERED: Final = 4096
_LONGEST_TIME: Final = 128

Node = Mapping[str, Any]


def mapping(node: Node, key: str) -> Node:
    """Return the mapping at a key, an empty one if there is something else."""
    value = node.get(key)
    return value if isinstance(value, dict) else {}


def mappings(node: Node, key: str) -> list[Node]:
    """Return the mappings in the list at a key."""
    value = node.get(key)
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def text(node: Node, key: str) -> str | None:
    """Return the text at a key, None if there is something else."""
    value = node.get(key)
    return value if isinstance(value, str) else None


def name_of(node: Node) -> str | None:
    """Return a component's name, from its ``meta`` or beside it."""
    return text(mapping(node, "meta"), "name") or text(node, "name")


def short_kind(uri: str) -> str:
    """Return the last part of a kind's URI, without its version and suffix."""
    return _VERSION.sub("", uri.rpartition("/")[2], count=1)


def instant(node: Node, key: str) -> datetime | None:
    """Return the instant at a key."""
    return _instant(_short_text(node, key))


def seconds(node: Node, key: str) -> float | None:
    """Return the length of the duration at a key, in seconds."""
    return _seconds(_short_text(node, key))


def interval(node: Node, key: str) -> StartInterval | None:
    """Return the interval at a key; None where it says that nobody knows."""
    return _interval(_short_text(node, key))


def amount(node: Node, key: str) -> Amount:
    """Return the range of whole numbers at a key."""
    limits = mapping(node, key)
    return Amount(_integer(limits, "min"), _integer(limits, "max"))


def quotes(node: Node, key: str) -> tuple[Quote, ...]:
    """Return the costs or metrics at a key that say what they mean."""
    return tuple(
        Quote(item["type"], _number(item, "min"), _number(item, "max"))
        for item in mappings(node, key)
        if isinstance(item.get("type"), str)
    )


def data_items(payload: Node) -> tuple[DataItem, ...]:
    """Return the data of a request or session."""
    return tuple(_data_item(item) for item in mappings(payload, "data"))


def _short_text(node: Node, key: str) -> str | None:
    value = text(node, key)
    return None if value is None or len(value) > _LONGEST_TIME else value


@lru_cache(maxsize=_REMEMBERED)
def _instant(value: str | None) -> datetime | None:
    try:
        return None if value is None else parse_instant(value)
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _seconds(value: str | None) -> float | None:
    try:
        return None if value is None else Duration.parse(value).approximate_seconds
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _interval(value: str | None) -> StartInterval | None:
    try:
        found = None if value is None else StartInterval.parse(value)
    except ValueError:
        return None
    return None if found is None or found.is_unknown else found


def _data_item(item: Node) -> DataItem:
    block = mapping(item, "skao")
    size = _integer(block, "datasize")
    rses = (text(replica, "rsename") for replica in mappings(block, "replicas"))
    return DataItem(
        name=name_of(item) or text(mapping(item, "meta"), "uuid") or "",
        did=_did(item),
        size=size if size is not None and size >= 0 else None,
        rses=tuple(rse for rse in rses if rse),
    )


def _did(item: Node) -> Did | None:
    for key, scope, identifier in _DIDS:
        block = mapping(item, key)
        namespace, name = text(block, scope), text(block, identifier)
        if namespace is not None and name is not None:
            return Did(namespace, name)
    return None


def _integer(node: Node, key: str) -> int | None:
    value = node.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(node: Node, key: str) -> float | None:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
