"""The port to whoever counts, logs and traces."""

from typing import Protocol

from aggregator.domain.events import Event


class Telemetry(Protocol):
    """Takes note of events; never fails and never waits."""

    def record(self, event: Event) -> None:
        """Take note of ``event``."""
        ...
