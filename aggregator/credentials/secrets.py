"""Secrets by which the service itself is known to others."""

import asyncio
from pathlib import Path
from typing import Final

from pydantic import SecretStr

_LIFETIME: Final = 60.0
_LARGEST: Final = 64 * 1024


class SecretMissing(Exception):
    """There is no secret that could be sent; never says more than that."""


class Secret:
    """A token or a client's secret as it was given, or as a file holds it.

    Args:
        given: The secret; None where a file holds it.
        file: That file; it may be written anew, so it is read again every minute, and
            after a refusal.
    """

    def __init__(self, given: SecretStr | None, file: Path | None = None) -> None:
        self._text = given
        self._file = file
        self._read_at: float | None = None

    async def current(self) -> str:
        """Return the secret.

        Raises:
            SecretMissing: There is none that could be sent.
        """
        now = asyncio.get_running_loop().time()
        if self._file is not None and self._is_old(now):
            self._text = await asyncio.to_thread(_contents, self._file)
            self._read_at = now
        text = self._text.get_secret_value() if self._text is not None else ""
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise SecretMissing
        return text

    def doubt(self) -> None:
        """Have the file read again: what it held was refused."""
        self._read_at = None

    def _is_old(self, now: float) -> bool:
        return self._read_at is None or now - self._read_at >= _LIFETIME


def _contents(file: Path) -> SecretStr:
    try:
        with file.open("rb") as opened:
            return SecretStr(opened.read(_LARGEST).decode("ascii").strip())
    except (OSError, ValueError):
        raise SecretMissing from None
