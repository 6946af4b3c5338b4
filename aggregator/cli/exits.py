"""Exit codes, and how a command says why it ends with one."""

from enum import IntEnum
from typing import NoReturn

import typer


class ExitCode(IntEnum):
    """What the shell learns of how a command ended."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    CREDENTIALS = 3
    UNREACHABLE = 4


def fail(message: str, code: ExitCode) -> NoReturn:
    """Say ``message`` on standard error and end the command with ``code``."""
    typer.echo(f"metabroker: {message}", err=True)
    raise typer.Exit(code)
