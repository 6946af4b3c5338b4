"""Quantities in words, also those that nobody knows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aggregator.client import SiteReport
from aggregator.domain.humane import humane_duration, humane_size
from aggregator.domain.offers import Amount
from aggregator.domain.outcomes import Outcome

UNKNOWN: Final = "?"
NOT_YET: Final = "not yet"

_OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.OK: "none of its offers is shown",
    Outcome.NO_OFFER: "it said NO",
    Outcome.PENDING: "no answer yet; its offers may still join",
    Outcome.CANCELLED: "no answer before the set was decided",
    Outcome.TIMEOUT: "no answer in time",
    Outcome.BREAKER_OPEN: "not asked: it failed too often of late",
    Outcome.DRAINED: "not asked: it is drained",
    Outcome.DOWNTIME: "not asked: it is in a downtime",
    Outcome.DISABLED: "not asked: it is disabled",
    Outcome.BUSY: "not asked: too many calls to it are open",
    Outcome.LOOP: "not asked: the request came from there",
}

_MEANT: Final[Mapping[str, str]] = {
    Outcome.UNAUTHORIZED: "it wants credentials",
    Outcome.FORBIDDEN: "it doesn't allow this user",
}
"""What the detail of an outcome, such as a status, doesn't say by itself."""


def in_time(seconds: float | None) -> str:
    """Return when something is, from now, such as ``in 3 min 20 s``."""
    if seconds is None:
        return UNKNOWN
    return f"in {humane_duration(seconds)}" if round(seconds) > 0 else "now"


def ago(found: datetime | None) -> str:
    """Return how long ago a moment was, by this machine's clock; None is to come."""
    if found is None:
        return NOT_YET
    seconds = (datetime.now(UTC) - found).total_seconds()
    return f"{humane_duration(max(seconds, 0.0))} ago"


def no_offer_because(report: SiteReport) -> str:
    """Return why a site made no offer: in its own words, where it has some."""
    said = "; ".join(message.text for message in report.messages if message.text)
    outcome = report.outcome
    meant = _MEANT.get(outcome)
    if meant is not None:
        return f"{meant}: {report.detail}" if report.detail else meant
    return report.detail or said or _OUTCOMES.get(outcome, outcome.replace("_", " "))


def size(count: int | None) -> str:
    """Return a number of bytes, such as ``25.0 TiB``."""
    return UNKNOWN if count is None else humane_size(count)


def amount(found: Amount, unit: str = "") -> str:
    """Return an amount such as ``2``, ``2-4`` or ``2 GiB``."""
    least, most = found.min, found.max
    if least is None and most is None:
        return UNKNOWN
    if least is None or most is None or least == most:
        words = str(most if least is None else least)
    else:
        words = f"{least}-{most}"
    return f"{words} {unit}" if unit else words


def moment(found: datetime | None) -> str:
    """Return a moment to the second, in UTC."""
    return UNKNOWN if found is None else f"{found:%Y-%m-%d %H:%M:%S} UTC"


def until(expires: datetime | None) -> str:
    """Return until when an offer can be taken, in UTC; empty where it doesn't say."""
    return "" if expires is None else f"until {expires:%H:%M:%S} UTC"
