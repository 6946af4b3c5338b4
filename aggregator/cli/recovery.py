"""``recover``: routes to sessions that were lost with the store."""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from aggregator.cli.connection import AsJson, resource
from aggregator.cli.exits import ExitCode, fail
from aggregator.cli.service import DEFAULT, ConfigFile, refuse

if TYPE_CHECKING:
    from aggregator.domain.principal import Principal
    from aggregator.services.recovering import Recovered

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST_FILE: Final = 16 * 2**20


def recover(
    *,
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="SESSION", help="Uuids or URLs of sessions."),
    ] = None,
    config: ConfigFile = DEFAULT,
    from_file: Annotated[
        Path | None,
        typer.Option("--from-file", help="A file with one of these on each line."),
    ] = None,
    owner: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--owner",
            metavar="ISSUER SUBJECT",
            help="Whose they are; else the operators', or everybody's where auth is "
            "off. Sessions of the operators' can be given to their owner so.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find sessions at the sites whose routes were lost, and serve them again.

    Ends with 1 where one was not found. The service may run meanwhile.
    """
    wanted = list(_uuids([*(sessions or ()), *_lines(from_file)]))
    if not wanted:
        fail("name sessions, or a file of them with --from-file", ExitCode.USAGE)
    found = _recover(config, wanted, owner)
    if as_json:
        from aggregator.cli.printing import print_json

        print_json({"sessions": [_document(one) for one in found]})
    else:
        for one in found:
            typer.echo(_line(one))
    if any(one.route is None for one in found):
        raise typer.Exit(ExitCode.REFUSED)


def _lines(file: Path | None) -> Iterator[str]:
    if file is None:
        return
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_LARGEST_FILE)
    except OSError as error:
        fail(f"can't read {file}: {error.strerror}", ExitCode.USAGE)
    except UnicodeDecodeError:
        fail(f"{file} is not text in UTF-8", ExitCode.USAGE)
    for line in text.splitlines():
        uuid, _, _ = line.partition("#")
        if uuid.strip():
            yield uuid.strip()


def _uuids(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        uuid = resource(text).lower()
        if not _UUID.fullmatch(uuid):
            fail(f"{text!r} is no session's uuid", ExitCode.USAGE)
        yield uuid


def _recover(
    config: Path, sessions: list[str], owner: tuple[str, str] | None
) -> "list[Recovered]":
    from aggregator import wiring
    from aggregator.configuration.problems import ConfigurationError
    from aggregator.domain.errors import StoreUnavailable

    try:
        configuration = wiring.load_configuration(config, os.environ)
        return asyncio.run(wiring.recover(configuration, sessions, _principal(owner)))
    except ConfigurationError as error:
        refuse(error)
    except StoreUnavailable as error:
        fail(error.detail, ExitCode.REFUSED)


def _principal(owner: tuple[str, str] | None) -> "Principal | None":
    from aggregator.domain.principal import Principal

    return None if owner is None else Principal(owner[0].removesuffix("/"), owner[1])


def _line(one: "Recovered") -> str:
    if one.route is None:
        said = "; ".join(f"{r.site}: {r.detail or r.outcome}" for r in one.readings)
        return f"{one.session} not found ({said})"
    phase = one.route.last_payload.get("phase", "in no known phase")
    return f"{one.session} {one.route.site} {phase}"


def _document(one: "Recovered") -> dict[str, Any]:
    return {
        "session": one.session,
        "site": one.route.site if one.route is not None else None,
        "phase": one.route.last_payload.get("phase") if one.route is not None else None,
        "answers": {reading.site: reading.outcome.value for reading in one.readings},
    }
