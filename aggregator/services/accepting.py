"""Accepting: at most one accepted session per offer set, whatever sites and we suffer.

The winner row is committed before the site is called, and the work goes on in a task
that outlives the caller.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog

from aggregator.domain.acceptance import Acceptance, Verdict, verdict
from aggregator.domain.errors import (
    AcceptPending,
    ImpossibleUpdate,
    MetaBrokerError,
    StoreUnavailable,
)
from aggregator.domain.events import AcceptOutcome
from aggregator.domain.records import Route, Winner, WinnerState
from aggregator.domain.status import has_expired
from aggregator.ports.clock import Clock
from aggregator.ports.store import (
    Routes,
    SessionOverlaid,
    WinnerReadings,
    Winners,
)
from aggregator.services.attempts import Accepted, Attempt, Attempts
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.limits import AcceptanceLimits
from aggregator.services.punctual import answered_by, store_is_silent
from aggregator.services.sessions import Sessions
from aggregator.services.settling import Settling

_log = structlog.get_logger(__name__)

_Key: TypeAlias = tuple[str, str, datetime]
"""What tells an acceptance from those of the same set that were refused before it."""


class Accepting:
    """Carries acceptances out, and through crashes of this and other replicas."""

    def __init__(
        self,
        *,
        attempts: Attempts,
        winners: Winners,
        winner_readings: WinnerReadings,
        routes: Routes,
        sessions: Sessions,
        settling: Settling,
        background: Background,
        clock: Clock,
        limits: AcceptanceLimits,
        replica: str,
    ) -> None:
        self._attempts = attempts
        self._winners = winners
        self._winner_readings = winner_readings
        self._routes = routes
        self._sessions = sessions
        self._settling = settling
        self._background = background
        self._clock = clock
        self._limits = limits
        self._replica = replica
        self._under_way: dict[_Key, tuple[Route, asyncio.Task[Accepted]]] = {}

    def deadline(self, caller: Caller) -> float:
        """Return until when ``caller`` waits for a site's word, on the loop's clock."""
        limits = self._limits
        wait = limits.deadline if caller.wait is None else caller.wait
        return caller.received + min(wait, limits.longest_wait)

    def in_time(self, uuid: str, caller: Caller) -> AbstractAsyncContextManager[None]:
        """Bound an acceptance, and all around it, by the deadline of ``caller``.

        Args:
            uuid: Of the session that is accepted, or of its offer set.
            caller: Who waits.

        Raises:
            AcceptPending: It took too long, and the acceptance goes on.
            StoreUnavailable: It took too long, and none is under way here.
        """
        return answered_by(self.deadline(caller), partial(self._overrun, uuid))

    def _overrun(self, uuid: str) -> MetaBrokerError:
        for (offer_set, session, _), (route, _) in self._under_way.items():
            if uuid in {offer_set, session}:
                return self._pending(route)
        return store_is_silent()

    def _pending(self, route: Route) -> AcceptPending:
        return AcceptPending(
            f"{route.site} has not said yet whether it took the offer",
            route.session,
            self._limits.first_pause * 10,
        )

    async def accept(self, route: Route, caller: Caller) -> None:
        """Accept the offer of ``route``; return once its site has taken it.

        Raises:
            ImpossibleUpdate: It expired, a sibling was accepted, or its site
                refused: the offer can't be accepted.
            AcceptPending: The site has not said yet; asking again waits again.
            StoreUnavailable: Nothing was done, for it could not be kept.
        """
        winner = await self._winner_readings.of_offer_set(route.offer_set)
        begun = Acceptance.resumed()
        if winner is None:
            self._require_acceptable(route)
            claim = self._claim(route)
            winner = await self._claimed(claim)
            begun = Acceptance() if winner is claim else begun
        self._require_same(winner, route)
        _require_no_end(route)
        if winner.state is WinnerState.LOST:
            await self._adopt(route, caller)
        elif winner.state is WinnerState.ACCEPTING:
            work = self._work_on(winner, route, caller, begun)
            await self._wait_for(work, route, caller)

    async def _claimed(self, claim: Winner) -> Winner:
        try:
            return await self._winners.claim(
                claim, self._replica, self._attempts.lease_end()
            )
        except SessionOverlaid as error:
            raise ImpossibleUpdate(
                "not-offered", f"the offer is {error.phase.value} already"
            ) from None

    async def has_begun(self, route: Route) -> bool:
        """Whether the offer of ``route`` is being accepted, or was."""
        winner = await self._winner_readings.of_offer_set(route.offer_set)
        return (
            winner is not None
            and winner.session == route.session
            and winner.state is not WinnerState.LOST
        )

    async def resume(self) -> None:
        """Take over acceptances whose replica went away, until cancelled."""
        while True:
            try:
                await self.take_over()
            except StoreUnavailable as error:
                _log.warning("acceptances_not_resumed", reason=error.detail)
            await asyncio.sleep(self._limits.lease / 3)

    async def take_over(self) -> None:
        """Go on with acceptances that nobody is at work on."""
        now = self._clock.now()
        for winner in await self._winner_readings.accepting(
            self._replica, self._attempts.lease_end(), now
        ):
            route = await self._routes.get(winner.session)
            if route is not None:
                _ = self._work_on(winner, route, None, Acceptance.resumed())

    def _require_acceptable(self, route: Route) -> None:
        _require_no_end(route)
        if has_expired(route, self._clock.now()):
            self._attempts.finished(route, AcceptOutcome.EXPIRED)
            raise ImpossibleUpdate("offer-expired", "the offer has expired")

    def _require_same(self, winner: Winner, route: Route) -> None:
        if winner.session == route.session:
            return
        self._attempts.finished(route, AcceptOutcome.CONFLICT)
        raise ImpossibleUpdate(
            "sibling-accepted",
            f"another offer of this set, {winner.session} of {winner.site}, is "
            f"{winner.state.value}",
        )

    def _claim(self, route: Route) -> Winner:
        now = self._clock.now()
        end = route.expires or now + timedelta(seconds=self._limits.deadline)
        return Winner(
            offer_set=route.offer_set,
            session=route.session,
            site=route.site,
            site_session=route.site_session,
            state=WinnerState.ACCEPTING,
            since=now,
            give_up=end + timedelta(seconds=self._limits.grace),
        )

    def _work_on(
        self, winner: Winner, route: Route, caller: Caller | None, begun: Acceptance
    ) -> asyncio.Task[Accepted]:
        key = (winner.offer_set, winner.session, winner.since)
        if key in self._under_way:
            return self._under_way[key][1]
        attempt = Attempt(winner, route, caller, begun)
        task = self._background.spawn(
            self._attempts.carry_out(attempt), name="accept_offer"
        )
        self._under_way[key] = (route, task)
        task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _wait_for(
        self, task: asyncio.Task[Accepted], route: Route, caller: Caller
    ) -> None:
        try:
            async with asyncio.timeout_at(self.deadline(caller)):
                accepted = await asyncio.shield(task)
        except TimeoutError:
            raise self._pending(route) from None
        if accepted is None:
            raise StoreUnavailable(
                "the acceptance could not be brought to its end", retry_after=5.0
            )
        if accepted.refusal:
            raise ImpossibleUpdate("offer-refused", accepted.refusal)

    async def _adopt(self, route: Route, caller: Caller) -> None:
        """Take a lost acceptance as the winner if its site turns out to have it."""
        reading = await self._attempts.read(route, caller)
        if verdict(reading) is not Verdict.TAKEN:
            raise ImpossibleUpdate(
                "accept-lost",
                f"nobody knows whether {route.site} has accepted this offer, so that "
                "nothing of its set can be accepted",
            )
        await self._settling.adopt(route, caller)
        await self._sessions.note(route, reading)


def _require_no_end(route: Route) -> None:
    if route.overlay is not None:
        raise ImpossibleUpdate(
            "not-offered", f"the offer is {route.overlay.value} already"
        )
