"""Known offer sets: as the store has them, or while it is away, as they were last."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cachetools import LRUCache

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.records import OfferSet, Route
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSets, Routes
from aggregator.services.limits import StatusLimits
from aggregator.services.punctual import PATIENCE


@dataclass(frozen=True, slots=True)
class KnownOfferSet:
    """An offer set, with what was learnt of its sessions since it was made.

    Attributes:
        routes: By session; none of a set that was just made.
        read: When this was so.
        fault: Why the store could not be read since; empty where it was read now.
    """

    offer_set: OfferSet
    routes: Mapping[str, Route]
    read: datetime
    fault: str = ""


class KnownOfferSets:
    """Reads offer sets, and remembers those that were read or made here lately."""

    def __init__(
        self, offer_sets: OfferSets, routes: Routes, clock: Clock, limits: StatusLimits
    ) -> None:
        self._offer_sets = offer_sets
        self._routes = routes
        self._clock = clock
        self._largest = limits.cached_offers
        self._known: LRUCache[str, KnownOfferSet] = LRUCache(
            limits.cached_offers, getsizeof=_size
        )

    def remember(self, offer_set: OfferSet) -> None:
        """Remember a set that was just made."""
        self._remember(KnownOfferSet(offer_set, {}, self._clock.now()))

    async def get(self, uuid: str) -> KnownOfferSet | None:
        """Return a set, None where there is none of that uuid.

        Raises:
            StoreUnavailable: It isn't known whether there is one.
        """
        known = self._known.get(uuid)
        if known is None:
            return await self._read(uuid)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._read(uuid)
        except StoreUnavailable as error:
            return replace(known, fault=error.detail)
        except TimeoutError:
            return replace(known, fault="it did not answer in time")

    async def _read(self, uuid: str) -> KnownOfferSet | None:
        offer_set = await self._offer_sets.get(uuid)
        if offer_set is None:
            self._known.pop(uuid, None)
            return None
        routes = await self._routes.of_offer_set(uuid)
        known = KnownOfferSet(
            offer_set, {route.session: route for route in routes}, self._clock.now()
        )
        self._remember(known)
        return known

    def _remember(self, known: KnownOfferSet) -> None:
        if _size(known) <= self._largest:
            self._known[known.offer_set.uuid] = known


def _size(known: KnownOfferSet) -> int:
    return 1 + len(known.offer_set.offers)
