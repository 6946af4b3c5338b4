"""The port to the store for sessions whose routes were lost."""

from typing import Protocol

from aggregator.domain.records import OfferSet, Route, Winner


class Recovery(Protocol):
    """Keeping what was found again. Raises ``StoreUnavailable`` where it can't."""

    async def keep(self, offer_set: OfferSet, winner: Winner) -> Route:
        """Keep the set's only offer, its route and its winner, and watch it.

        Where the session has a route that stays as it is; only one that belongs to
        the operators comes into the ownership of ``offer_set``.

        Returns:
            The session's route as it is then.
        """
        ...
