"""Bodies: requests, sessions, offer sets and updates between dialects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aggregator.wire.dialects.components import (
    Node,
    canonical_component,
    canonical_envelope,
    component,
    envelope,
    lifted,
    lifted_envelope,
    lowered,
    mapped,
    named,
    renamed,
    with_value,
    without,
)
from aggregator.wire.dialects.volumes import canonical_volumes, worded_volumes
from aggregator.wire.dialects.wording import Wording

_SINGLE_PARTS: Final = ("executable", "compute")
_LISTED_PARTS: Final = ("storage", "data")
_RESOURCES: Final = frozenset({"compute", "storage", "volumes", "data"})


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a dialect's documents are read and written with.

    Attributes:
        wording: The dialect's names and places.
        canonical_kinds: The canonical URI of each kind's URI in any dialect.
        own_kinds: The dialect's URI of each canonical URI, where it is another.
        default_compute: The canonical URI of a compute resource.
        is_canonical: Whether the dialect's vocabulary is the canonical one, so that
            a canonical document needs no translation.
    """

    wording: Wording
    canonical_kinds: Mapping[str, str] = field(repr=False)
    own_kinds: Mapping[str, str] = field(repr=False)
    default_compute: str
    is_canonical: bool = False

    def read(self, node: Node) -> Node:
        """Return a component in the canonical vocabulary, but for its ``meta``."""
        return canonical_component(node, self.canonical_kinds)

    def write(self, node: Node) -> Node:
        """Return a canonical component in the dialect."""
        return component(node, self.wording, self.own_kinds)


class Body(Protocol):
    """One type of message body; none of the methods changes its argument."""

    def canonical(self, document: Node, lexicon: Lexicon) -> Node:
        """Return a body in the canonical vocabulary, but for where names stand.

        Args:
            document: The body, in any dialect.
            lexicon: The lexicon of the dialect that it is said to be in.
        """
        ...

    def lifted(self, payload: Node) -> Node:
        """Return a canonical body with names and their like in each ``meta``."""
        ...

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical body in the lexicon's dialect."""
        ...


class Request:
    """A request for offers."""

    def canonical(self, document: Node, lexicon: Lexicon) -> Node:
        """Return a request in the canonical vocabulary."""
        document = _with_requested_start(document, _as_single)
        return _canonical_parts(document, lexicon)

    def lifted(self, payload: Node) -> Node:
        """Return a canonical request with its names in each ``meta``."""
        return lifted(_with_all_parts(payload, lifted))

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical request in the lexicon's dialect."""
        if lexicon.wording.requested_start == "list":
            payload = _with_requested_start(payload, _as_list)
        payload = _worded_parts(payload, lexicon)
        return lowered(payload) if lexicon.wording.meta_on_top else payload


class Session:
    """A session, which an offer is too."""

    def canonical(self, document: Node, lexicon: Lexicon) -> Node:
        """Return a session in the canonical vocabulary."""
        document = canonical_envelope(document, lexicon.canonical_kinds)
        return _canonical_parts(document, lexicon)

    def lifted(self, payload: Node) -> Node:
        """Return a canonical session with its names in each ``meta``."""
        return lifted_envelope(_with_all_parts(payload, lifted))

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical session in the lexicon's dialect."""
        payload = _worded_parts(payload, lexicon)
        return envelope(payload, lexicon.wording, lexicon.own_kinds)


class OfferSet:
    """A set of offers."""

    def canonical(self, document: Node, lexicon: Lexicon) -> Node:
        """Return an offer set in the canonical vocabulary."""
        document = canonical_envelope(document, lexicon.canonical_kinds)
        return _with_offers(document, lambda one: SESSION.canonical(one, lexicon))

    def lifted(self, payload: Node) -> Node:
        """Return a canonical offer set with its names in each ``meta``."""
        return lifted_envelope(_with_offers(payload, SESSION.lifted))

    def worded(self, payload: Node, lexicon: Lexicon) -> Node:
        """Return a canonical offer set in the lexicon's dialect."""
        payload = _with_offers(payload, lambda one: SESSION.worded(one, lexicon))
        return envelope(payload, lexicon.wording, lexicon.own_kinds)


class Update:
    """A change that is asked of a session."""

    def canonical(self, document: Node, lexicon: Lexicon) -> Node:
        """Return an update in the canonical vocabulary: bare, with ``kind``."""
        del lexicon
        if is_wrapped(document):
            document = document["update"]
        if "type" in document and "kind" not in document:
            document = renamed(document, "type", "kind")
        return document

    def lifted(self, payload: Node) -> Node:
        """Return the update: it has no names."""
        return payload

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


def with_names_in_meta(request: Node) -> Node:
    """Return a canonical request with the names of its parts in each ``meta``.

    A client may have written them beside it, where nobody looks for them.
    """
    return named(_with_all_parts(request, named))


def is_wrapped(update: Node) -> bool:
    """Whether an update stands inside ``update``."""
    inner = update.get("update")
    return isinstance(inner, dict) and not ({"kind", "type"} & update.keys())


def _with_offers(offer_set: Node, change: Callable[[Node], Node]) -> Node:
    if "offers" not in offer_set:
        return offer_set
    return with_value(offer_set, "offers", mapped(offer_set["offers"], change))


def _canonical_parts(body: Node, lexicon: Lexicon) -> Node:
    body = _without_block(body)
    if "computer" in body and "compute" not in body:
        body = renamed(body, "computer", "compute")
    compute = body.get("compute")
    if isinstance(compute, list) and len(compute) == 1:
        body = {**body, "compute": compute[0]}
    body = _with_parts(body, lexicon.read)
    if "storage" in body:
        body = _with_links(body, "resources", "data")
    return canonical_volumes(body, lexicon.read, lexicon.default_compute)


def _with_all_parts(body: Node, change: Callable[[Node], Node]) -> Node:
    body = _with_parts(body, change)
    compute = body.get("compute")
    if not isinstance(compute, dict) or "volumes" not in compute:
        return body
    compute = with_value(compute, "volumes", mapped(compute["volumes"], change))
    return with_value(body, "compute", compute)


def _with_parts(body: Node, change: Callable[[Node], Node]) -> Node:
    changed: Node = {}
    for key in _SINGLE_PARTS:
        part = body.get(key)
        if isinstance(part, dict) and (other := change(part)) is not part:
            changed[key] = other
    for key in _LISTED_PARTS:
        parts = body.get(key)
        if isinstance(parts, list) and (others := mapped(parts, change)) is not parts:
            changed[key] = others
    return {**body, **changed} if changed else body


def _worded_parts(body: Node, lexicon: Lexicon) -> Node:
    wording = lexicon.wording
    body = worded_volumes(body, wording, lexicon.write)
    body = _with_parts(body, lexicon.write)
    if "storage" in body:
        body = _with_links(body, "data", wording.storage_link)
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


def _with_requested_start(request: Node, change: Callable[[Any], Any]) -> Node:
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


def _as_single(start: Any) -> Any:
    return start[0] if isinstance(start, list) and start else start


def _as_list(start: Any) -> Any:
    return [start] if isinstance(start, str) else start
