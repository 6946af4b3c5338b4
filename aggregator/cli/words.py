"""Quantities in words, also those that nobody knows."""

from datetime import datetime
from typing import Final

from aggregator.domain.humane import humane_duration, humane_size
from aggregator.domain.offers import Amount

UNKNOWN: Final = "?"


def in_time(seconds: float | None) -> str:
    """Return when something is, from now, such as ``in 3 min 20 s``."""
    if seconds is None:
        return UNKNOWN
    return f"in {humane_duration(seconds)}" if round(seconds) > 0 else "now"


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
