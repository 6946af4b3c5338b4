"""What goes to standard output: one JSON document, or tables and lines."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from rich.console import Console

_WIDTH_OF_FILES: Final = 132
"""Columns where the output is no terminal; tables are cramped in the usual 80."""


def console() -> Console:
    """Return the console for text: as wide as the terminal, if it is one."""
    terminal = Console(highlight=False)
    if terminal.is_terminal:
        return terminal
    return Console(highlight=False, width=_WIDTH_OF_FILES)


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write ``document`` as indented JSON, in UTF-8 whatever the locale is."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()
