"""Reaching a broker: the options for it, and its errors as words and exit codes."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import typer

from aggregator.cli.exits import ExitCode, fail

if TYPE_CHECKING:
    from aggregator.client import BrokerClient, BrokerProblem

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""Where ``metabroker serve`` listens unless it is told otherwise."""

_TOKEN_VARIABLES: Final = ("METABROKER_TOKEN", "ACCESS_TOKEN")
_LONGEST_TOKEN: Final = 2**16

Url = Annotated[
    str,
    typer.Option("--url", envvar="METABROKER_URL", help="The broker's base URL."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="A file with the access token. Without it the token is taken from "
        "METABROKER_TOKEN or ACCESS_TOKEN, where one of them is set.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of text.")
]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the broker."""

    url: str
    token_file: Path | None = None


def ask(connection: Connection, use: Callable[["BrokerClient"], Awaitable[_T]]) -> _T:
    """Run ``use`` with a client of the broker and return what it returns.

    An error ends the command: its words go to standard error, its kind decides the
    exit code.
    """
    from aggregator.client import BrokerError, BrokerProblem

    client = _client(connection)
    try:
        return asyncio.run(_use(client, use))
    except BrokerProblem as problem:
        explain(problem)
    except BrokerError as error:
        fail(str(error), ExitCode.UNREACHABLE)


async def _use(
    client: "BrokerClient", use: Callable[["BrokerClient"], Awaitable[_T]]
) -> _T:
    async with client:
        return await use(client)


def _client(connection: Connection) -> "BrokerClient":
    from aggregator.client import BrokerClient, InsecureToken

    try:
        return BrokerClient(connection.url, _token(connection.token_file))
    except InsecureToken as error:
        fail(str(error), ExitCode.CREDENTIALS)
    except ValueError as error:
        fail(str(error), ExitCode.USAGE)


def _token(file: Path | None) -> str | None:
    if file is None:
        values = (os.environ.get(name, "").strip() for name in _TOKEN_VARIABLES)
        return next(filter(None, values), None)
    try:
        with file.open(encoding="ascii") as opened:
            token = opened.read(_LONGEST_TOKEN).strip()
    except OSError as error:
        fail(f"can't read {file}: {error.strerror}", ExitCode.CREDENTIALS)
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable() or " " in token:
        fail(f"{file} holds no token", ExitCode.CREDENTIALS)
    return token


def resource(text: str) -> str:
    """Return the uuid in ``text``, be it one or the URL of what it names."""
    return urlsplit(text).path.rstrip("/").rpartition("/")[2] or text


def explain(problem: "BrokerProblem") -> NoReturn:
    """Say what the broker objected to, and end the command."""
    from aggregator.cli.words import no_offer_because
    from aggregator.domain.outcomes import Outcome

    lines = [problem.detail or problem.title]
    for violation in problem.violations:
        place = violation.pointer or "the document"
        if violation.line is not None:
            place = f"line {violation.line}, column {violation.column}, {place}"
        lines.append(f"{place}: {violation.reason}")
    lines += [
        f"{report.site}: {no_offer_because(report)}"
        for report in problem.sites
        if report.site
    ]
    if any(report.outcome == Outcome.PENDING for report in problem.sites):
        lines.append(
            f"late offers may still come: metabroker offers {problem.offer_set}"
        )
    if problem.retry_after is not None:
        lines.append(f"try again in {problem.retry_after:g} s")
    if problem.status == HTTPStatus.UNAUTHORIZED:
        places = ("--token-file", *_TOKEN_VARIABLES)
        lines.append(f"a token is read from {', '.join(places[:-1])} or {places[-1]}")
    fail("\n  ".join(lines), _code(problem))


def _code(problem: "BrokerProblem") -> ExitCode:
    if problem.wants_credentials:
        return ExitCode.CREDENTIALS
    if problem.may_pass:
        return ExitCode.UNREACHABLE
    input_faults = {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
    return ExitCode.USAGE if problem.status in input_faults else ExitCode.REFUSED
