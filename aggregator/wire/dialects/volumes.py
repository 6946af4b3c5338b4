"""Volumes: inside the compute resource or beside it, with one resource or several.

The canonical place is inside, with one resource each. A volume with n resources is
n canonical volumes of the same name, at ``<path>/<resource>``; in dialects whose
volumes list their resources, these are one again.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeGuard

from aggregator.wire.dialects.components import (
    Node,
    renamed,
    with_value,
    without,
)
from aggregator.wire.dialects.wording import Wording

_UNNAMED: Final = "unnamed-volume-{}"
_NAMED_BY_PLACE: Final = frozenset({"path", "resource"})
_CARDINALITIES: Final = {"INSTANCE": "SINGLE"}

Located = tuple[tuple[str | int, ...], Any]
"""Something together with the keys and indexes that lead to it."""


def gathered(body: Node) -> list[Located]:
    """Return the volumes of a request or session, from wherever they stand.

    First those inside the compute resource, where a name stands for the volume of
    that name beside it; then those beside it that no name stands for. A name of no
    volume is returned as it is.
    """
    compute = body.get("compute")
    inside = compute.get("volumes") if isinstance(compute, dict) else None
    beside = body.get("volumes")
    found: list[Located] = []
    named: defaultdict[str, deque[int]] = defaultdict(deque)
    volumes: list[Any] = beside if isinstance(beside, list) else []
    for index, volume in enumerate(volumes):
        for name in _names(volume):
            named[name].append(index)
    used: set[int] = set()
    for index, entry in enumerate(inside if isinstance(inside, list) else ()):
        if isinstance(entry, str) and entry in named:
            taken = _next(named[entry], used)
            found.append((("volumes", taken), volumes[taken]))
        else:
            found.append((("compute", "volumes", index), entry))
    found += [
        (("volumes", index), volume)
        for index, volume in enumerate(volumes)
        if index not in used
    ]
    return found


def canonical_volumes(body: Node, change: Callable[[Node], Node], kind: str) -> Node:
    """Return a request or session with its volumes inside the compute resource.

    Args:
        body: The request or session.
        change: Makes one volume, as a component, canonical.
        kind: The kind of a compute resource that has to be added to hold volumes.
    """
    compute = body.get("compute")
    compute = {} if compute is None else compute
    if not isinstance(compute, dict):
        return body
    beside, inside = body.get("volumes"), compute.get("volumes")
    if not _is_list_or_none(beside) or not _is_list_or_none(inside):
        return body
    if not beside and not inside:
        return body
    volumes = [
        single
        for index, (_, volume) in enumerate(gathered(body))
        for single in _canonical(volume, change, index)
    ]
    if "volumes" not in body and _are_the_same(volumes, inside or []):
        return body
    compute = {**(compute or {"kind": kind}), "volumes": volumes}
    return {**without(body, "volumes"), "compute": compute}


def split(volume: Node, index: int) -> list[Node]:
    """Return a canonical volume for each of the resources that a volume lists.

    Args:
        volume: The volume, with ``resource`` or ``resources``, one name or a list.
        index: Its place among the volumes; names the parts of an unnamed one.
    """
    key = "resources" if "resources" in volume else "resource"
    listed, path = volume.get(key), volume.get("path")
    if "resource" in volume and (key == "resources" or isinstance(listed, str)):
        return [volume]
    names = [listed] if isinstance(listed, str) else listed
    if not _are_texts(names):
        return [volume]
    single = renamed(volume, key, "resource")
    if len(names) == 1:
        return [with_value(single, "resource", names[0])]
    if not isinstance(path, str):
        return [volume]
    single = _with_name(single, index) or single
    base = path.rstrip("/")
    return [{**single, "path": f"{base}/{name}", "resource": name} for name in names]


def worded_volumes(
    body: Node, wording: Wording, change: Callable[[Node], Node]
) -> Node:
    """Return a canonical request or session with its volumes where a dialect has them.

    Args:
        body: The request or session.
        wording: The dialect's names and places.
        change: Makes one canonical volume, as a component, one of the dialect.
    """
    compute = body.get("compute")
    inside = compute.get("volumes") if isinstance(compute, dict) else None
    if not isinstance(compute, dict) or not isinstance(inside, list) or not inside:
        return body
    if not wording.volumes_beside or "volumes" in body:
        volumes = [change(item) if isinstance(item, dict) else item for item in inside]
        if _are_the_same(volumes, inside):
            return body
        return {**body, "compute": {**compute, "volumes": volumes}}
    beside: list[Node] = []
    entries: list[Any] = []
    whole = [*_folded(inside)]
    names = Counter(next(_names(volume), None) for volume in whole)
    for index, volume in enumerate(whole):
        named = _with_name(volume, index)
        if named is None:
            entries.append(change(volume) if isinstance(volume, dict) else volume)
        else:
            # The parts of what was one volume have its name in common.
            name, *others = _names(named)
            entries.append(others[0] if others and names[name] > 1 else name)
            beside.append(change(_worded(named, wording)))
    if not beside:
        return {**body, "compute": {**compute, "volumes": entries}}
    return {**body, "compute": {**compute, "volumes": entries}, "volumes": beside}


def _canonical(volume: Any, change: Callable[[Node], Node], index: int) -> list[Any]:
    if not isinstance(volume, dict):
        return [volume]
    volume = change(volume)
    meta, unnamed = volume.get("meta"), _UNNAMED.format(index)
    if volume.get("name") == unnamed:
        volume = without(volume, "name")
    elif isinstance(meta, dict) and meta.get("name") == unnamed:
        meta = without(meta, "name")
        volume = {**volume, "meta": meta} if meta else without(volume, "meta")
    cardinality = volume.get("cardinality")
    if isinstance(cardinality, str) and cardinality in _CARDINALITIES:
        volume = {**volume, "cardinality": _CARDINALITIES[cardinality]}
    return split(volume, index)


def _folded(volumes: list[Any]) -> Iterator[Any]:
    group: list[Node] = []
    for volume in volumes:
        if group and not _belongs(volume, group[0]):
            yield _as_one(group)
            group = []
        if isinstance(volume, dict):
            group.append(volume)
        else:
            yield volume
    if group:
        yield _as_one(group)


def _belongs(volume: Any, first: Node) -> bool:
    return (
        isinstance(volume, dict)
        and next(_names(volume), None) is not None
        and _base(volume) is not None
        and _base(volume) == _base(first)
        and _apart_from_place(volume) == _apart_from_place(first)
    )


def _as_one(group: list[Node]) -> Node:
    first = group[0]
    if len(group) == 1:
        return first
    whole = renamed(first, "resource", "resources")
    resources = [volume["resource"] for volume in group]
    return {**whole, "path": _base(first) or "/", "resources": resources}


def _apart_from_place(volume: Node) -> Node:
    return {key: volume[key] for key in volume if key not in _NAMED_BY_PLACE}


def _base(volume: Node) -> str | None:
    path, resource = volume.get("path"), volume.get("resource")
    if not isinstance(path, str) or not isinstance(resource, str):
        return None
    if "resources" in volume:
        return None
    base = path.removesuffix(f"/{resource}")
    return None if base == path or base.endswith("/") else base


def _worded(volume: Node, wording: Wording) -> Node:
    if isinstance(volume.get("resource"), str) and "resources" not in volume:
        resource = volume["resource"]
        volume = {**renamed(volume, "resource", "resources"), "resources": [resource]}
    cardinality = volume.get("cardinality")
    if isinstance(cardinality, str) and cardinality in wording.cardinalities:
        return {**volume, "cardinality": wording.cardinalities[cardinality]}
    return volume


def _with_name(volume: Any, index: int) -> Node | None:
    if not isinstance(volume, dict):
        return None
    if next(_names(volume), None) is not None:
        return volume
    meta = volume.get("meta", {})
    if not isinstance(meta, dict) or "name" in meta or "name" in volume:
        return None
    return with_value(volume, "meta", {**meta, "name": _UNNAMED.format(index)})


def _names(volume: Any) -> Iterator[str]:
    if not isinstance(volume, dict):
        return
    meta = volume.get("meta")
    for node in (meta, volume):
        if isinstance(node, dict):
            for key in ("name", "uuid"):
                if isinstance(node.get(key), str):
                    yield node[key]


def _next(indexes: deque[int], used: set[int]) -> int:
    while len(indexes) > 1 and indexes[0] in used:
        indexes.popleft()
    used.add(indexes[0])
    return indexes[0]


def _are_texts(names: Any) -> TypeGuard[list[str]]:
    return (
        isinstance(names, list)
        and bool(names)
        and all(isinstance(name, str) for name in names)
    )


def _are_the_same(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(
        one is another for one, another in zip(some, others, strict=True)
    )


def _is_list_or_none(value: Any) -> bool:
    return value is None or isinstance(value, list)
