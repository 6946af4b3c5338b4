"""The token by which the service itself is known to a catalogue."""

import asyncio
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from aggregator.catalogue.faults import CatalogueFailed
from aggregator.domain.outcomes import Outcome

_LIFETIME: Final = 60.0
_LARGEST: Final = 64 * 1024


class Token:
    """A token as it was given, or as a file holds it that may be written anew.

    Args:
        given: The token; None where a file holds it.
        file: That file; it is read again every minute, and after a refusal.
    """

    def __init__(self, given: SecretStr | None, file: Path | None = None) -> None:
        self._text = given
        self._file = file
        self._read_at: float | None = None

    async def current(self) -> str:
        """Return the token.

        Raises:
            CatalogueFailed: There is none that could be sent.
        """
        now = asyncio.get_running_loop().time()
        if self._file is not None and self._is_old(now):
            self._text = await asyncio.to_thread(_contents, self._file)
            self._read_at = now
        text = self._text.get_secret_value() if self._text is not None else ""
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise CatalogueFailed(Outcome.MISCONFIGURED)
        return text

    def doubt(self) -> None:
        """Have the file read again: the catalogue refused what it held."""
        self._read_at = None

    def _is_old(self, now: float) -> bool:
        return self._read_at is None or now - self._read_at >= _LIFETIME


def _contents(file: Path) -> SecretStr:
    try:
        with file.open("rb") as opened:
            return SecretStr(opened.read(_LARGEST).decode("ascii").strip())
    except (OSError, ValueError):
        raise CatalogueFailed(Outcome.MISCONFIGURED) from None
