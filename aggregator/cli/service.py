"""``serve`` and ``check``: the service itself, and its configuration."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from aggregator.cli.connection import AsJson
from aggregator.cli.exits import ExitCode, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aggregator.configuration.problems import ConfigurationError, Problem

DEFAULT: Final = Path("config/metabroker.yaml")
"""The settings file where none is named."""

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="METABROKER_CONFIG",
        help="The settings file; it names the others.",
    ),
]


def serve(*, config: ConfigFile = DEFAULT) -> None:
    """Run the service until it is told to end (SIGTERM or Ctrl-C)."""
    from aggregator import wiring
    from aggregator.configuration.problems import ConfigurationError
    from aggregator.domain.errors import StoreUnavailable

    try:
        wiring.serve(wiring.load_configuration(config, os.environ))
    except ConfigurationError as error:
        refuse(error)
    except StoreUnavailable as error:
        fail(error.detail, ExitCode.REFUSED)
    except OSError as error:
        fail(error.strerror or str(error), ExitCode.REFUSED)


def check(*, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Check a configuration; ends with 1 where it is bad, and says where and why."""
    from aggregator import wiring
    from aggregator.configuration.problems import ConfigurationError

    try:
        configuration = wiring.load_configuration(config, os.environ)
    except ConfigurationError as error:
        if not as_json:
            refuse(error)
        print_verdict(error.problems, ok=False)
        raise typer.Exit(ExitCode.REFUSED) from None
    if as_json:
        print_verdict(configuration.warnings, ok=True)
        return
    print_warnings(configuration.warnings)
    policies = ", ".join(one.identity.name for one in configuration.policies)
    count = len(configuration.sites)
    sites = "1 site" if count == 1 else f"{count} sites"
    typer.echo(f"{config}: good; {sites}, policies {policies}")


def refuse(error: "ConfigurationError") -> NoReturn:
    """Say all that is wrong on standard error, and end the command."""
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(ExitCode.REFUSED)


def print_warnings(warnings: "Iterable[Problem]") -> None:
    """Print what deserves a look, but stops nothing, on standard error."""
    for warning in warnings:
        typer.echo(f"{warning} (warning)", err=True)


def print_verdict(problems: "Sequence[Problem]", *, ok: bool) -> None:
    """Print the result of a check as one JSON document."""
    from dataclasses import asdict

    from aggregator.cli.printing import print_json

    print_json({"ok": ok, "problems": [asdict(problem) for problem in problems]})
