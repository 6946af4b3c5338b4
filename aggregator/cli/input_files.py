"""Files that a command reads whole, within a bound."""

import sys
from pathlib import Path
from typing import Final

from aggregator.cli.exits import ExitCode, fail

_LARGEST: Final = 16 * 2**20


def read_input(file: str) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``.

    A file that can't be read, or that no broker would read, ends the command.
    """
    try:
        if file == "-":
            body = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                body = opened.read(_LARGEST + 1)
    except OSError as error:
        fail(f"can't read {file}: {error.strerror}", ExitCode.USAGE)
    if len(body) > _LARGEST:
        fail(f"{file} is larger than any broker reads", ExitCode.USAGE)
    return body
