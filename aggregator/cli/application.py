"""The command and its subcommands.

What a subcommand needs beyond Typer it imports when it runs, so that the help and
the completion of a shell come at once.
"""

from typing import Annotated

import typer

from aggregator.cli import (
    demonstration,
    federation,
    offers,
    policies,
    recovery,
    service,
    sessions,
    simulation,
)
from aggregator.cli.plain_help import PlainTyper

app = PlainTyper(
    name="metabroker",
    help="One Execution Broker in front of many: ask all sites, take the best offer.",
    epilog="Exit codes: 0 good, 1 refused or no offer, 2 wrong usage or input, "
    "3 credentials, 4 unreachable or not now.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  Typer's callback
    if not wanted:
        return
    from importlib.metadata import (
        PackageNotFoundError,
        version,
    )

    try:
        typer.echo(f"metabroker {version('srcnet-metabroker')}")
    except PackageNotFoundError:
        typer.echo("metabroker, run from its source tree")
    raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and end.",
        ),
    ] = False,
) -> None:
    pass


_SERVICE = "Run the service"
_USE = "Use the service"

app.command(rich_help_panel=_USE)(offers.request)
app.command("offers", rich_help_panel=_USE)(offers.show)
app.command(rich_help_panel=_USE)(sessions.accept)
app.command(rich_help_panel=_USE)(sessions.status)
app.command(rich_help_panel=_USE)(sessions.watch)
app.command(rich_help_panel=_USE)(sessions.cancel)
app.command(rich_help_panel=_USE)(sessions.reject)
app.command(rich_help_panel=_SERVICE)(service.serve)
app.command(rich_help_panel=_SERVICE)(service.check)
app.command(rich_help_panel=_SERVICE)(recovery.recover)
app.command(rich_help_panel=_SERVICE)(simulation.simulate)
app.command(rich_help_panel=_SERVICE)(demonstration.demo)
app.add_typer(federation.app, name="sites", rich_help_panel=_USE)
app.add_typer(policies.app, name="policy", rich_help_panel=_SERVICE)
