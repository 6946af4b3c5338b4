"""A replica catalogue with the operator's own entries beside it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from aggregator.domain.replicas import Did, LocatedData
from aggregator.ports.catalogue import ReplicaCatalogue

_CAVEAT: Final = "taken from the static entries, as the catalogue doesn't tell"


@dataclass(frozen=True, slots=True)
class CatalogueWithEntries:
    """Takes from static entries what the catalogue doesn't tell.

    Of a dataset that it locates, that is the size; of one that it doesn't know, or
    doesn't answer for, everything, with a caveat.
    """

    catalogue: ReplicaCatalogue
    entries: ReplicaCatalogue

    async def locate(
        self, dids: Collection[Did], deadline: float
    ) -> Mapping[Did, LocatedData]:
        """Return what either knows of ``dids`` by ``deadline``."""
        told = await self.catalogue.locate(dids, deadline)
        entries = await self.entries.locate(dids, deadline)
        completed = {did: _completed(told.get(did), e) for did, e in entries.items()}
        return {**told, **completed}


def _completed(told: LocatedData | None, entry: LocatedData) -> LocatedData:
    if told is None or not told.replicas:
        return replace(entry, caveat=_CAVEAT)
    if told.size is not None or entry.size is None:
        return told
    return replace(told, size=entry.size, files=entry.files)
