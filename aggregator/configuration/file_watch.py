"""The watch over the files of a configuration: when there is something new to be read.

What counts is what the files hold, not what happened to them: so a file that is written
anew the same is nothing new, and a link that leads elsewhere now is. Directories are
watched rather than files, because editors and orchestrators replace files and links.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

import structlog
from watchfiles import awatch

from aggregator.configuration.documents import LARGEST_FILE

_log = structlog.get_logger(__name__)
_SUFFIXES: Final = ("*.yaml", "*.yml")
_MOST_FILES: Final = 1000
_MOST_LOOKS: Final = 50
_DEBOUNCE_MS: Final = 200
_STEP_MS: Final = 50

_Contents = tuple[tuple[Path, str], ...]


class FileWatch:
    """Watches the files of a configuration, and the other YAML files beside them.

    Args:
        files: Returns the files that were read last.
        sums: The hex digests of what they held when they were read first.
        interval: Seconds after which it looks for itself, for file systems that
            don't tell of changes.
        settle: Seconds for which the files must stay as they are: what is half
            written isn't read.
    """

    def __init__(
        self,
        files: Callable[[], Iterable[Path]],
        sums: Mapping[Path, str],
        *,
        interval: float,
        settle: float,
    ) -> None:
        self._files = files
        self._sums = {file.absolute(): digest for file, digest in sums.items()}
        self._interval = interval
        self._settle = settle

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the files hold something new, and have come to rest."""
        seen = await self._look()
        if any(self._sums.get(file, held) != held for file, held in seen):
            # They changed before the watch began.
            seen = await self._settled()
            yield
        async with aclosing(self._stirs()) as stirs:
            async for _ in stirs:
                if await self._look() == seen:
                    continue
                settled = await self._settled()
                if settled != seen:
                    seen = settled
                    yield

    async def _settled(self) -> _Contents:
        """Return what the files hold once it stays the same, or doesn't for long."""
        before = await self._look()
        for _ in range(_MOST_LOOKS):
            await asyncio.sleep(self._settle)
            after = await self._look()
            if after == before:
                break
            before = after
        return before

    async def _look(self) -> _Contents:
        return await asyncio.to_thread(_contents, tuple(self._files()))

    async def _stirs(self) -> AsyncGenerator[None, None]:
        """Yield when something may have happened, and at the latest every interval."""
        while True:
            directories = await asyncio.to_thread(_directories, tuple(self._files()))
            try:
                async with aclosing(self._told(directories)) as told:
                    async for _ in told:
                        yield
                        now = tuple(self._files())
                        if await asyncio.to_thread(_directories, now) != directories:
                            break
            except (OSError, RuntimeError) as error:
                # As where a system grants no more watches.
                _log.warning("files_not_watched", reason=str(error))
                await asyncio.sleep(self._interval)
                yield

    async def _told(self, directories: tuple[Path, ...]) -> AsyncGenerator[None, None]:
        changes: AsyncIterator[object] = awatch(
            *directories,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=round(self._interval * 1000),
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        async for _ in changes:
            yield


def _directories(files: Iterable[Path]) -> tuple[Path, ...]:
    """Return the directories in which files, or what links lead to, can be replaced."""
    found: set[Path] = set()
    for file in files:
        found.add(file.absolute().parent)
        try:
            found.add(file.resolve().parent)
        except (OSError, RuntimeError):
            # A link that leads to itself.
            continue
    return tuple(sorted(directory for directory in found if directory.is_dir()))


def _contents(files: Iterable[Path]) -> _Contents:
    """Return the sum of each file, of those beside them too: they may be wanted now."""
    known = {file.absolute() for file in files}
    beside = {
        found
        for directory in {file.parent for file in known}
        for suffix in _SUFFIXES
        for found in sorted(directory.glob(suffix))[:_MOST_FILES]
    }
    return tuple((file, _sum(file)) for file in sorted(known | beside))


def _sum(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.sha256(opened.read(LARGEST_FILE + 1)).hexdigest()
    except OSError as error:
        return type(error).__name__
