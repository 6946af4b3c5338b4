"""Nodes as the Site Capabilities service writes them, read without trusting any part.

A node has sites, a site has storages and compute, a storage has areas; an area of type
``rse`` is a storage element. What can't be understood is left out and named: one wrong
entry never costs the others. Source: the service's schemas and its initial data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aggregator.domain.registry import RegisteredRse, RegisteredSite, Registration
from aggregator.domain.schedules import parse_instant
from aggregator.domain.sites import Downtime

MOST_FAULTS: Final = 50
_LONGEST_TEXT: Final = 300
_LATITUDES: Final = 90.0
_LONGITUDES: Final = 180.0

Node = Mapping[str, Any]


class NoNodes(ValueError):
    """The document isn't a list of nodes at all."""


def read_nodes(document: object, moment: datetime) -> Registration:
    """Return what a list of nodes says of sites.

    Args:
        document: The decoded body of ``GET /nodes``.
        moment: Downtimes that are over by then are left out.

    Raises:
        NoNodes: It isn't a list of nodes.
    """
    if not isinstance(document, list):
        raise NoNodes("the answer is no list of nodes")
    return _Reader(moment).registration(document)


@dataclass
class _Reader:
    moment: datetime
    faults: list[str] = field(default_factory=list)

    def registration(self, nodes: list[Any]) -> Registration:
        sites: dict[str, RegisteredSite] = {}
        for node in self._entries(nodes, "the list of nodes"):
            for site in self._sites(node):
                if sites.setdefault(site.name.casefold(), site) is not site:
                    self._fault(f"the site {site.name} is there more than once")
        # An empty list too: it would take all that was known away at once, and a
        # registry that tells of nothing is of no use to whoever configured it.
        if not sites:
            raise NoNodes("the answer has no site with a name")
        return Registration(self.moment, tuple(sites.values()), tuple(self.faults))

    def _sites(self, node: Node) -> Iterator[RegisteredSite]:
        name = _text(node.get("name"))
        for entry in self._entries(node.get("sites"), f"sites of the node {name!r}"):
            site = self._site(entry, name)
            if site.name:
                yield site
            else:
                self._fault(f"the node {name!r} has a site without a name")

    def _site(self, entry: Node, node: str) -> RegisteredSite:
        name = _text(entry.get("name"))
        latitude, longitude = self._position(entry, name)
        compute = self._entries(entry.get("compute"), f"compute of {name!r}")
        usable = [one for one in compute if not _is_disabled(one)]
        rses, unusable = self._rses(entry)
        return RegisteredSite(
            name=name,
            node=node,
            country=_country(entry.get("country")),
            latitude=latitude,
            longitude=longitude,
            rses=rses,
            unusable_rses=unusable,
            downtimes=(
                *self._downtimes(entry, name),
                *_common([self._downtimes(one, name) for one in usable]),
            ),
            disabled=_is_disabled(entry) or bool(compute and not usable),
        )

    def _position(self, entry: Node, site: str) -> tuple[float | None, float | None]:
        """Return the coordinates; of two, one that is missing is a zero left out."""
        given = [entry.get("latitude"), entry.get("longitude")]
        if all(one is None for one in given):
            return None, None
        latitude = _number(given[0], _LATITUDES)
        longitude = _number(given[1], _LONGITUDES)
        if latitude is None or longitude is None:
            self._fault(f"the site {site} has no place on Earth")
            return None, None
        return latitude, longitude

    def _rses(self, site: Node) -> tuple[tuple[RegisteredRse, ...], tuple[str, ...]]:
        """Return the storage elements, and the names of those switched off."""
        where = _text(site.get("name"))
        usable: dict[str, RegisteredRse] = {}
        unusable: dict[str, None] = {}
        for storage in self._entries(site.get("storages"), f"storages of {where!r}"):
            for area in self._entries(storage.get("areas"), f"areas of {where!r}"):
                name = _text(area.get("name"))
                if not name or _text(area.get("type")) != "rse":
                    continue
                if _is_disabled(storage) or _is_disabled(area):
                    unusable[name] = None
                    continue
                downtimes = (
                    *self._downtimes(storage, name),
                    *self._downtimes(area, name),
                )
                usable.setdefault(name, RegisteredRse(name, downtimes))
        return tuple(usable.values()), tuple(n for n in unusable if n not in usable)

    def _downtimes(self, holder: Node, what: str) -> tuple[Downtime, ...]:
        entries = self._entries(holder.get("downtime"), f"downtime of {what!r}")
        found = (self._downtime(one, what) for one in entries)
        return tuple(one for one in found if one is not None and one.end > self.moment)

    def _downtime(self, entry: Node, what: str) -> Downtime | None:
        text = _text(entry.get("date_range"))
        first, _, last = text.partition(" to ")
        try:
            start, end = parse_instant(first), parse_instant(last)
        except ValueError:
            self._fault(f"{what} has a downtime at {text!r}, which is no range")
            return None
        if end <= start:
            self._fault(f"{what} has a downtime that ends before it starts: {text}")
            return None
        if any(
            datetime.fromisoformat(one.strip()).tzinfo is None for one in (first, last)
        ):
            self._fault(f"{what} has a downtime without a time zone, taken as UTC")
        planned = _text(entry.get("type")).casefold() != "unplanned"
        return Downtime(start, end, _text(entry.get("reason")), planned=planned)

    def _entries(self, value: object, what: str) -> list[Node]:
        """Return the objects of a list; what else is there is a fault."""
        if value is None:
            return []
        items = value if isinstance(value, list) else []
        found = [item for item in items if isinstance(item, Mapping)]
        if not isinstance(value, list) or len(found) < len(items):
            self._fault(f"{what}: not a list of objects")
        return found

    def _fault(self, fault: str) -> None:
        if len(self.faults) < MOST_FAULTS and fault not in self.faults:
            self.faults.append(fault)


def _common(schedules: Sequence[Sequence[Downtime]]) -> tuple[Downtime, ...]:
    """Return when all are down at once: then nothing can be computed."""
    if not schedules:
        return ()
    first, *others = schedules
    common = list(first)
    for other in others:
        common = [
            Downtime(
                max(one.start, two.start),
                min(one.end, two.end),
                one.reason or two.reason,
                planned=one.planned and two.planned,
            )
            for one in common
            for two in other
            if one.overlaps(two.start, two.end)
        ]
    return tuple(common)


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    printable = "".join(one if one.isprintable() else " " for one in value)
    return " ".join(printable.split())[:_LONGEST_TEXT]


def _country(value: object) -> str:
    code = _text(value).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""  # noqa: PLR2004 -- ISO 3166 codes


def _number(value: object, limit: float) -> float | None:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= limit else None


def _is_disabled(holder: Node) -> bool:
    flag = holder.get("is_force_disabled")
    return flag is True or _text(flag).casefold() == "true"
