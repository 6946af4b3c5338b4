"""Components of messages (executables, resources, sessions) between dialects.

``canonical_*`` read any dialect's form; the others write one dialect's. Each returns
its argument itself where nothing changes, and never changes it. A thing moves only
where its place is free, so what can't be moved stays where it was.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from aggregator.wire.dialects.wording import Wording

Node = dict[str, Any]

_LIFTED: Final = {
    "uuid": "uuid",
    "name": "name",
    "created": "created",
    "messages": "messages",
    "options": "options",
    "href": "url",
}
_NAME: Final = {"name": "name"}
_SUNK: Final = {inner: outer for outer, inner in _LIFTED.items()}
_LEADING: Final = ("uuid", "name", "type", "created", "href")
_KINDLESS_ITEMS: Final = ("messages", "options")

OLD_SESSION_PHASES: Final = {"PROPOSED": "INITIAL", "READY": "AVAILABLE"}
"""The canonical phase that an older word for the phase of a session means."""

_OLD_COMPONENT_PHASES: Final = {
    "INACTIVE": "INITIALIZING",
    "INITIAL": "INITIALIZING",
    "READY": "AVAILABLE",
}
_OFFERED: Final = frozenset({"preparing", "available", "releasing"})
_AT_ONCE: Final = "/PT0S"
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d(T[^/P]*)?")


def renamed(node: Node, old: str, new: str) -> Node:
    """Return the mapping with its key ``old`` called ``new``, in the same place."""
    if old not in node:
        return node
    keys = [*node]
    keys[keys.index(old)] = new
    return dict(zip(keys, node.values(), strict=True))


def without(node: Node, key: str) -> Node:
    """Return the mapping without a key; the mapping itself if it hasn't got it."""
    if key not in node:
        return node
    return {name: value for name, value in node.items() if name != key}


def mapped(values: Any, change: Callable[[Node], Node]) -> Any:
    """Return a list with its mappings changed; anything but a list as it is."""
    if not isinstance(values, list):
        return values
    changed = [change(item) if isinstance(item, dict) else item for item in values]
    return changed if any(map(_is_other, changed, values)) else values


def _is_other(one: object, another: object) -> bool:
    return one is not another


def with_value(node: Node, key: str, value: Any) -> Node:
    """Return the mapping with this value; the mapping itself if it has it."""
    return node if node.get(key) is value else {**node, key: value}


def canonical_component(node: Node, kinds: Mapping[str, str]) -> Node:
    """Return a component in the canonical vocabulary, but for its ``meta``.

    Args:
        node: The component in any dialect.
        kinds: The canonical URI of each kind's URI in any dialect.
    """
    return _canonical(node, kinds, _OLD_COMPONENT_PHASES)


def canonical_envelope(node: Node, kinds: Mapping[str, str]) -> Node:
    """Return a session or an offer set, but for what it contains, as canonical."""
    if "state" in node and "phase" not in node:
        node = renamed(node, "state", "phase")
    return _canonical(node, kinds, OLD_SESSION_PHASES)


def lifted_envelope(node: Node) -> Node:
    """Return a session or offer set with its names and their like in its ``meta``."""
    node = lifted(node)
    if "connectors" in node:
        connectors = mapped(node["connectors"], _canonical_item)
        node = with_value(node, "connectors", connectors)
    return node


def component(node: Node, wording: Wording, kinds: Mapping[str, str]) -> Node:
    """Return a canonical component in a dialect.

    Args:
        node: The canonical component.
        wording: The dialect's names and places.
        kinds: The dialect's URI of each canonical URI.
    """
    changed: Node = {}
    kind, schedule = node.get("kind"), node.get("schedule")
    if isinstance(kind, str) and kind in kinds:
        changed["kind"] = kinds[kind]
    if isinstance(schedule, dict):
        worded = _worded_schedule(schedule, wording)
        if worded is not schedule:
            changed["schedule"] = worded
    node = {**node, **changed} if changed else node
    return lowered(_typed_item(node)) if wording.meta_on_top else node


def envelope(node: Node, wording: Wording, kinds: Mapping[str, str]) -> Node:
    """Return a canonical session or offer set, but for its contents, in a dialect."""
    phase = node.get("phase")
    if isinstance(phase, str) and phase in wording.session_phases:
        node = {**node, "phase": wording.session_phases[phase]}
    if wording.meta_on_top and "connectors" in node:
        node = with_value(node, "connectors", mapped(node["connectors"], _typed_item))
    return component(node, wording, kinds)


