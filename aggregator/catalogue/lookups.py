"""Lookups: what a catalogue service told of datasets, and what it left open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import Did, LocatedData


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one look into a catalogue service brought.

    Attributes:
        located: What it knows.
        unknown: What it says that it doesn't know. What is in neither, it left open.
        fault: Why it left something open; None where it didn't.
    """

    located: Mapping[Did, LocatedData] = field(default_factory=dict)
    unknown: frozenset[Did] = frozenset()
    fault: Outcome | None = None


class CatalogueService(Protocol):
    """A replica catalogue somewhere on the network."""

    async def look_up(self, dids: Sequence[Did], deadline: float) -> Lookup:
        """Ask for ``dids`` until ``deadline`` (event loop's clock); never raises."""
        ...
