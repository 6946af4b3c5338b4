"""``sites``: the federation's sites and their health, and what operators do to them."""

from typing import Annotated, Final

import typer

from aggregator.cli.connection import (
    DEFAULT_URL,
    AsJson,
    Connection,
    TokenFile,
    Url,
    ask,
)
from aggregator.cli.exits import ExitCode, fail
from aggregator.cli.plain_help import PlainTyper

_USUAL_LIMIT: Final = 50

app = PlainTyper(
    invoke_without_command=True,
    help="Show every site of the federation; drain sites, and see who did.",
)

SiteName = Annotated[str, typer.Argument(help="The site's name, such as jpsrc.")]


@app.callback()
def sites(
    context: typer.Context,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every site of the federation: its state, since when, and why."""
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    found = ask(Connection(url, token_file), lambda it: it.federation_sites())
    from aggregator.cli.printing import console, print_json
    from aggregator.cli.tables import federation

    if as_json:
        print_json({"sites": [site.document for site in found]})
    else:
        out = console()
        out.print(federation(found, width=out.width))


def _refuse_options_before(context: typer.Context) -> None:
    """An option before the subcommand would be lost on it, such as the URL."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--json" if name == "as_json" else f"--{name.replace('_', '-')}"
            fail(
                f"{option} belongs behind {context.invoked_subcommand}", ExitCode.USAGE
            )


@app.command()
def drain(
    site: SiteName,
    *,
    length: Annotated[
        str, typer.Option("--for", help="For how long, such as 2h, 90m or 1d.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for users and other operators.")],
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep new requests for offers off a site; what is offered or runs goes on."""
    found = ask(Connection(url, token_file), lambda it: it.drain(site, length, reason))
    from aggregator.cli.printing import print_json
    from aggregator.cli.words import moment

    if as_json:
        print_json(found.document)
    else:
        typer.echo(f"{found.name} is drained until {moment(found.drained_until)}")


@app.command()
def undrain(
    site: SiteName,
    *,
    reason: Annotated[
        str | None, typer.Option(help="Why, where that is to be remembered.")
    ] = None,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let requests for offers go to a site again."""
    found = ask(Connection(url, token_file), lambda it: it.undrain(site, reason))
    from aggregator.cli.printing import print_json

    if as_json:
        print_json(found.document)
    else:
        typer.echo(f"{found.name} is not drained; it is {found.state}")


@app.command()
def audit(
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many entries at most.")
    ] = _USUAL_LIMIT,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what operators did, the latest first."""
    found = ask(Connection(url, token_file), lambda it: it.audit(limit))
    from aggregator.cli.printing import console, print_json
    from aggregator.cli.tables import audit_trail

    if as_json:
        print_json({"entries": [entry.document for entry in found]})
    else:
        console().print(audit_trail(found))
