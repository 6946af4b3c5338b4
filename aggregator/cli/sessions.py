"""``accept``, ``reject``, ``cancel``, ``status`` and ``watch``: one session."""

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
from aggregator.cli.exits import ExitCode, fail
from aggregator.domain.phases import REFUSED, TAKEN, SessionPhase, session_phase

if TYPE_CHECKING:
    from aggregator.client import BrokerClient, Progress, SessionAnswer

Offer = Annotated[str, typer.Argument(help="The offer's uuid or URL.")]
Session = Annotated[str, typer.Argument(help="The session's uuid or URL.")]


def accept(
    offer: Offer,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Accept an offer; from then on it is a session at its site."""
    session = ask(Connection(url, token_file), lambda it: it.accept(resource(offer)))
    _show(session, as_json=as_json)
    if session_phase(session.phase) not in TAKEN:
        fail(f"the offer was not accepted: it is {session.phase}", ExitCode.REFUSED)


def reject(
    offer: Offer,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Turn an offer down, so that its site can free what it reserved."""
    session = ask(Connection(url, token_file), lambda it: it.reject(resource(offer)))
    _show(session, as_json=as_json)
    if session_phase(session.phase) not in REFUSED:
        fail(f"the offer was not rejected: it is {session.phase}", ExitCode.REFUSED)


def cancel(
    session: Session,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a session."""
    found = ask(Connection(url, token_file), lambda it: it.cancel(resource(session)))
    _show(found, as_json=as_json)
    if session_phase(found.phase) is not SessionPhase.CANCELLED:
        fail(f"the session was not cancelled: it is {found.phase}", ExitCode.REFUSED)


def status(
    session: Session,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a session, or an offer, as it is now."""
    found = ask(Connection(url, token_file), lambda it: it.session(resource(session)))
    _show(found, as_json=as_json)


def watch(
    session: Session,
    *,
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks.")
    ] = 2.0,
    timeout: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds after which to give up.")
    ] = None,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Follow a session's phases to its end; ends with 1 unless it is COMPLETED."""

    async def follow(broker: "BrokerClient") -> "SessionAnswer | None":
        last = None
        progresses = broker.watch(
            resource(session), interval=interval, deadline=timeout
        )
        async for progress in progresses:
            last = progress.session
            if not as_json:
                _print_changes(progress)
        return last

    last = ask(Connection(url, token_file), follow)
    if last is None:
        fail("the session shows no phase", ExitCode.REFUSED)
    if as_json:
        _show(last, as_json=True)
    if session_phase(last.phase) is not SessionPhase.COMPLETED:
        fail(f"the session ended {last.phase}", ExitCode.REFUSED)


def _show(session: "SessionAnswer", *, as_json: bool) -> None:
    from aggregator.cli.printing import console, print_json
    from aggregator.cli.tables import session_record

    if as_json:
        print_json(session.document)
    else:
        console().print(session_record(session))


def _print_changes(progress: "Progress") -> None:
    from aggregator.cli.printing import console
    from aggregator.cli.tables import phase_changes

    console().print(phase_changes(progress))
