"""Bodies: requests, sessions, offer sets and updates between dialects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aggregator.wire.dialects.components import (
    Node,
    canonical_component,
    canonical_envelope,
    component,
    envelope,
    lifted,
    lowered,
    mapped,
    renamed,
    with_value,
    without,
)
from aggregator.wire.dialects.volumes import canonical_volumes, worded_volumes
from aggregator.wire.dialects.wording import Wording

_COMPUTE: Final = "compute/simple-compute-resource"
_RESOURCES: Final = frozenset({"compute", "storage", "volumes", "data"})


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a dialect's documents are read and written with.

    Attributes:
        wording: The dialect's names and places.
        canonical_kinds: The canonical URI of each kind's URI in any dialect.
        own_kinds: The dialect's URI of each canonical URI, where it is another.
        default_compute: The canonical URI of a compute resource.
    """

    wording: Wording
    canonical_kinds: Mapping[str, str] = field(repr=False)
    own_kinds: Mapping[str, str] = field(repr=False)
    default_compute: str

    def read(self, node: Node, *, lift: bool) -> Node:
        """Return a component in the canonical vocabulary."""
        return canonical_component(node, self.canonical_kinds, lift=lift)

    def write(self, node: Node) -> Node:
        """Return a canonical component in the dialect."""
        return component(node, self.wording, self.own_kinds)


class Body(Protocol):
    """One type of message body; neither method changes its argument."""

    def canonical(self, document: Node, lexicon: Lexicon, *, lift: bool) -> Node:
        """Return a body of any dialect in the canonical vocabulary.

        Args:
            document: The body.
            lexicon: The lexicon of the dialect that it is said to be in.
            lift: Whether names and their like outside of ``meta`` belong into it.
        """
        ...

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical body in the lexicon's dialect."""
        ...


class Request:
    """A request for offers."""

    def canonical(self, document: Node, lexicon: Lexicon, *, lift: bool) -> Node:
        """Return a request in the canonical vocabulary."""
        document = _with_requested_start(document, _as_single)
        document = _canonical_parts(document, lexicon, lift=lift)
        return lifted(document) if lift else document

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical request in the lexicon's dialect."""
        if lexicon.wording.start_list:
            payload = _with_requested_start(payload, _as_list)
        payload = _worded_parts(payload, lexicon)
        return lowered(payload) if lexicon.wording.meta_on_top else payload


class Session:
    """A session, which an offer is too."""

    def canonical(self, document: Node, lexicon: Lexicon, *, lift: bool) -> Node:
        """Return a session in the canonical vocabulary."""
        document = canonical_envelope(document, lexicon.canonical_kinds, lift=lift)
        return _canonical_parts(document, lexicon, lift=lift)

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical session in the lexicon's dialect."""
        payload = _worded_parts(payload, lexicon)
        return envelope(payload, lexicon.wording, lexicon.own_kinds)


class OfferSet:
    """A set of offers."""

    def canonical(self, document: Node, lexicon: Lexicon, *, lift: bool) -> Node:
        """Return an offer set in the canonical vocabulary."""
        document = canonical_envelope(document, lexicon.canonical_kinds, lift=lift)
        if "offers" not in document:
            return document
        offers = mapped(
            document["offers"],
            lambda offer: SESSION.canonical(offer, lexicon, lift=lift),
        )
        return with_value(document, "offers", offers)

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical offer set in the lexicon's dialect."""
        if "offers" in payload:
            offers = mapped(
                payload["offers"], lambda offer: SESSION.worded(offer, lexicon)
            )
            payload = with_value(payload, "offers", offers)
        return envelope(payload, lexicon.wording, lexicon.own_kinds)


class Update:
    """A change that is asked of a session."""

    def canonical(self, document: Node, lexicon: Lexicon, *, lift: bool) -> Node:
        """Return an update in the canonical vocabulary: bare, with ``kind``."""
        del lexicon, lift
        if is_wrapped(document):
            document = document["update"]
        if "type" in document and "kind" not in document:
            document = renamed(document, "type", "kind")
        return document

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical update in the lexicon's dialect."""
        wording = lexicon.wording
        if wording.meta_on_top and "kind" in payload and "type" not in payload:
            payload = renamed(payload, "kind", "type")
        return {"update": payload} if wording.update_wrapped else payload


