"""The static replica catalogue: what the operator wrote down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aggregator.domain.replicas import Did, LocatedData


@dataclass(frozen=True, slots=True)
class StaticCatalogue:
    """A replica catalogue that knows what it was made with, and never changes."""

    data: Mapping[Did, LocatedData]

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", MappingProxyType(dict(self.data)))

    async def locate(
        self,
        dids: Collection[Did],
        deadline: float,  # noqa: ARG002 - the port's; nothing is waited for here
    ) -> Mapping[Did, LocatedData]:
        """Return what is known of ``dids``; those that are unknown are left out."""
        return {did: self.data[did] for did in dids if did in self.data}
