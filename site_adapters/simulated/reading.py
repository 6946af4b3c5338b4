"""Reading a request: from a document in one vocabulary to what is wanted.

What the broker's message reader can't read is a 400; what it can read, but the
platform won't do, is found by ``validation`` and is a NO.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from site_adapters.simulated.shapes import (
    BODIES,
    Shape,
    UnreadableError,
    anything,
    common,
    each,
    fields,
    mapping,
    one_of,
    text,
)
from site_adapters.simulated.vocabulary import Role, Vocabulary

_MODES: Final = one_of("READONLY", "READWRITE")


@dataclass(frozen=True, slots=True)
class Element:
    """An executable or a resource, as asked for.

    Attributes:
        kind: Which kind, by the name in the newest vocabulary.
        body: Its own properties, those that every component has left out.
        storage: The name or uuid of the storage that data are to go to.
        volumes: The names of the volumes that a compute resource mounts.
    """

    role: Role
    kind: str
    name: str | None = None
    uuid: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    storage: str | None = None
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume, as asked for; ``resources`` are names or uuids."""

    name: str | None
    path: str | None
    mode: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for offers, as it was read.

    Attributes:
        duration: As written, None where unsaid.
        start: As written, None where unsaid.
    """

    name: str | None = None
    executable: Element | None = None
    compute: Element | None = None
    storage: tuple[Element, ...] = ()
    data: tuple[Element, ...] = ()
    mounts: tuple[Mount, ...] = ()
    duration: str | None = None
    start: str | None = None


class RequestReader:
    """Reads requests of one vocabulary.

    Args:
        vocabulary: The broker's.
        strict: Whether properties that it doesn't know make a body unreadable.
    """

    def __init__(self, vocabulary: Vocabulary, *, strict: bool) -> None:
        self._vocabulary = vocabulary
        self._strict = strict

    def read(self, document: Any) -> Wanted:
        """Read a request.

        Raises:
            UnreadableError: The broker's message reader can't read it.
        """
        found: dict[str, Any] = self._shape()(mapping(document, ""), "", self._strict)
        resources = found.get("resources", {}) if self._nests else found
        compute = self._compute(resources)
        return Wanted(
            name=found.get("name"),
            executable=self._element(Role.EXECUTABLE, found, "executable"),
            compute=compute,
            storage=self._elements(Role.STORAGE, resources, "storage"),
            data=self._elements(Role.DATA, resources, "data"),
            mounts=self._mounts(resources),
            **self._schedule(found.get("schedule", {})),
        )

    @property
    def _nests(self) -> bool:
        return self._vocabulary.nests_resources

    def _shape(self) -> Shape:
        words = self._vocabulary
        lists: dict[str, Shape] = {"storage": each(anything), "data": each(anything)}
        if not words.inline_volumes:
            lists["volumes"] = each(anything)
        lists[words.compute_key] = each(anything) if self._nests else anything
        shapes: dict[str, Shape] = {"executable": anything, "schedule": anything}
        if words.names_requests:
            shapes["name"] = text
        if words.has_quotes:
            shapes |= {"costs": each(anything), "metrics": each(anything)}
        if self._nests:
            return fields(resources=fields(**lists), **shapes)
        return fields(**lists, **shapes)

    def _compute(self, resources: dict[str, Any]) -> Element | None:
        key = self._vocabulary.compute_key
        if not self._nests:
            return self._element(Role.COMPUTE, resources, key)
        return next(iter(self._elements(Role.COMPUTE, resources, key)), None)

    def _elements(
        self, role: Role, holder: dict[str, Any], key: str
    ) -> tuple[Element, ...]:
        return tuple(
            self._read_element(role, one, f"{key}/{n}")
            for n, one in enumerate(holder.get(key, ()))
        )

    def _element(self, role: Role, holder: dict[str, Any], key: str) -> Element | None:
        return self._read_element(role, holder[key], key) if key in holder else None

    def _read_element(self, role: Role, value: Any, place: str) -> Element:
        found, kind = self._discriminated(role, value, place)
        own = BODIES[kind] | self._links(role)
        read = fields(**common(self._vocabulary), **own)(found, place, self._strict)
        about = self._about(read)
        return Element(
            role=role,
            kind=kind,
            name=about.get("name"),
            uuid=about.get("uuid"),
            body={name: read[name] for name in BODIES[kind] if name in read},
            storage=read.get("storage"),
            volumes=() if self._vocabulary.inline_volumes else self._names(read),
        )

    def _discriminated(
        self, role: Role, value: Any, place: str
    ) -> tuple[dict[str, Any], str]:
        found = mapping(value, place)
        uri = found.get(self._vocabulary.discriminator)
        kind = self._vocabulary.kind(role, uri)
        if kind is None:
            raise UnreadableError(
                f"{place} has the {self._vocabulary.discriminator} {uri!r}"
            )
        return found, kind

    def _links(self, role: Role) -> dict[str, Shape]:
        if role is Role.DATA:
            return {"storage": text}
        if role is Role.STORAGE:
            return {self._vocabulary.storage_link: each(text)}
        if role is Role.COMPUTE:
            inline = self._vocabulary.inline_volumes
            return {"volumes": each(anything if inline else text)}
        return {}

    def _about(self, read: dict[str, Any]) -> dict[str, Any]:
        about: dict[str, Any] = (
            read.get("meta", {}) if self._vocabulary.has_meta else read
        )
        return about

    @staticmethod
    def _names(read: dict[str, Any]) -> tuple[str, ...]:
        return tuple(read.get("volumes", ()))

    def _mounts(self, resources: dict[str, Any]) -> tuple[Mount, ...]:
        holder, place = resources, "volumes"
        if self._vocabulary.inline_volumes:
            holder = resources.get(self._vocabulary.compute_key, {})
            place = f"{self._vocabulary.compute_key}/volumes"
        return tuple(
            self._mount(one, f"{place}/{n}")
            for n, one in enumerate(holder.get("volumes") or ())
        )

    def _mount(self, value: Any, place: str) -> Mount:
        found, _ = self._discriminated(Role.VOLUME, value, place)
        own: dict[str, Shape] = {"path": text, "mode": _MODES}
        if self._vocabulary.inline_volumes:
            own["resource"] = text
        else:
            own["cardinality"] = one_of(self._vocabulary.once, "CONTAINER")
            own["resources"] = each(text)
        read = fields(**common(self._vocabulary), **own)(found, place, self._strict)
        resource = read.get("resource")
        return Mount(
            name=self._about(read).get("name"),
            path=read.get("path"),
            mode=read.get("mode", "READONLY"),
            resources=tuple(
                read.get("resources", () if resource is None else (resource,))
            ),
        )

    def _schedule(self, value: Any) -> dict[str, str | None]:
        starts = each(text) if self._vocabulary.lists_starts else text
        shape = fields(requested=fields(duration=text, start=starts))
        requested = shape(value, "schedule", self._strict).get("requested", {})
        start = requested.get("start")
        if isinstance(start, list):
            start = start[0] if start else None
        return {"duration": requested.get("duration"), "start": start}