REQUEST: Final = Request()
SESSION: Final = Session()
OFFER_SET: Final = OfferSet()
UPDATE: Final = Update()


def is_wrapped(update: Node) -> bool:
    """Whether an update stands inside ``update``."""
    inner = update.get("update")
    return isinstance(inner, dict) and not ({"kind", "type"} & update.keys())


def _canonical_parts(body: Node, lexicon: Lexicon, *, lift: bool) -> Node:
    def read(node: Node) -> Node:
        return lexicon.read(node, lift=lift)

    body = _without_block(body)
    if "computer" in body and "compute" not in body:
        body = renamed(body, "computer", "compute")
    compute = body.get("compute")
    if isinstance(compute, list) and len(compute) == 1:
        body = {**body, "compute": compute[0]}
    for key in ("executable", "compute"):
        if isinstance(body.get(key), dict):
            body = with_value(body, key, read(body[key]))
    if "storage" in body:
        body = with_value(body, "storage", mapped(body["storage"], read))
        body = _with_links(body, "resources", "data")
    if "data" in body:
        body = with_value(body, "data", mapped(body["data"], read))
    return canonical_volumes(body, read, lexicon.default_compute)


def _worded_parts(body: Node, lexicon: Lexicon) -> Node:
    wording = lexicon.wording
    body = worded_volumes(body, wording, lexicon.write)
    for key in ("executable", "compute"):
        if isinstance(body.get(key), dict):
            body = with_value(body, key, lexicon.write(body[key]))
    if "storage" in body:
        body = with_value(body, "storage", mapped(body["storage"], lexicon.write))
        body = _with_links(body, "data", wording.storage_link)
    if "data" in body:
        body = with_value(body, "data", mapped(body["data"], lexicon.write))
    if wording.resources_block:
        return _with_block(body)
    if wording.compute_key != "compute" and wording.compute_key not in body:
        body = renamed(body, "compute", wording.compute_key)
    return body


def _with_links(body: Node, old: str, new: str) -> Node:
    def changed(storage: Node) -> Node:
        if isinstance(storage.get(old), list) and new not in storage:
            return renamed(storage, old, new)
        return storage

    if old == new:
        return body
    return with_value(body, "storage", mapped(body["storage"], changed))


def _without_block(body: Node) -> Node:
    block = body.get("resources")
    if not isinstance(block, dict) or not (block.keys() & _RESOURCES):
        return body
    taken = {
        key: value
        for key, value in block.items()
        if key in _RESOURCES and key not in body
    }
    left = {key: value for key, value in block.items() if key not in taken}
    compute = taken.get("compute")
    if isinstance(compute, list):
        if compute:
            taken["compute"], more = compute[0], compute[1:]
        else:
            more = taken.pop("compute")
        if more or not compute:
            left["compute"] = more
    rest = without(body, "resources")
    return {**rest, **taken, "resources": left} if left else {**rest, **taken}


def _with_block(body: Node) -> Node:
    block = body.get("resources", {})
    if not isinstance(block, dict) or ("resources" in body and not block):
        return body
    more = block.get("compute", [])
    taken = {
        key: body[key]
        for key in body
        if key in _RESOURCES and (key not in block or key == "compute")
    }
    if not taken or not isinstance(more, list):
        return body
    if "compute" in taken:
        taken["compute"] = [taken["compute"], *more]
    rest = {key: value for key, value in body.items() if key not in taken}
    return {**rest, "resources": {**block, **taken}}


def _with_requested_start(request: Node, change: "_StartChange") -> Node:
    schedule = request.get("schedule")
    if not isinstance(schedule, dict):
        return request
    requested = schedule.get("requested")
    if not isinstance(requested, dict) or "start" not in requested:
        return request
    start = change(requested["start"])
    if start is requested["start"]:
        return request
    return {
        **request,
        "schedule": {**schedule, "requested": {**requested, "start": start}},
    }


class _StartChange(Protocol):
    def __call__(self, start: Any) -> Any: ...


def _as_single(start: Any) -> Any:
    return start[0] if isinstance(start, list) and start else start


def _as_list(start: Any) -> Any:
    return [start] if isinstance(start, str) else start
