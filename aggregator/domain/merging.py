"""Merging: the offers of many sites in one set, each session with one owner.

The federated session keeps its site's uuid. Where two sites use one uuid, the
second keeps its offer under a minted uuid, so that nothing is ever routed to the
wrong site; where one of both is itself a meta-broker, it is the same session seen
twice, and is shown once. What a site offers to two requests is the first one's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import SiteAnswer

_NONE_TAKEN: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Merged:
    """Offers to rank, and those that are another offer seen once more.

    Attributes:
        duplicates: Offers of a meta-broker that another route reaches as well, and
            reservations that another set has: neither shown nor released.
    """

    offers: tuple[Offer, ...]
    duplicates: tuple[Offer, ...] = ()


def merge(
    answers: Sequence[SiteAnswer],
    *,
    known: Sequence[Offer] = (),
    taken: Mapping[str, str] = _NONE_TAKEN,
    metabrokers: Collection[str] = (),
) -> Merged:
    """Merge the offers of ``answers`` with those that the set has already.

    The result doesn't depend on the order of ``answers``: plain sites come before
    meta-brokers, and each kind in the order of the sites' names.

    Args:
        answers: What the sites brought.
        known: Offers that the set has; they stay as they are.
        taken: Uuids that sessions of other sets have, and at which sites these are.
        metabrokers: Names of the sites that are themselves meta-brokers.
    """
    merged = _Merging(taken, frozenset(metabrokers))
    for offer in known:
        merged.keep(offer)
    for answer in sorted(answers, key=lambda a: (a.site in metabrokers, a.site)):
        for offer in answer.offers:
            merged.add(offer)
    return Merged(tuple(merged.offers), tuple(merged.duplicates))


class _Merging:
    def __init__(self, taken: Mapping[str, str], metabrokers: frozenset[str]) -> None:
        self._taken = taken
        self._metabrokers = metabrokers
        self._owner: dict[str, str] = {}
        self._seen: set[tuple[str, str]] = set()
        self.offers: list[Offer] = []
        self.duplicates: list[Offer] = []

    def keep(self, offer: Offer) -> None:
        self._owner[offer.session] = offer.site
        self._seen.add((offer.site, offer.site_session))
        self.offers.append(offer)

    def add(self, offer: Offer) -> None:
        if (offer.site, offer.site_session) in self._seen:
            return
        owner = self._owner.get(offer.session)
        if owner is not None and self._metabrokers & {owner, offer.site}:
            self.duplicates.append(offer)
        elif (
            owner is not None
            or self._taken.get(offer.session, offer.site) != offer.site
        ):
            self._add_reservation(replace(offer, session=_minted(offer)))
        else:
            self._add_reservation(offer)

    def _add_reservation(self, offer: Offer) -> None:
        if offer.session in self._taken:
            # The site gave it to another request before, whose user isn't to lose it.
            self.duplicates.append(offer)
        else:
            self.keep(offer)


def _minted(offer: Offer) -> str:
    """Return a uuid of ours, the same for whatever request it was offered to."""
    return str(
        uuid5(NAMESPACE_URL, f"urn:metabroker:{offer.site}/{offer.site_session}")
    )
