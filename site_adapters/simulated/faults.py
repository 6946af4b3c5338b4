"""Faults: one-off misbehaviour that a test scripts into a simulated site.

A fault says what goes wrong at one call: before the broker acts on it, while it
answers, or with the answer itself. They combine by ``dataclasses.replace``.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from site_adapters.simulated.site import Operation
from site_adapters.simulated.vocabulary import Vocabulary

Rewrite: TypeAlias = Callable[[dict[str, Any], Vocabulary], Any]
"""Called with the document that would be answered; returns what is."""

_LONG_AGO: Final = "2001-01-01T00:00:00Z"


class Ending(StrEnum):
    """How the sending of an answer ends."""

    WHOLE = "whole"
    SHORT = "short"
    RESET = "reset"
    STALL = "stall"
    DRIP = "drip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong at one call.

    Attributes:
        delay: Seconds before the broker acts.
        hold: Seconds between acting and answering.
        drops_before: Whether the connection is closed before the broker acts.
        drops_after: Whether it is closed when the broker has acted, unanswered.
        ignores: Whether the broker answers as if it acted, and doesn't.
        status: The status to answer with instead of acting.
        headers: Headers that are added to the answer, or replaced in it.
        content_type: The media type that the answer claims to have.
        body: The bytes to answer with, instead of a document.
        rewrite: What is made of the document.
        padding: Bytes of white space that come before the body.
        ending: How the sending ends: ``SHORT`` sends half of the body as if it were
            the whole; ``RESET`` and ``STALL`` stop in the middle of it, closing the
            connection or leaving it; ``DRIP`` sends a byte at a time.
        pause: Seconds that ``STALL`` lasts, or between two bytes of ``DRIP``.
    """

    delay: float = 0.0
    hold: float = 0.0
    drops_before: bool = False
    drops_after: bool = False
    ignores: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    body: bytes | None = None
    rewrite: Rewrite | None = None
    padding: int = 0
    ending: Ending = Ending.WHOLE
    pause: float = 30.0


