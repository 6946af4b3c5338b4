"""Which media type and dialect an answer gets, by the client's ``Accept``.

Source: RFC 9110, section 12.5.1. Where the client's qualities leave a tie, the more
specific range wins, then the earlier one, then our own order: as the reference
brokers do it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aggregator.domain.errors import NotAcceptable
from aggregator.wire.media_types import (
    ALIASES,
    MediaType,
    NamedType,
    media_type_named,
    parse_type,
)

# A quote that is never closed runs to the end: then the whole is read in one pass.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\\?$))+', re.DOTALL)
_QUALITY = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")

_REMEMBERED = 256
"""Headers: clients of one kind send the same again and again."""

_ANYTHING = 0
_ANY_SUBTYPE = 1
_EXACT = 2


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an answer is to be.

    Attributes:
        dialect: The ``dialect`` parameter of the range that won, unchecked.
    """

    media: MediaType
    dialect: str | None


@dataclass(frozen=True, slots=True)
class _Range:
    """One element of the header."""

    name: str
    dialect: str | None
    quality: float
    order: int

    def specificity(self, media: MediaType) -> int | None:
        """Return how closely the range names ``media``; None: not at all."""
        if self.name == "*/*":
            return _ANYTHING
        main, _, sub = self.name.partition("/")
        if sub == "*":
            covers = any(alias.startswith(f"{main}/") for alias in ALIASES[media])
            return _ANY_SUBTYPE if covers else None
        return _EXACT if media_type_named(self.name) is media else None


@dataclass(frozen=True, slots=True)
class _Candidate:
    accepted: Accepted
    quality: float
    specificity: int
    order: int

    def rank(self) -> tuple[float, int, bool, int]:
        plain = self.accepted.dialect is None
        return -self.quality, -self.specificity, plain, self.order


def negotiate(
    accept: str | None,
    offered: Sequence[MediaType] = (MediaType.JSON, MediaType.YAML),
    *,
    fault: Callable[[Accepted], str] | None = None,
) -> Accepted:
    """Return the best of ``offered`` for an ``Accept`` header.

    Args:
        accept: The header's value; None, nothing, or not one well-formed range in
            it mean that the client takes anything.
        offered: What the answer can be, best first.
        fault: Says why an answer can't be such after all, nothing where it can;
            then the client's next wish counts.

    Raises:
        NotAcceptable: The client takes none of them, or none that can be.
    """
    wishes = _wishes(accept or "", tuple(offered))
    if not wishes:
        names = ", ".join(media.value for media in offered)
        raise NotAcceptable(f"the answer can be {names}; none of them is accepted")
    reasons = []
    for wish in wishes:
        reason = fault(wish) if fault is not None else ""
        if not reason:
            return wish
        reasons.append(reason)
    raise NotAcceptable(reasons[0])


@lru_cache(maxsize=_REMEMBERED)
def _wishes(accept: str, offered: tuple[MediaType, ...]) -> tuple[Accepted, ...]:
    """Return what the client takes of what is offered, the dearest first."""
    ranges = list(_ranges_of(accept)) or [_Range("*/*", None, 1.0, 0)]
    candidates = [
        candidate for media in offered for candidate in _candidates(media, ranges)
    ]
    return tuple(one.accepted for one in sorted(candidates, key=_Candidate.rank))


def _ranges_of(accept: str) -> Iterator[_Range]:
    for order, element in enumerate(_ELEMENT.findall(accept)):
        named = parse_type(element)
        quality = None if named is None else _quality_of(named)
        if named is not None and quality is not None:
            dialect = named.parameters.get("dialect")
            yield _Range(named.name, dialect, quality, order)


def _quality_of(named: NamedType) -> float | None:
    text = named.parameters.get("q", "1")
    return float(text) if _QUALITY.fullmatch(text) else None


def _candidates(media: MediaType, ranges: Sequence[_Range]) -> Iterator[_Candidate]:
    """Yield what the ranges allow for one media type.

    The most specific range without a dialect decides for the type itself, so that
    a quality of zero takes it out of a wildcard; each with a dialect is a wish of
    its own.
    """
    matching = [
        (specificity, found)
        for found in ranges
        if (specificity := found.specificity(media)) is not None
    ]
    plain = [entry for entry in matching if entry[1].dialect is None]
    wishes = [entry for entry in matching if entry[1].dialect is not None]
    if plain:
        wishes.append(max(plain, key=lambda entry: (entry[0], entry[1].quality)))
    for specificity, found in wishes:
        if found.quality > 0:
            accepted = Accepted(media, found.dialect)
            yield _Candidate(accepted, found.quality, specificity, found.order)
