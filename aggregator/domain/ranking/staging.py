"""Staging: what is missing at a site, and how long it takes to bring it there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from aggregator.domain.humane import humane_duration
from aggregator.domain.ranking.document import DataRules
from aggregator.domain.ranking.intake import LARGEST_TOTAL, clipped
from aggregator.domain.ranking.knowledge import SiteFacts
from aggregator.domain.ranking.locality import Dataset, Lake, Source

GIGA: Final = 1_000_000_000
_MEGA: Final = 1_000_000
_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class StagingPlan:
    """What has to happen before all data are at a site.

    Attributes:
        bytes_from_tape: Bytes to recall, from the site's own tape or another's.
        sources: The RSEs from which data would move, sorted.
        seconds: How long it takes; 0 where nothing has to happen.
        notes: Assumptions that were made, in words; with any, confidence is low.
        remarks: What was measured of links and is announced of sites, in words.
    """

    bytes_total: int
    bytes_to_move: int
    files_to_move: int
    bytes_from_tape: int
    sources: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """One dataset, and from where the site reads it."""

    dataset: Dataset
    size: int
    source: Source | None

    @property
    def moves(self) -> bool:
        return self.source is None or not self.source.is_local

    @property
    def from_tape(self) -> bool:
        return self.source is not None and self.source.tape


def plan_staging(
    data: Sequence[Dataset], facts: SiteFacts, lake: Lake, rules: DataRules
) -> StagingPlan:
    """Return what has to happen before a site has all of ``data``."""
    unknown_size = round(rules.unknown_size_gb * GIGA)
    reads = [
        _Read(
            dataset,
            unknown_size if dataset.size is None else dataset.size,
            lake.source(dataset.replicas, facts.site.name),
        )
        for dataset in data
    ]
    moving = [read for read in reads if read.moves]
    return StagingPlan(
        bytes_total=_bytes(reads),
        bytes_to_move=_bytes(moving),
        files_to_move=sum(read.dataset.files for read in moving),
        bytes_from_tape=_bytes([read for read in reads if read.from_tape]),
        sources=tuple(sorted({read.source.rse for read in moving if read.source})),
        seconds=clipped(
            _files_s(moving, rules)
            + max(_links_s(moving, lake), _intake_s(moving, facts, rules))
            + _tape_s(reads, rules)
        ),
        notes=_notes(reads, lake, rules),
        remarks=_remarks(moving),
    )


def _remarks(moving: Sequence[_Read]) -> tuple[str, ...]:
    sources = [read.source for read in moving if read.source and read.source.basis]
    measured = {f"{one.gbps:.3g} Gb/s from {one.site}, {one.basis}" for one in sources}
    closed = {
        f"{read.source.site} is in a downtime and sends in "
        f"{humane_duration(read.source.closed_s)}"
        for read in moving
        if read.source and read.source.closed_s
    }
    return (*sorted(measured), *sorted(closed))


def _bytes(reads: Sequence[_Read]) -> int:
    return min(sum(read.size for read in reads), LARGEST_TOTAL)


def _files_s(moving: Sequence[_Read], rules: DataRules) -> float:
    files = sum(read.dataset.files for read in moving)
    return ceil(files / rules.parallel_files) * rules.per_file_s


def _links_s(moving: Sequence[_Read], lake: Lake) -> float:
    """Return the seconds of the slowest source: all of them send at once.

    One that is in a downtime sends after it.
    """
    seconds: dict[str, float] = {}
    for read in moving:
        site = read.source.site if read.source else ""
        gbps = (read.source.gbps if read.source else None) or lake.default_gbps
        begins = read.source.closed_s if read.source else 0.0
        seconds[site] = seconds.get(site, begins) + read.size * _BITS / GIGA / gbps
    return max(seconds.values(), default=0.0)


def _intake_s(moving: Sequence[_Read], facts: SiteFacts, rules: DataRules) -> float:
    gbps = facts.site.ingest_gbps or rules.ingest_default_gbps
    return sum(read.size for read in moving) * _BITS / GIGA / gbps


def _tape_s(reads: Sequence[_Read], rules: DataRules) -> float:
    """Return the seconds of the slowest tape: those of several sites work at once."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for read in reads:
        if read.source and read.source.tape:
            sizes[read.source.site] += read.size
    if not sizes:
        return 0.0
    return rules.tape.recall_s + max(sizes.values()) / (rules.tape.rate_mb_s * _MEGA)


def _notes(reads: Sequence[_Read], lake: Lake, rules: DataRules) -> tuple[str, ...]:
    notes: list[str] = []
    for read in reads:
        name = read.dataset.name
        if read.dataset.caveat:
            notes.append(f"{name}: {read.dataset.caveat}")
        if read.dataset.size is None:
            assumed = f"{rules.unknown_size_gb:g} GB"
            notes.append(f"size of {name} unknown, {assumed} assumed")
        if read.source is None:
            assumed = f"{lake.default_gbps:g} Gb/s"
            notes.append(f"no replica of {name} known, {assumed} assumed")
            continue
        if not read.dataset.verified:
            notes.append(f"replicas of {name} are claimed, not verified")
        if not lake.readers(read.source.rse):
            notes.append(f"no site known to read {read.source.rse}, with {name}")
    return tuple(notes)