def lifted(node: Node) -> Node:
    """Return a node with its uuid, name and their like in its ``meta``.

    They stand in the node itself in dialects without a ``meta``.
    """
    return _lifted(node, _LIFTED)


def named(node: Node) -> Node:
    """Return a node with its name in its ``meta``, and nothing else moved."""
    return _lifted(node, _NAME) if "name" in node else node


def _lifted(node: Node, places: Mapping[str, str]) -> Node:
    meta = node.get("meta", {})
    if not isinstance(meta, dict):
        return node
    if places.keys().isdisjoint(node):
        whole = _with_items(meta, _canonical_item)
        return node if whole is meta else {**node, "meta": whole}
    taken: Node = {}
    rest: Node = {}
    for key, value in node.items():
        if key in places and places[key] not in meta:
            taken[places[key]] = value
        elif key != "meta":
            rest[key] = value
    whole = _with_items({**taken, **meta} if taken else meta, _canonical_item)
    if not taken:
        return node if whole is meta else {**node, "meta": whole}
    head = {"kind": rest["kind"]} if "kind" in rest else {}
    return {**head, "meta": whole, **rest}


def lowered(node: Node) -> Node:
    """Return a node with its uuid, name and their like out of its ``meta``."""
    meta = node.get("meta")
    if not isinstance(meta, dict) or not meta:
        return node
    top: Node = {}
    kept: Node = {}
    for key, value in _with_items(meta, _typed_item).items():
        if key in _SUNK and _SUNK[key] not in node:
            top[_SUNK[key]] = value
        else:
            kept[key] = value
    whole = {key: value for key, value in node.items() if key != "meta" or kept}
    if kept:
        whole["meta"] = kept
    whole |= top
    return {**{key: whole[key] for key in _LEADING if key in whole}, **whole}


def _canonical(
    node: Node, kinds: Mapping[str, str], old_phases: Mapping[str, str]
) -> Node:
    if "kind" not in node and "type" in node:
        node = renamed(node, "type", "kind")
    changed: Node = {}
    kind, phase, schedule = node.get("kind"), node.get("phase"), node.get("schedule")
    if isinstance(kind, str) and kinds.get(kind, kind) != kind:
        changed["kind"] = kinds[kind]
    if isinstance(phase, str) and phase in old_phases:
        changed["phase"] = old_phases[phase]
    if isinstance(schedule, dict):
        canonical = _canonical_schedule(schedule)
        if canonical is not schedule:
            changed["schedule"] = canonical
    return {**node, **changed} if changed else node


def _canonical_schedule(schedule: Node) -> Node:
    offered = schedule.get("offered")
    if isinstance(offered, dict) and not (offered.keys() & schedule.keys()):
        rest = {key: value for key, value in schedule.items() if key != "offered"}
        schedule = {**rest, **offered}
    if "executing" in schedule and "available" not in schedule:
        schedule = renamed(schedule, "executing", "available")
    return _with_start(schedule, _as_interval)


def _worded_schedule(schedule: Node, wording: Wording) -> Node:
    if wording.plain_starts:
        schedule = _with_start(schedule, _as_instant)
    if wording.offered_schedule and "offered" not in schedule:
        offered = {key: value for key, value in schedule.items() if key in _OFFERED}
        if offered:
            rest = {key: schedule[key] for key in schedule if key not in offered}
            schedule = {**rest, "offered": offered}
    return schedule


def _with_start(schedule: Node, change: Callable[[str], str]) -> Node:
    available = schedule.get("available")
    if not isinstance(available, dict) or not isinstance(available.get("start"), str):
        return schedule
    start = change(available["start"])
    if start == available["start"]:
        return schedule
    return {**schedule, "available": {**available, "start": start}}


def _as_interval(start: str) -> str:
    return start + _AT_ONCE if _INSTANT.fullmatch(start) else start


def _as_instant(start: str) -> str:
    instant = start.removesuffix(_AT_ONCE)
    return instant if _INSTANT.fullmatch(instant) else start


def _with_items(meta: Node, change: Callable[[Node], Node]) -> Node:
    for key in _KINDLESS_ITEMS:
        if key in meta:
            meta = with_value(meta, key, mapped(meta[key], change))
    return meta


def _canonical_item(item: Node) -> Node:
    if "type" in item and "kind" not in item:
        return renamed(item, "type", "kind")
    return item


def _typed_item(item: Node) -> Node:
    if "kind" in item and "type" not in item:
        return renamed(item, "kind", "type")
    return item
