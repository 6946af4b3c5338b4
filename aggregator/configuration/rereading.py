"""Reading the configuration again, while the service runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from aggregator.configuration.file_watch import FileWatch
from aggregator.configuration.loading import Configuration
from aggregator.configuration.problems import ConfigurationError
from aggregator.configuration.settings import Settings
from aggregator.ports.configuration import ConfigurationRefused, Reread
from aggregator.ports.snapshot import Federation

_FILES: Final = frozenset({"sites", "links", "replicas", "ranking"})
"""Settings that take effect at once: they say which files there are."""


class ConfigurationFiles:
    """The files as a source: ``ports.configuration.ConfigurationSource``.

    Args:
        first: What the service was started with.
        load: Reads all files again; it takes a while, and is called aside.
        build: Makes the federation of what was read.
    """

    def __init__(
        self,
        first: Configuration,
        load: Callable[[], Configuration],
        build: Callable[[Configuration], Federation],
    ) -> None:
        self._first = first
        self._last = first
        self._load = load
        self._build = build

    async def read(self) -> Reread:
        """Read all files again.

        Raises:
            ConfigurationRefused: With all that is wrong in any of them.
        """
        try:
            configuration = await asyncio.to_thread(self._load)
        except ConfigurationError as error:
            reasons = [str(problem) for problem in error.problems]
            raise ConfigurationRefused(reasons) from error
        self._last = configuration
        warnings = [str(warning) for warning in configuration.warnings]
        return Reread(
            self._build(configuration),
            (*warnings, *_restart(self._first.settings, configuration.settings)),
        )

    def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the files hold something new."""
        limits = self._first.settings.reload
        watch = FileWatch(
            lambda: self._last.files,
            self._first.sums,
            interval=limits.interval,
            settle=limits.settle,
        )
        return watch.changes()


def _restart(first: Settings, now: Settings) -> list[str]:
    """Name the settings that are other than at the start, without their values."""
    changed = [
        name
        for name in Settings.model_fields
        if name not in _FILES and getattr(first, name) != getattr(now, name)
    ]
    return [f"{name} has changed, which takes effect at a restart" for name in changed]
