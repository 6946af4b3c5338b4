"""The ports to the site registry, and to the memory of what it last said."""

from typing import Protocol

from aggregator.domain.registry import Registration


class RegistryUnavailable(Exception):
    """The registry can't be read now; says why, without any credentials."""


class SiteRegistry(Protocol):
    """SRCNet's directory of sites."""

    async def read(self, deadline: float) -> Registration:
        """Return what the registry says now.

        Args:
            deadline: The moment on the event loop's clock at which this is over.

        Raises:
            RegistryUnavailable: It doesn't answer, or with what can't be used.
        """
        ...


class RegistryMemory(Protocol):
    """Keeps what the registry said last, for starts while it is away."""

    async def remember(self, registration: Registration) -> None:
        """Keep it in the place of what was kept before.

        Raises:
            StoreUnavailable: It can't be kept.
        """
        ...

    async def recall(self) -> Registration | None:
        """Return what was kept, None where nothing is.

        Raises:
            StoreUnavailable: It can't be read.
        """
        ...
