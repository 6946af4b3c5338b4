"""Detection: which dialect a message is written in."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from aggregator.wire.dialects.wording import Wording

_COMPONENTS: Final = ("executable", "compute", "computer")
_LISTS: Final = ("compute", "storage", "volumes", "data")
_TOP: Final = ("name", "uuid", "href", "created")

Evidence = Callable[[Wording], bool]


class Detector:
    """Tells dialects by the URIs of kinds, the discriminator, and the nesting.

    Each piece of evidence leaves the dialects that fit it; one that would leave none
    is passed over. What stands first weighs more.
    """

    def __init__(self, wordings: Sequence[Wording]) -> None:
        self._wordings = tuple(wordings)
        families: defaultdict[str, set[str]] = defaultdict(set)
        for wording in wordings:
            for uri in wording.kinds.values():
                families[_family(uri)].add(wording.name)
        self._families: Mapping[str, set[str]] = families

    def detect(
        self, document: Mapping[str, Any], preferred: str | None = None
    ) -> str | None:
        """Return the newest dialect that fits, None if nothing tells any apart.

        If ``preferred`` is among those that fit, it is that.
        """
        fitting, told = list(self._wordings), False
        for evidence in self._evidence(document):
            fewer = [wording for wording in fitting if evidence(wording)]
            if fewer:
                fitting, told = fewer, True
        if any(wording.name == preferred for wording in fitting):
            return preferred
        return fitting[-1].name if told else None

    def _evidence(self, document: Mapping[str, Any]) -> Iterator[Evidence]:
        nodes = list(_nodes(document))
        for node in nodes:
            for key in ("kind", "type"):
                family = _family(node.get(key))
                if family in self._families:
                    yield partial(_is_one_of, self._families[family])
        for key in ("kind", "type"):
            if any(isinstance(node.get(key), str) for node in nodes):
                yield partial(_discriminates_by, key)
        offers = document.get("offers")
        session = offers[0] if isinstance(offers, list) and offers else document
        if isinstance(session, dict):
            yield from _nesting(session)
        yield from _places(document)


def _is_one_of(names: set[str], wording: Wording) -> bool:
    return wording.name in names


def _discriminates_by(key: str, wording: Wording) -> bool:
    return wording.discriminator == key


def _nesting(body: Mapping[str, Any]) -> Iterator[Evidence]:
    block = body.get("resources")
    if isinstance(block, dict) and any(key in block for key in _LISTS):
        yield lambda wording: wording.resources_block
    if "computer" in body:
        yield lambda wording: wording.compute_key == "computer"
    if "compute" in body:
        yield (
            lambda wording: (
                wording.compute_key == "compute" and not wording.resources_block
            )
        )
    if body.get("volumes"):
        yield lambda wording: wording.volumes_beside
    compute = body.get("compute")
    inside = compute.get("volumes") if isinstance(compute, dict) else None
    if isinstance(inside, list) and inside:
        beside = isinstance(inside[0], str)
        yield lambda wording: wording.volumes_beside == beside
    schedule = body.get("schedule")
    if isinstance(schedule, dict):
        if "offered" in schedule:
            yield lambda wording: wording.offered_schedule
        requested = schedule.get("requested")
        if isinstance(requested, dict) and isinstance(requested.get("start"), list):
            yield lambda wording: wording.requested_start != "interval"
    if "costs" in body or "metrics" in body:
        yield lambda wording: any(kind.startswith("costs/") for kind in wording.kinds)


def _places(document: Mapping[str, Any]) -> Iterator[Evidence]:
    if isinstance(document.get("update"), dict):
        yield lambda wording: wording.update_wrapped
    if "meta" in document:
        yield lambda wording: not wording.meta_on_top
    if any(key in document for key in _TOP):
        yield lambda wording: wording.meta_on_top


def _nodes(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the mappings that say what they are, down to the first offer."""
    yield document
    bodies: list[Any] = [document, document.get("resources")]
    offers = document.get("offers")
    if isinstance(offers, list) and offers and isinstance(offers[0], dict):
        yield offers[0]
        bodies += [offers[0], offers[0].get("resources")]
    if isinstance(document.get("update"), dict):
        yield document["update"]
    for body in bodies:
        if isinstance(body, dict):
            yield from _components(body)


def _components(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in _COMPONENTS:
        if isinstance(body.get(key), dict):
            yield body[key]
    for key in _LISTS:
        if isinstance(body.get(key), list):
            yield from (item for item in body[key] if isinstance(item, dict))


def _family(uri: object) -> str:
    return uri.rpartition("/")[0] if isinstance(uri, str) else ""
