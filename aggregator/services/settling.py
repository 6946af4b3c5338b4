"""Settling: making winners final, also those that were thought lost."""

from datetime import datetime

from aggregator.domain.events import AcceptFinished, AcceptOutcome
from aggregator.domain.records import Release, Route, Winner, WinnerState
from aggregator.domain.status import has_expired
from aggregator.ports.clock import Clock
from aggregator.ports.store import Routes, WinnerReadings, Winners
from aggregator.ports.telemetry import Telemetry
from aggregator.services.caller import Caller
from aggregator.services.releasing import Releasing


class Settling:
    """Settles acceptances of which the site's word is known."""

    def __init__(
        self,
        *,
        winners: Winners,
        winner_readings: WinnerReadings,
        routes: Routes,
        releasing: Releasing,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._winners = winners
        self._winner_readings = winner_readings
        self._routes = routes
        self._releasing = releasing
        self._clock = clock
        self._telemetry = telemetry

    async def settle(self, winner: Winner, caller: Caller | None) -> bool:
        """Make the winner final, and have its siblings at other sites released.

        Args:
            winner: Whose site has taken the acceptance.
            caller: Whose credentials the releases relay; None for nobody's.

        Returns:
            Whether it was done; not where the set has another winner.

        Raises:
            StoreUnavailable: It can't be kept.
        """
        now = self._clock.now()
        releases = [
            release_of(sibling, "a sibling was accepted", now)
            for sibling in await self._routes.of_offer_set(winner.offer_set)
            if sibling.site != winner.site and not has_expired(sibling, now)
        ]
        if not await self._winners.settle(winner, WinnerState.ACCEPTED, releases):
            return False
        self._releasing.remember(releases, caller)
        self._releasing.wake()
        return True

    async def is_undecided(self, route: Route) -> bool:
        """Whether the site was asked to accept the offer, and nobody knows if it did.

        Raises:
            StoreUnavailable: That can't be found out now.
        """
        winner = await self._winner_of(route)
        return winner is not None and winner.state is not WinnerState.ACCEPTED

    async def adopt(self, route: Route, caller: Caller | None) -> None:
        """Make a session that its site has taken the winner, if it was thought lost.

        Raises:
            StoreUnavailable: It can't be kept; the next reading tries again.
        """
        winner = await self._winner_of(route)
        if winner is None or winner.state is not WinnerState.LOST:
            return
        if await self.settle(winner, caller):
            self._telemetry.record(
                AcceptFinished(
                    route.site, route.session, AcceptOutcome.ADOPTED, route.position + 1
                )
            )

    async def _winner_of(self, route: Route) -> Winner | None:
        winner = await self._winner_readings.of_offer_set(route.offer_set)
        is_it = winner is not None and winner.session == route.session
        return winner if is_it else None


def release_of(route: Route, reason: str, now: datetime) -> Release:
    """Return the release of the offer of ``route``."""
    return Release(route.site, route.site_session, reason, now, route.expires)
