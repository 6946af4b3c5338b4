"""Merging: the offers of many sites in one set, each session with one owner.

The federated session keeps its site's uuid. Where two sites use one uuid, the
second keeps its offer under a minted uuid, so that nothing is ever routed to the
wrong site; where one of both is itself a meta-broker, it is the same session seen
twice, and is shown once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import SiteAnswer


@dataclass(frozen=True, slots=True)
class Merged:
    """Offers to rank, and those that are another offer seen once more.

    Attributes:
        duplicates: Offers of a meta-broker that another route reaches as well:
            neither shown nor released.
    """

    offers: tuple[Offer, ...]
    duplicates: tuple[Offer, ...] = ()


def merge(
    offer_set: str,
    answers: Sequence[SiteAnswer],
    *,
    known: Sequence[Offer] = (),
    taken: Collection[str] = (),
    metabrokers: Collection[str] = (),
) -> Merged:
    """Merge the offers of ``answers`` with those that the set has already.

    The result doesn't depend on the order of ``answers``: plain sites come before
    meta-brokers, and each kind in the order of the sites' names.

    Args:
        offer_set: The uuid of the set, from which uuids are minted.
        answers: What the sites brought.
        known: Offers that the set has; they stay as they are.
        taken: Uuids that sessions of other sets have.
        metabrokers: Names of the sites that are themselves meta-brokers.
    """
    merged = _Merging(offer_set, frozenset(taken), frozenset(metabrokers))
    for offer in known:
        merged.keep(offer)
    for answer in sorted(answers, key=lambda a: (a.site in metabrokers, a.site)):
        for offer in answer.offers:
            merged.add(offer)
    return Merged(tuple(merged.offers), tuple(merged.duplicates))


class _Merging:
    def __init__(
        self, offer_set: str, taken: frozenset[str], metabrokers: frozenset[str]
    ) -> None:
        self._namespace = UUID(offer_set)
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
        elif owner is not None or offer.session in self._taken:
            self.keep(replace(offer, session=self._minted(offer)))
        else:
            self.keep(offer)

    def _minted(self, offer: Offer) -> str:
        return str(uuid5(self._namespace, f"{offer.site}/{offer.site_session}"))
