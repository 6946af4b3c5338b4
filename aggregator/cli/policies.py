"""``policy``: check ranking policies, explain orders, try policies and replay them."""

from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

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
from aggregator.cli.exits import ExitCode, fail
from aggregator.cli.input_files import read_input
from aggregator.cli.plain_help import PlainTyper

if TYPE_CHECKING:
    from aggregator.client import BrokerClient, DecisionAnswer, RankingAnswer
    from aggregator.domain.ranking.policy import Policy

_ATTEMPTS: Final = 10
_PAUSE: Final = 0.3

app = PlainTyper(
    help="Check, explain, try and replay ranking policies.", no_args_is_help=True
)

PolicyFile = Annotated[
    Path, typer.Option("--policy", "-p", help="The policy's file, YAML.")
]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Files of policies.")],
    *,
    sites: Annotated[
        Path | None,
        typer.Option(help="sites.yaml, to check the names of sites as well."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check policies; ends with 1 where one is bad, and says where and why."""
    from aggregator.cli.service import print_verdict, print_warnings, refuse
    from aggregator.configuration.components import installed_components
    from aggregator.configuration.policies import load_policies
    from aggregator.configuration.problems import ConfigurationError, Findings

    findings = Findings()
    try:
        policies = load_policies(files, installed_components(), sites, findings)
    except ConfigurationError as error:
        if not as_json:
            refuse(error)
        print_verdict(error.problems, ok=False)
        raise typer.Exit(ExitCode.REFUSED) from None
    if as_json:
        print_verdict(findings.warnings, ok=True)
        return
    print_warnings(findings.warnings)
    for file, policy in zip(files, policies, strict=True):
        typer.echo(f"{file}: good; {_described(policy)}")


@app.command()
def explain(
    offer_set: Annotated[str, typer.Argument(help="The offer set's uuid or URL.")],
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Say why the offers of a set stand in their order, and what was taken out."""
    ranking = ask(
        Connection(url, token_file), lambda broker: broker.ranking(resource(offer_set))
    )
    from aggregator.cli.policy_tables import show_ranking
    from aggregator.cli.printing import console, print_json

    if as_json:
        print_json(ranking.document)
    else:
        show_ranking(console(), ranking)


@app.command("try")
def try_(
    request: Annotated[
        str | None, typer.Argument(help="The request, YAML or JSON; - is stdin.")
    ] = None,
    *,
    policy: PolicyFile,
    offer_set: Annotated[
        str | None,
        typer.Option(
            "--offerset",
            help="Use this set, by uuid or URL, as it was stored; no site is asked.",
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Leave the offers that were asked for open, to take one."
        ),
    ] = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Rank one request's offers by a policy file, beside how they were ranked.

    Without --offerset the sites are asked once, and their offers are given back
    afterwards. The ranking by the file is made here: the broker needn't know it.
    """
    if (request is None) == (offer_set is None):
        fail("give either a request or --offerset", ExitCode.USAGE)
    trial = load_policy(policy)
    body = None if request is None else read_input(request)

    async def look(broker: "BrokerClient") -> "tuple[RankingAnswer, DecisionAnswer]":
        if body is None:
            uuid = resource(offer_set or "")
            return await broker.ranking(uuid), await _decision(broker, uuid)
        offers = await broker.submit(body)
        found = await broker.ranking(offers.uuid), await _decision(broker, offers.uuid)
        if not keep:
            await _give_back(broker, [offer.uuid for offer in offers.offers])
        return found

    before, decision = ask(Connection(url, token_file), look)
    _show_trial(before, decision, trial, as_json=as_json)


@app.command()
def replay(
    *,
    policy: PolicyFile,
    since: Annotated[
        str, typer.Option(help="A moment, or a time ago such as 7d, 12h or 30m.")
    ] = "7d",
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the broker's past decisions again by a policy file; no site is asked.

    Reports whose offers would have come first instead, with the seconds by which
    sessions would have started earlier or later, and the bytes to move.
    """
    load_policy(policy)
    text = read_input(str(policy))
    found = ask(Connection(url, token_file), lambda broker: broker.replay(text, since))
    from aggregator.cli.policy_tables import show_replay
    from aggregator.cli.printing import console, print_json

    if as_json:
        print_json(found.document)
    else:
        show_replay(console(), found)


@app.command()
def reference() -> None:
    """Print the reference of all filters and weighers that are installed, Markdown."""
    from aggregator.cli.service import refuse
    from aggregator.configuration.components import installed_components
    from aggregator.configuration.policy_reference import policy_reference
    from aggregator.configuration.problems import ConfigurationError

    try:
        typer.echo(policy_reference(installed_components()), nl=False)
    except ConfigurationError as error:
        refuse(error)


def load_policy(file: Path) -> "Policy":
    """Return the policy in ``file``, or say what is wrong and end the command."""
    from aggregator.cli.service import refuse
    from aggregator.configuration.components import installed_components
    from aggregator.configuration.policies import load_policies
    from aggregator.configuration.problems import ConfigurationError

    try:
        [policy] = load_policies([file], installed_components())
    except ConfigurationError as error:
        refuse(error)
    return policy


def _described(policy: "Policy") -> str:
    identity = policy.identity
    return (
        f"policy {identity.name} revision {identity.revision},"
        f" {_count(policy.filters, 'filter')}, {_count(policy.weighers, 'weigher')},"
        f" sha256 {identity.sha256[:12]}"
    )


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


async def _decision(broker: "BrokerClient", uuid: str) -> "DecisionAnswer":
    """Return the decision about a set; that of a new one takes a moment to come."""
    import asyncio
    from http import HTTPStatus

    from aggregator.client import BrokerProblem

    for _ in range(_ATTEMPTS):
        try:
            return await broker.decision(uuid)
        except BrokerProblem as problem:
            is_missing = problem.status == HTTPStatus.NOT_FOUND
            if not is_missing or problem.retry_after is None:
                raise
        await asyncio.sleep(_PAUSE)
    return await broker.decision(uuid)


async def _give_back(broker: "BrokerClient", offers: list[str]) -> None:
    """Reject offers that were only asked for to be ranked; what fails expires."""
    from aggregator.client import BrokerError

    for uuid in offers:
        try:
            await broker.reject(uuid)
        except BrokerError as error:
            typer.echo(f"{uuid} is not given back: {error}", err=True)


def _show_trial(
    before: "RankingAnswer",
    decision: "DecisionAnswer",
    trial: "Policy",
    *,
    as_json: bool,
) -> None:
    from aggregator.cli.policy_tables import show_trial
    from aggregator.cli.printing import console, print_json
    from aggregator.client import RankingAnswer
    from aggregator.domain.errors import PolicyFailed
    from aggregator.domain.ranking.replay import replayed

    try:
        ranking = replayed(trial, decision.inputs)
    except ValueError as error:
        fail(f"the decision can't be made again here: {error}", ExitCode.REFUSED)
    except PolicyFailed as error:
        fail(error.detail, ExitCode.REFUSED)
    after = RankingAnswer(ranking.as_document())
    if as_json:
        print_json(
            {
                "offerset": decision.document.get("offerset"),
                "before": before.document,
                "after": after.document,
            }
        )
    else:
        show_trial(console(), before, after)
