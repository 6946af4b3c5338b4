"""Quotes: reading costs and metrics of one type out of an offer or a request."""

from collections.abc import Iterable
from typing import Final, Literal

from aggregator.domain.offers import Quote

Bound = Literal["min", "max"]
ANY_TYPE: Final = "*"


def quoted(quotes: Iterable[Quote], kind: str, bound: Bound) -> float | None:
    """Return the sum of one bound over all quotes of a type.

    A quote that lacks the bound counts with its other one.

    Args:
        quotes: What an offer says.
        kind: The type's URI; ``*`` is every type.
        bound: Which end of a quote counts.

    Returns:
        None where nothing of that type is quoted.
    """
    amounts = [
        amount
        for quote in quotes
        if kind in (ANY_TYPE, quote.type)
        and (amount := _amount(quote, bound)) is not None
    ]
    return sum(amounts) if amounts else None


def _amount(quote: Quote, bound: Bound) -> float | None:
    first, second = quote.min, quote.max
    if bound == "max":
        first, second = second, first
    return second if first is None else first
