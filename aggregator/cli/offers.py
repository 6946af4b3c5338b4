"""``request`` and ``offers``: asking for offers, and looking at them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.connection import (
    DEFAULT_URL,
    AsJson,
    Connection,
    TokenFile,
    Url,
    ask,
    resource,
)
from aggregator.cli.exits import ExitCode
from aggregator.cli.input_files import read_input

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aggregator.client import (
        BrokerClient,
        OfferSetAnswer,
        RankingAnswer,
        SiteReport,
    )

Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print the offers' uuids only, best first."),
]


def request(
    file: Annotated[str, typer.Argument(help="The request, YAML or JSON; - is stdin.")],
    *,
    wait: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds to wait for the sites.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="The ranking policy to use, by its name.")
    ] = None,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Ask all sites for offers; ends with 1 where there is none."""
    body = read_input(file)
    _ask_and_show(
        Connection(url, token_file),
        lambda broker: broker.submit(body, wait=wait, policy=policy),
        as_json=as_json,
        quiet=quiet,
    )


def show(
    offer_set: Annotated[str, typer.Argument(help="The offer set's uuid or URL.")],
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the offers of a request as they are now; ends with 1 where there is none."""
    _ask_and_show(
        Connection(url, token_file),
        lambda broker: broker.offer_set(resource(offer_set)),
        as_json=as_json,
        quiet=quiet,
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """An offer set with what a meta-broker knows beside it, and others don't."""

    offer_set: "OfferSetAnswer"
    ranking: "RankingAnswer | None"
    sites: "tuple[SiteReport, ...]"

    @property
    def sites_shown(self) -> frozenset[str]:
        """The sites whose offers are shown."""
        ranked = () if self.ranking is None else self.ranking.offers
        return frozenset(offer.site for offer in ranked)


def _ask_and_show(
    connection: Connection,
    get: "Callable[[BrokerClient], Awaitable[OfferSetAnswer]]",
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    async def look(broker: "BrokerClient") -> _Answer:
        offer_set = await get(broker)
        if as_json or quiet:
            return _Answer(offer_set, None, ())
        return await _explained(broker, offer_set)

    answer = ask(connection, look)
    offers = answer.offer_set.offers
    if as_json:
        from aggregator.cli.printing import print_json

        print_json(answer.offer_set.document)
    elif quiet:
        for offer in offers:
            typer.echo(offer.uuid)
    else:
        _show(answer)
    if not offers:
        raise typer.Exit(ExitCode.REFUSED)


async def _explained(broker: "BrokerClient", offer_set: "OfferSetAnswer") -> _Answer:
    from aggregator.client import BrokerProblem

    try:
        return _Answer(
            offer_set,
            await broker.ranking(offer_set.uuid),
            await broker.sites(offer_set.uuid),
        )
    except BrokerProblem as problem:
        if problem.may_pass:
            raise
        return _Answer(offer_set, None, ())


def _show(answer: _Answer) -> None:
    from aggregator.cli import offer_tables, words
    from aggregator.cli.printing import console

    out = console()
    offer_set, ranking = answer.offer_set, answer.ranking
    moment = None if ranking is None or not ranking.offers else ranking.moment
    ranked = "" if moment is None else f", ranked at {words.moment(moment)}"
    out.print(f"Offer set {offer_set.uuid}: {offer_set.result}{ranked}")
    if offer_set.offers:
        out.print()
        table = offer_tables.ranked_offers(offer_set.offers, ranking, width=out.width)
        out.print(table)
    missing = offer_tables.missing_sites(answer.sites, answer.sites_shown)
    if missing.row_count:
        out.print("\nSites without an offer:\n")
        out.print(missing)
    else:
        for message in offer_set.messages:
            out.print(f"{message.level}: {message.text}", markup=False)
    decided = offer_tables.decided(offer_set.offers, ranking)
    if decided is not None:
        out.print("\nWhat became of them:")
        out.print(decided)
    commands = list(offer_tables.acceptable(offer_set.offers, ranking))
    if commands and not offer_tables.is_taken(offer_set.offers):
        out.print("\nTake one before it expires:")
        for line in commands:
            out.print(line, markup=False, soft_wrap=True)
