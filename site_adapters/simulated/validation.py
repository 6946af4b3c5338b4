"""Whether the platform does what is wanted: the reasons for a ``result: NO``.

Kinds and templates are those of the reference broker's platform, its misspelt ones
included; like it, messages never have values filled in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aggregator.domain.messages import Level, Message
from aggregator.domain.schedules import Duration, StartInterval
from site_adapters.simulated.reading import Element, Wanted
from site_adapters.simulated.site import SimulatedSite

_UNSUPPORTED: Final = frozenset({"singularity-container", "rucio-data-resource"})
_PROTOCOLS: Final = frozenset({"UDP", "TCP", "HTTP", "HTTPS"})
_LARGEST_STORAGE: Final = 1000
"""In GiB."""

_REQUIRED: Final = {
    "simple-data-resource": (("location",),),
    "S3-data-resource": (("endpoint",), ("template",), ("bucket",)),
    "ivoa-data-resource": (("ivoa", "ivoid"),),
    "skao-data-resource": (("skao", "namespace"), ("skao", "objectname")),
}
"""The paths that data of each kind can't do without."""


def problems(wanted: Wanted, site: SimulatedSite) -> list[Message]:
    """Return what stands against ``wanted`` at ``site``.

    A message of level ERROR makes the answer a NO, one of level WARN goes with it.
    """
    found: list[Message] = []
    if site.says_no is not None:
        found.append(_error("urn:not-supported", site.says_no))
    found += _executable(wanted.executable)
    found += _compute(wanted.compute, site)
    found += _storage(wanted.storage)
    found += _data(wanted, site)
    found += _mounts(wanted)
    found += _schedule(wanted)
    return found


def _error(kind: str, template: str) -> Message:
    return Message(kind, Level.ERROR, template)


def _executable(executable: Element | None) -> Iterator[Message]:
    if executable is None:
        yield _error("urn:executable-required", "An executable is required")
    elif executable.kind in _UNSUPPORTED:
        yield _unknown_kind(executable)
    elif executable.kind == "jupyter-notebook":
        if not executable.body.get("location"):
            yield _error("uri:missing-required-value", "Notebook location required")
    else:
        yield from _docker(executable.body)


def _unknown_kind(element: Element) -> Message:
    return _error("uri:unknown-type", f"Unknown {element.role} type [${{kind}}]")


def _docker(body: dict[str, Any]) -> Iterator[Message]:
    image = body.get("image")
    if image is None:
        yield _error("urn:missing-value", "Docker image required")
        return
    if not image.get("locations"):
        yield _error("urn:missig-required-value", "Image location required")
    if not image.get("digest"):
        yield _error("urn:missing-value", "Image digest required")
    platform = image.get("platform", {})
    if platform.get("architecture", "amd64") != "amd64":
        yield _error("urn:invalied-value", "Architecture not supported [${value}]")
    if platform.get("os", "linux") != "linux":
        yield _error("urn:invalied-value", "Operating system not supported [${value}]")
    if body.get("privileged"):
        yield _error("urn:not-supported", "Privileged execution not supported")
    for port in body.get("network", {}).get("ports", ()):
        yield from _port(port or {})


def _port(port: dict[str, Any]) -> Iterator[Message]:
    if port.get("external"):
        yield _error("urn:not-supported", "External ports not supported")
    if port.get("protocol", "TCP") not in _PROTOCOLS:
        yield _error("urn:invalid-value", "Invalid port protocol [${value}]")
    if (port.get("internal", {}).get("port") or 0) <= 0:
        yield _error("urn:invalid-value", "Invalid port number [${value}]")


def _compute(compute: Element | None, site: SimulatedSite) -> Iterator[Message]:
    if compute is not None:
        yield from _limit(compute.body.get("cores", {}), site.cores, "cores")
        yield from _limit(compute.body.get("memory", {}), site.memory, "memory")


def _limit(amount: dict[str, int], limit: int, what: str) -> Iterator[Message]:
    if amount.get("min", 0) > limit:
        yield _error("urn:resource-limit", f"Minimum {what} exceeds limit [${{limit}}]")
    elif amount.get("max", 0) > limit:
        template = f"Maximum {what} exceeds limit [${{limit}}]"
        yield Message("urn:resource-limit", Level.WARN, template)


def _storage(storage: Iterable[Element]) -> Iterator[Message]:
    for one in storage:
        yield from _limit(one.body.get("size", {}), _LARGEST_STORAGE, "storage size")


def _data(wanted: Wanted, site: SimulatedSite) -> Iterator[Message]:
    stored = {name for one in wanted.storage for name in (one.name, one.uuid)}
    for one in wanted.data:
        refused = one.kind == "skao-data-resource" and not site.knows_skao
        if one.kind in _UNSUPPORTED or refused:
            yield _unknown_kind(one)
        for path in _REQUIRED.get(one.kind, ()):
            if not _at(one.body, path):
                template = f"Data {path[-1]} required"
                yield _error("urn:missing-required-value", template)
        if one.storage is not None and one.storage not in stored:
            yield _error("urn:resource-not-found", "Unable to find storage [${name}]")
    yield from (
        _error("urn:duplicate-resource", "Duplicate resource name [${name}]")
        for elements in (wanted.data, wanted.storage)
        for count in Counter(one.name for one in elements if one.name).values()
        if count > 1
    )


def _at(body: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _mounts(wanted: Wanted) -> Iterator[Message]:
    names = Counter(
        name
        for one in (*wanted.data, *wanted.storage)
        for name in {one.name, one.uuid} - {None}
    )
    for mount in wanted.mounts:
        if not mount.resources:
            yield _error("uri:resource-not-found", "Volume resource missing [{}]")
        for resource in mount.resources:
            if not names[resource]:
                yield _error("uri:resource-not-found", "Unknown volume resource [{}]")
            elif names[resource] > 1:
                yield _error("uri:duplicate-resource", "Ambiguous volume resource [{}]")
    volumes = {mount.name for mount in wanted.mounts}
    for name in wanted.compute.volumes if wanted.compute else ():
        if name not in volumes:
            yield _error("urn:resource-not-found", "Unable to find volume [${name}]")


def _schedule(wanted: Wanted) -> Iterator[Message]:
    template = "Unable to parse [${value}]"
    try:
        if wanted.duration is not None and Duration.parse(wanted.duration).months:
            yield _error("urn:input-syntax-fail", template)
        if wanted.start is not None:
            StartInterval.parse(wanted.start)
    except ValueError:
        yield _error("urn:input-syntax-fail", template)
