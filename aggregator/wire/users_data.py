"""Data in the user's own words: what a site was asked for otherwise, named back."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from aggregator.domain.offers import Offer
from aggregator.domain.requests import ExecutionRequest
from aggregator.wire import extraction
from aggregator.wire.data_kinds import BLOCKS, OF_THE_LAKE, kind_of

Node = Mapping[str, Any]


def offer_in_users_words(offer: Offer, request: ExecutionRequest) -> Offer:
    """Return an offer whose data are named as ``request`` names them.

    Args:
        offer: What a site made of a translation of the request.
        request: The request before it was translated.
    """
    payload, places = _restored(offer.payload, request.payload)
    if not places:
        return offer
    return replace(
        offer,
        payload=payload,
        data=extraction.data_items(payload),
        residue=_without(offer.residue, places),
    )


def session_in_users_words(
    payload: Node, residue: Node, before: Node
) -> tuple[Node, Node]:
    """Return a session whose data are named as they were before, with its residue.

    Args:
        payload: The session as its site gives it now.
        residue: What came with it.
        before: The session as it was offered, in the user's words.
    """
    restored, places = _restored(payload, before)
    return restored, _without(residue, places) if places else residue


def _restored(payload: Node, before: Node) -> tuple[Node, frozenset[int]]:
    """Return a payload with data as they are named in ``before``, and which changed."""
    listed = payload.get("data")
    if not isinstance(listed, list):
        return payload, frozenset()
    pairs = dict(_pairs(listed, extraction.mappings(before, "data")))
    changed = {
        index: _renamed(listed[index], original)
        for index, original in pairs.items()
        if _was_translated(listed[index], original)
    }
    if not changed:
        return payload, frozenset()
    data = [changed.get(index, item) for index, item in enumerate(listed)]
    return {**payload, "data": data}, frozenset(changed)


def _pairs(listed: list[Any], before: list[Node]) -> Iterator[tuple[int, Node]]:
    """Pair data with what they were, by name, and without names in order."""
    items = [
        (index, item) for index, item in enumerate(listed) if isinstance(item, dict)
    ]
    originals = {extraction.name_of(original): original for original in before}
    originals.pop(None, None)
    names = {extraction.name_of(item) for _, item in items}
    left = [(i, item) for i, item in items if extraction.name_of(item) not in originals]
    unclaimed = [o for o in before if extraction.name_of(o) not in names - {None}]
    for index, item in items:
        name = extraction.name_of(item)
        if name in originals:
            yield index, originals[name]
    if len(left) == len(unclaimed):
        yield from ((i, o) for (i, _), o in zip(left, unclaimed, strict=True))


def _was_translated(item: Node, original: Node) -> bool:
    now, then = kind_of(item), kind_of(original)
    return then in OF_THE_LAKE and now is not None and now is not then


def _renamed(item: Node, original: Node) -> Node:
    rest = {key: value for key, value in item.items() if key not in BLOCKS}
    blocks = {key: value for key, value in original.items() if key in BLOCKS}
    return {**rest, "kind": original["kind"], **blocks}


def _without(residue: Node, places: Collection[int]) -> Node:
    """Return a residue without what it says of data that were named otherwise."""
    lists = ("/data", "/resources/data")
    gone = {f"{one}/{place}" for one in lists for place in places}
    return {
        pointer: entry
        for pointer, entry in residue.items()
        if not any(pointer == one or pointer.startswith(f"{one}/") for one in gone)
    }
