"""The port to the clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day, for what others see. Deadlines use the event loop's clock."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        ...
