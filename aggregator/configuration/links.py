"""Throughput between sites: what ``links.yaml`` may hold."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, model_validator

from aggregator.configuration.directory import Directory
from aggregator.configuration.documents import Document
from aggregator.configuration.pointers import at, items_at
from aggregator.configuration.problems import Findings
from aggregator.configuration.sites import Gbps
from aggregator.configuration.validation import (
    Entry,
    report_repeated,
    report_unknown,
    validated,
    validated_items,
)
from aggregator.domain.ranking.knowledge import Links

USUAL_CLASSES: Final[Mapping[str, float]] = {
    "lan": 20.0,
    "national": 8.0,
    "international": 2.0,
}
"""Throughput by class of link in Gb/s, where the file doesn't say."""


class _LinkEntry(Entry):
    """Throughput from one site to another, as a number or by its class."""

    source: Annotated[str, Field(alias="from")]
    target: Annotated[str, Field(alias="to")]
    gbps: Gbps | None = None
    link_class: Annotated[str | None, Field(alias="class")] = None
    symmetric: bool = True

    @model_validator(mode="after")
    def _check(self) -> "_LinkEntry":
        if (self.gbps is None) == (self.link_class is None):
            raise ValueError("a link needs either gbps or class")
        if self.source == self.target:
            raise ValueError("to should be another site than from")
        return self

    @property
    def throughput(self) -> float | str:
        """The throughput in Gb/s, or the name of the link's class."""
        return self.gbps or self.link_class or ""

    def directions(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs of source and target that the entry speaks of."""
        there = (self.source, self.target)
        return (there, there[::-1]) if self.symmetric else (there,)


class _DistanceEntry(Entry):
    """The class of links up to one of Rucio's distances, which mean no throughput."""

    up_to: Annotated[int, Field(ge=1)]
    link_class: Annotated[str, Field(alias="class")]


class _LinksFile(Entry):
    """The file's own keys; its links are validated one by one."""

    default_gbps: Gbps = 1.0
    classes: dict[str, Gbps] = Field(default_factory=dict)
    rucio_distances: tuple[_DistanceEntry, ...] = ()
    table: tuple[Any, ...] = ()


_FILE: Final = TypeAdapter(_LinksFile)
_LINK: Final = TypeAdapter(_LinkEntry)


def read_links(
    document: Document | None, directory: Directory, findings: Findings
) -> Links:
    """Return what is known of links, as far as it is valid.

    Args:
        document: ``links.yaml``; None where there is none.
        directory: The sites that links may join.
        findings: Take what is wrong.
    """
    if document is None:
        return Links(
            classes=USUAL_CLASSES,
            rse_sites=directory.rse_sites(),
            rse_aliases=directory.rse_aliases,
        )
    file = validated(_FILE, document, findings)
    classes = {**USUAL_CLASSES, **(file.classes if file else {})}
    entries = validated_items(_LINK, document, findings, "/table")
    known = classes.keys() if file else None
    _report_names(document, directory.names, known, findings)
    _report_pairs(document, entries, findings)
    if file is None:
        return Links()
    distances = sorted(
        (entry.up_to, entry.link_class) for entry in file.rucio_distances
    )
    return Links(
        default_gbps=file.default_gbps,
        classes=classes,
        table={
            pair: entry.throughput
            for _, entry in entries
            if entry.link_class is None or entry.link_class in classes
            for pair in entry.directions()
        },
        rse_sites=directory.rse_sites(),
        rse_aliases=directory.rse_aliases,
        distance_classes=tuple((d, name) for d, name in distances if name in classes),
    )


def _report_names(
    document: Document,
    sites: AbstractSet[str] | None,
    classes: AbstractSet[str] | None,
    findings: Findings,
) -> None:
    for link in items_at(document.value, "/table"):
        report_unknown(document, f"{link}/from", sites, findings)
        report_unknown(document, f"{link}/to", sites, findings)
        report_unknown(document, f"{link}/class", classes, findings)
    distances = items_at(document.value, "/rucio_distances")
    for distance in distances:
        report_unknown(document, f"{distance}/class", classes, findings)
    given = [(f"{d}/up_to", at(document.value, f"{d}/up_to")) for d in distances]
    limits = [(place, limit) for place, limit in given if isinstance(limit, int)]
    report_repeated(document, "the distance", limits, findings)


def _report_pairs(
    document: Document, entries: list[tuple[str, _LinkEntry]], findings: Findings
) -> None:
    pairs = [
        (pointer, f"from {source} to {target}")
        for pointer, entry in entries
        for source, target in entry.directions()
    ]
    report_repeated(document, "the link", pairs, findings)
