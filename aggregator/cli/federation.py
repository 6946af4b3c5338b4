"""``sites``: the federation's sites and their health."""

from aggregator.cli.connection import (
    DEFAULT_URL,
    AsJson,
    Connection,
    TokenFile,
    Url,
    ask,
)


def sites(
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every site of the federation: its state, since when, and why."""
    found = ask(Connection(url, token_file), lambda it: it.federation_sites())
    from aggregator.cli.printing import console, print_json
    from aggregator.cli.tables import federation

    if as_json:
        print_json({"sites": [site.document for site in found]})
    else:
        console().print(federation(found))
