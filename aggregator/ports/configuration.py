"""The port to the configuration's source: what there is to be read again."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.ports.snapshot import Federation


class ConfigurationRefused(Exception):
    """What there is to be read can't be used.

    Attributes:
        reasons: All that is wrong, each with file, line and column.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Reread:
    """What was read again, and is right as a whole.

    Attributes:
        warnings: What deserves a look, such as settings that need a restart.
    """

    federation: Federation
    warnings: tuple[str, ...] = ()


class ConfigurationSource(Protocol):
    """Where the federation is configured."""

    async def read(self) -> Reread:
        """Read all of it again.

        Raises:
            ConfigurationRefused: It can't be used; nothing of it may take effect.
        """
        ...

    def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever there is something new to be read."""
        ...
