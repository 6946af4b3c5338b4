"""The port to a replica catalogue."""

from collections.abc import Collection, Mapping
from typing import Protocol

from aggregator.domain.replicas import Did, LocatedData


class ReplicaCatalogue(Protocol):
    """Says where data are. It never fails: what it can't tell is left out."""

    async def locate(
        self, dids: Collection[Did], deadline: float
    ) -> Mapping[Did, LocatedData]:
        """Return what is known of ``dids`` by ``deadline`` (event loop's clock)."""
        ...
