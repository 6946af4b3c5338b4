"""The door of ranking: values that mean nothing are taken as unsaid."""

from dataclasses import replace
from typing import Any, Final

from aggregator.domain.offers import DataItem, Offer, Quote
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval

LARGEST: Final = 1e15
"""What a quoted cost or metric counts as at most."""

LONGEST_S: Final = 1e9
"""What any length of time counts as at most: some 30 years, within any calendar."""

LARGEST_TOTAL: Final = 2**63 - 1
"""What bytes of several datasets count as at most."""

_LARGEST_SIZE: Final = 2**56


def admitted(offer: Offer) -> Offer:
    """Return an offer rid of values that are NaN, infinite, negative or of 1970."""
    sound: dict[str, Any] = {
        "start": _known(offer.start),
        "preparing": _amount(offer.preparing),
        "available": _amount(offer.available),
        "data": tuple(map(_sized, offer.data)),
        "costs": tuple(map(_cost, offer.costs)),
        "metrics": tuple(map(_metric, offer.metrics)),
    }
    # Nearly every offer is sound, and making another costs more than looking.
    if all(getattr(offer, name) == value for name, value in sound.items()):
        return offer
    return replace(offer, **sound)


def admitted_request(request: ExecutionRequest) -> ExecutionRequest:
    """Return a request rid of values that are NaN, infinite, negative or of 1970."""
    return replace(
        request,
        start=_known(request.start),
        duration=_amount(request.duration),
        data=tuple(map(_sized, request.data)),
        costs=tuple(map(_cost, request.costs)),
        metrics=tuple(map(_metric, request.metrics)),
    )


def clipped(seconds: float) -> float:
    """Return seconds within ``LONGEST_S`` on both sides; NaN is the longest."""
    if -LONGEST_S <= seconds <= LONGEST_S:
        return seconds
    return -LONGEST_S if seconds < 0 else LONGEST_S


def size_or_none(size: int | None) -> int | None:
    """Return a size in bytes, None where it can't be one."""
    return size if size is not None and 0 <= size <= _LARGEST_SIZE else None


def _known(start: StartInterval | None) -> StartInterval | None:
    return None if start is None or start.is_unknown else start


def _number(value: float | None) -> float | None:
    if value is None or not value >= -LARGEST:
        return None
    return None if value == float("inf") else min(value, LARGEST)


def _amount(value: float | None) -> float | None:
    number = _number(value)
    return None if number is None or number < 0 else number


def _sized(item: DataItem) -> DataItem:
    size = size_or_none(item.size)
    return item if size == item.size else replace(item, size=size)


def _cost(quote: Quote) -> Quote:
    return _bounded(quote, _amount(quote.min), _amount(quote.max))


def _metric(quote: Quote) -> Quote:
    return _bounded(quote, _number(quote.min), _number(quote.max))


def _bounded(quote: Quote, least: float | None, most: float | None) -> Quote:
    same = (least, most) == (quote.min, quote.max)
    return quote if same else replace(quote, min=least, max=most)
