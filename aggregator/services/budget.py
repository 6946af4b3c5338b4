"""The reservation budget: how many offers we hold open at the sites."""

import asyncio

from aggregator.domain.errors import Overloaded, UserOverLimit
from aggregator.domain.principal import Principal
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSetWatch
from aggregator.services.limits import BudgetLimits

_RETRY_AFTER = 30.0
_FRESHNESS = 1.0


class ReservationBudget:
    """Says no to requests while too many offers wait for their users.

    Each offer holds capacity at its site until it expires, whether anybody wants it.
    """

    def __init__(
        self, offer_sets: OfferSetWatch, clock: Clock, limits: BudgetLimits
    ) -> None:
        self._offer_sets = offer_sets
        self._clock = clock
        self._limits = limits
        self._in_all = 0
        self._counted: float | None = None

    async def require(self, principal: Principal) -> None:
        """Return where the budget allows one more request of ``principal``.

        Raises:
            UserOverLimit: The user has as many open offers as each may have.
            Overloaded: All users together have.
        """
        if await self._open_in_all() >= self._limits.in_all:
            raise Overloaded(
                f"{self._limits.in_all} offers are open, which is the limit",
                retry_after=_RETRY_AFTER,
            )
        if principal.is_anonymous:
            return
        mine = await self._offer_sets.open_reservations(
            self._clock.now(), principal.issuer, principal.subject
        )
        if mine >= self._limits.per_user:
            raise UserOverLimit(
                f"{mine} of your offers are open, and {self._limits.per_user} is the "
                "limit: accept or reject some, or wait until they expire",
                retry_after=_RETRY_AFTER,
            )

    async def _open_in_all(self) -> int:
        now = asyncio.get_running_loop().time()
        if self._counted is None or now - self._counted >= _FRESHNESS:
            self._in_all = await self._offer_sets.open_reservations(self._clock.now())
            self._counted = now
        return self._in_all