def error(status: int, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with an error status without acting, such as 503 with Retry-After."""
    return Fault(status=status, headers=headers or {})


def late(seconds: float) -> Fault:
    """Act only after ``seconds``."""
    return Fault(delay=seconds)


def lost_request() -> Fault:
    """Close the connection before acting."""
    return Fault(drops_before=True)


def lost_answer(hold: float = 0.0) -> Fault:
    """Act, wait for ``hold`` seconds and close the connection without an answer."""
    return Fault(drops_after=True, hold=hold)


def ignored() -> Fault:
    """Answer 200 with the unchanged session instead of updating it."""
    return Fault(ignores=True)


def html(status: int = 200) -> Fault:
    """Answer with an HTML page, as a proxy in front of a site does."""
    page = b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
    return Fault(status=status, body=page, content_type="text/html")


def truncated() -> Fault:
    """Answer with the first half of the document."""
    return Fault(ending=Ending.SHORT)


def reset() -> Fault:
    """Close the connection in the middle of the body."""
    return Fault(ending=Ending.RESET)


def stalled(seconds: float = 30.0) -> Fault:
    """Stop in the middle of the body, for ``seconds`` at most."""
    return Fault(ending=Ending.STALL, pause=seconds)


def dripping(pause: float = 1.0) -> Fault:
    """Send a byte every ``pause`` seconds."""
    return Fault(ending=Ending.DRIP, pause=pause)


def huge(size: int = 64 * 2**20) -> Fault:
    """Send ``size`` bytes of white space before the document."""
    return Fault(padding=size)


def garbage(content_type: str = "application/x-garbage") -> Fault:
    """Claim a media type that nobody asked for."""
    return Fault(content_type=content_type)


def raw(body: bytes, content_type: str = "application/json") -> Fault:
    """Answer with these bytes."""
    return Fault(status=200, body=body, content_type=content_type)


def redirected(location: str, status: int = 303) -> Fault:
    """Answer with a redirect to ``location`` and without a body.

    A path that is the call's own makes a loop.
    """
    return Fault(status=status, headers={"Location": location})


def rewritten(rewrite: Rewrite) -> Fault:
    """Answer with what ``rewrite`` makes of the document."""
    return Fault(rewrite=rewrite)


def duplicate_uuids() -> Fault:
    """Give every offer the uuid of the first."""

    def rewrite(document: dict[str, Any], words: Vocabulary) -> Any:
        uuids = [words.identity(one)["uuid"] for one in _sessions(document)]
        for session in _sessions(document):
            words.identity(session)["uuid"] = uuids[0]
        return document

    return Fault(rewrite=rewrite)


def given_uuid(uuid: str) -> Fault:
    """Give the session, or the first offer, the uuid ``uuid``."""

    def rewrite(document: dict[str, Any], words: Vocabulary) -> Any:
        for session in _sessions(document)[:1]:
            words.identity(session)["uuid"] = uuid
        return document

    return Fault(rewrite=rewrite)


def expired(at: str = _LONG_AGO) -> Fault:
    """Let every offer expire at ``at``, an instant."""
    return _sessions_with(expires=at)


def shown_phase(phase: Any) -> Fault:
    """Give every session ``phase``, which may be none that is known."""
    return _sessions_with(phase=phase)


def hrefs_to(origin: str) -> Fault:
    """Let every URL of offer sets, sessions and components point to ``origin``."""

    def rewrite(document: dict[str, Any], words: Vocabulary) -> Any:
        def moved(value: Any) -> Any:
            path = "/".join(value.split("/")[3:])
            return f"{origin}/{path}"

        return _mapped(document, words.url_key, moved)

    return Fault(rewrite=rewrite)


def no_schedule() -> Fault:
    """Leave out every schedule."""
    return Fault(rewrite=lambda document, _: _mapped(document, "schedule", None))


def wrong_types() -> Fault:
    """Answer with a document of the right members with the wrong types."""

    def rewrite(document: dict[str, Any], words: Vocabulary) -> Any:
        for session in _sessions(document):
            words.identity(session)["uuid"] = 5
            session.update(phase={}, expires=[1], schedule="soon")
        return {name: _wrong(name, one) for name, one in document.items()}

    return Fault(rewrite=rewrite)


def _wrong(name: str, value: Any) -> Any:
    return 1 if name == "result" else value


def _sessions_with(**members: Any) -> Fault:
    def rewrite(document: dict[str, Any], words: Vocabulary) -> Any:
        del words
        for session in _sessions(document):
            session.update(members)
        return document

    return Fault(rewrite=rewrite)


def _sessions(document: dict[str, Any]) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = document.get("offers", [])
    return sessions if "result" in document else [document]


def _mapped(value: Any, key: str, change: Callable[[Any], Any] | None) -> Any:
    """Change every member called ``key`` within ``value``, None leaves it out."""
    if isinstance(value, dict):
        return {
            name: change(one) if change and name == key else _mapped(one, key, change)
            for name, one in value.items()
            if change or name != key
        }
    if isinstance(value, list):
        return [_mapped(one, key, change) for one in value]
    return value


class Script:
    """The faults that are still to come, by operation."""

    def __init__(self) -> None:
        self._faults: dict[Operation, deque[list[Any]]] = {}

    def add(self, operation: Operation, fault: Fault, times: int | None) -> None:
        """Let the next ``times`` calls of ``operation`` go wrong; None is for all."""
        self._faults.setdefault(operation, deque()).append([fault, times])

    def take(self, operation: Operation) -> Fault | None:
        """Return the fault of the call that is beginning, None where it goes well."""
        waiting = self._faults.get(operation)
        if not waiting:
            return None
        entry = waiting[0]
        if entry[1] is not None:
            entry[1] -= 1
            if entry[1] <= 0:
                waiting.popleft()
        fault: Fault = entry[0]
        return fault

    def clear(self, operations: Iterable[Operation] = tuple(Operation)) -> None:
        """Drop the faults that are still to come."""
        for operation in operations:
            self._faults.pop(operation, None)
