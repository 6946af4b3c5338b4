"""What goes to standard output: one JSON document, or tables and lines."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, TextIO, cast

import orjson
from rich.console import Console

_WIDTH_OF_FILES: Final = 132
"""Columns where the output is no terminal; tables are cramped in the usual 80."""
_PADDING: Final = re.compile(r" +$", re.MULTILINE)


class _Unpadded:
    """A file that gets no blanks at the ends of lines, with which tables are filled."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.encoding = file.encoding

    def write(self, text: str) -> int:
        return self._file.write(_PADDING.sub("", text))

    def flush(self) -> None:
        self._file.flush()


def console() -> Console:
    """Return the console for text: as wide as the terminal, if it is one.

    Else it is as wide as ``COLUMNS`` says, and without colours.
    """
    terminal = Console(highlight=False)
    if terminal.is_terminal:
        return terminal
    return Console(
        file=cast("IO[str]", _Unpadded(sys.stdout)),
        highlight=False,
        width=_columns() or _WIDTH_OF_FILES,
    )


def _columns() -> int | None:
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and int(said) > 0 else None


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write ``document`` as indented JSON, in UTF-8 whatever the locale is."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()
