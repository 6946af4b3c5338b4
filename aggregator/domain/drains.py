"""Drains: times for which operators keep new requests for offers off a site."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from aggregator.domain.errors import InvalidInput, Violation
from aggregator.domain.humane import humane_duration
from aggregator.domain.schedules import Duration

SHORTEST_DRAIN: Final = 1.0
LONGEST_DRAIN: Final = 30 * 86400.0
"""Seconds: who wants a site away for longer disables it in the configuration."""

LONGEST_REASON: Final = 500
_UNITS: Final = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(min|[smhdw])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Drain:
    """No new request for offers goes to ``site`` from ``since`` until ``until``.

    What was offered or runs there goes on.

    Attributes:
        by: Who wants it, as the audit trail names them.
        reason: Why, in words for the other operators and for users.
    """

    site: str
    since: datetime
    until: datetime
    by: str
    reason: str

    def holds_at(self, moment: datetime) -> bool:
        """Whether the drain is in force at ``moment``."""
        return self.since <= moment < self.until


class OperatorAction(StrEnum):
    """What operators do."""

    DRAIN = "drain"
    UNDRAIN = "undrain"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that an operator did.

    Attributes:
        uuid: Tells entries of one moment apart.
        by: Who: a token's subject and issuer, or the place that was trusted.
        until: When what was done ends by itself, None where it doesn't.
    """

    uuid: str
    moment: datetime
    by: str
    action: OperatorAction
    site: str
    reason: str
    until: datetime | None = None


def read_length(text: str) -> float:
    """Return the seconds of a length of time such as ``2h``, ``1h30m`` or ``PT2H``.

    Raises:
        InvalidInput: It is none, or not one for which a site can be drained.
    """
    try:
        seconds = _seconds(text)
    except ValueError:
        raise _wrong(
            "should be a length of time such as 2h, 90m, 1d or PT2H", "/for"
        ) from None
    if not SHORTEST_DRAIN <= seconds <= LONGEST_DRAIN:
        longest = humane_duration(LONGEST_DRAIN)
        raise _wrong(f"should be between a second and {longest}", "/for")
    return seconds


def read_reason(text: str) -> str:
    """Return a reason on one line.

    Raises:
        InvalidInput: There is none, or it is too long.
    """
    reason = " ".join(text.split())
    if not reason or not reason.isprintable():
        raise _wrong("should say why, for the other operators", "/reason")
    if len(reason) > LONGEST_REASON:
        raise _wrong(f"should have at most {LONGEST_REASON} characters", "/reason")
    return reason


def _seconds(text: str) -> float:
    stripped = text.strip()
    if stripped.upper().startswith("P"):
        return Duration.parse(stripped.upper()).approximate_seconds
    total, end = 0.0, 0
    while part := _PART.match(stripped, end):
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not stripped or end != len(stripped):
        raise ValueError(text)
    return total


def _wrong(reason: str, pointer: str) -> InvalidInput:
    violation = Violation(pointer, reason)
    return InvalidInput(f"{pointer.removeprefix('/')} {reason}", [violation])
