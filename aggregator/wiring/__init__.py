"""The composition root: builds everything from the configuration, and runs it."""

from aggregator.wiring.federation import WallClock, load_configuration
from aggregator.wiring.recovery import recover
from aggregator.wiring.serving import RunningService, running_service, serve
from aggregator.wiring.version import version

__all__ = [
    "RunningService",
    "WallClock",
    "load_configuration",
    "recover",
    "running_service",
    "serve",
    "version",
]
