"""The static replica catalogue: what the operator wrote down."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from aggregator.domain.replicas import Did, LocatedData


class StaticCatalogue:
    """A replica catalogue that knows what it was made with, and never changes."""

    def __init__(self, data: Mapping[Did, LocatedData]) -> None:
        self._data = MappingProxyType(dict(data))

    async def locate(
        self,
        dids: Collection[Did],
        deadline: float,  # noqa: ARG002 - the port's; nothing is waited for here
    ) -> Mapping[Did, LocatedData]:
        """Return what is known of ``dids``; those that are unknown are left out."""
        return {did: self._data[did] for did in dids if did in self._data}
