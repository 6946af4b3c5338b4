"""Instants, durations and intervals of ISO 8601, as schedules carry them.

A duration keeps its calendar part: ``P1M`` is a month, which has a length only
once it is added to a date. Source: ISO 8601-1:2019, 5.5.2 and 5.5.4.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH_UNKNOWN: Final = datetime(1971, 1, 1, tzinfo=UTC)
"""Brokers that don't know a start send a moment in 1970: earlier is unknown."""

_DURATION: Final = re.compile(
    r"(?P<sign>[+-]?)P(?=\d|T\d)"
    r"(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?"
    r"(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)
_DAYS_OF_A_MONTH: Final = 365.2425 / 12
_MONTHS_OF_A_YEAR: Final = 12
_LONGEST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: whole calendar months and a number of seconds."""

    months: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read an ISO 8601 duration such as ``PT10M`` or ``P1Y2M3DT4H``.

        Raises:
            ValueError: ``text`` isn't an ISO 8601 duration, or beyond any calendar.
        """
        match = _DURATION.fullmatch(text.strip())
        if match is None or re.search(rf"\d{{{_LONGEST_DIGITS},}}", text):
            raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT10M")
        part = {
            name: float((value or "0").replace(",", "."))
            for name, value in match.groupdict().items()
            if name != "sign"
        }
        sign = -1 if match["sign"] == "-" else 1
        days = part["weeks"] * 7 + part["days"]
        seconds = ((days * 24 + part["hours"]) * 60 + part["minutes"]) * 60
        return cls(
            months=sign * int(part["years"] * _MONTHS_OF_A_YEAR + part["months"]),
            seconds=sign * (seconds + part["seconds"]),
        )

    @property
    def approximate_seconds(self) -> float:
        """The length in seconds, with a month as a twelfth of a Gregorian year."""
        return self.seconds + self.months * _DAYS_OF_A_MONTH * 86400

    def after(self, moment: datetime) -> datetime:
        """Return the moment that lies this duration after ``moment``.

        Raises:
            ValueError: The result is beyond the calendar.
        """
        return _shifted(moment, self.months, self.seconds)

    def before(self, moment: datetime) -> datetime:
        """Return the moment that lies this duration before ``moment``.

        Raises:
            ValueError: The result is beyond the calendar.
        """
        return _shifted(moment, -self.months, -self.seconds)


def _shifted(moment: datetime, months: int, seconds: float) -> datetime:
    count = moment.year * _MONTHS_OF_A_YEAR + moment.month - 1 + months
    year, month = divmod(count, _MONTHS_OF_A_YEAR)
    try:
        first = moment.replace(year=year, month=month + 1, day=1)
        return first + timedelta(days=_day_within(first, moment.day), seconds=seconds)
    except OverflowError as error:
        raise ValueError("the date is beyond the calendar") from error


def _day_within(first: datetime, day: int) -> int:
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return min(day, (following - first).days) - 1


@dataclass(frozen=True, slots=True)
class StartInterval:
    """The moments between which something starts; both the same where it is exact."""

    earliest: datetime
    latest: datetime

    @classmethod
    def parse(cls, text: str, now: datetime | None = None) -> "StartInterval":
        """Read an ISO 8601 interval, or a plain instant, in any of its forms.

        Args:
            text: ``start/end``, ``start/duration``, ``duration/end``, a plain
                instant, or a plain duration, which counts from ``now``.
            now: The moment from which a plain duration counts.

        Raises:
            ValueError: ``text`` is none of these, or ends before it starts.
        """
        head, slash, tail = text.strip().partition("/")
        if not slash:
            if not head.startswith("P"):
                moment = parse_instant(head)
                return cls(moment, moment)
            if now is None:
                raise ValueError(f"{text!r} names no date")
            return cls(now, Duration.parse(head).after(now))
        if head.startswith("P"):
            latest = parse_instant(tail)
            earliest = Duration.parse(head).before(latest)
        else:
            earliest = parse_instant(head)
            latest = (
                Duration.parse(tail).after(earliest)
                if tail.startswith("P")
                else parse_instant(tail)
            )
        if latest < earliest:
            raise ValueError(f"{text!r} ends before it starts")
        return cls(earliest, latest)

    @property
    def is_unknown(self) -> bool:
        """Whether this is the moment in 1970 by which brokers say "don't know"."""
        return self.latest < EPOCH_UNKNOWN


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; one without an offset is taken as UTC.

    Raises:
        ValueError: ``text`` isn't an ISO 8601 date or date and time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return (
            moment.replace(tzinfo=UTC)
            if moment.tzinfo is None
            else moment.astimezone(UTC)
        )
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is not an ISO 8601 instant such as 2026-01-31T12:00:00Z"
        ) from error


def format_instant(moment: datetime) -> str:
    """Write a moment as the protocol has it: UTC, to the microsecond, with ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
