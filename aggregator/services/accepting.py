"""Accepting: at most one accepted session per offer set, whatever sites and we suffer.

The winner row is committed before the site is called. What is ambiguous is settled
by reading the session at its site, in a task that outlives the caller; no other site
is touched meanwhile.
"""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from aggregator.domain.acceptance import Acceptance, Step, Verdict, verdict
from aggregator.domain.errors import AcceptPending, ImpossibleUpdate, StoreUnavailable
from aggregator.domain.events import AcceptFinished, AcceptOutcome, AmbiguousAccepts
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release, Route, Winner, WinnerState
from aggregator.domain.status import has_expired
from aggregator.domain.updates import phase_update
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import Routes, WinnerReadings, Winners
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.limits import AcceptanceLimits
from aggregator.services.releasing import Releasing
from aggregator.services.sessions import Sessions
from aggregator.services.site_calls import SiteCalls, context_for

_log = structlog.get_logger(__name__)
_ACCEPT = phase_update(SessionPhase.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How an acceptance ended: ``refusal`` is empty where the site took it."""

    refusal: str = ""


@dataclass(slots=True)
class Attempt:
    """An acceptance that is being carried out.

    Attributes:
        caller: Whose credentials to relay; None after a restart.
        reading: What the site said last.
        pause: Seconds to rest before the next reading; grows with each.
    """

    winner: Winner
    route: Route
    caller: Caller | None
    acceptance: Acceptance
    reading: SessionReading | None = None
    pause: float = 0.0


class Accepting:
    """Carries acceptances out, and through crashes of this and other replicas."""

    def __init__(
        self,
        *,
        winners: Winners,
        winner_readings: WinnerReadings,
        routes: Routes,
        sessions: Sessions,
        releasing: Releasing,
        snapshot: Snapshot,
        calls: SiteCalls,
        background: Background,
        clock: Clock,
        telemetry: Telemetry,
        limits: AcceptanceLimits,
        replica: str,
    ) -> None:
        self._winners = winners
        self._winner_readings = winner_readings
        self._routes = routes
        self._sessions = sessions
        self._releasing = releasing
        self._snapshot = snapshot
        self._calls = calls
        self._background = background
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._replica = replica
        self._under_way: dict[str, asyncio.Task[Accepted]] = {}
        self._ambiguous: set[str] = set()

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
            winner = await self._winners.claim(claim, self._replica, self._lease_end())
            begun = Acceptance() if winner == claim else begun
        self._require_same(winner, route)
        if winner.state is WinnerState.LOST:
            await self._adopt(winner, route, caller)
        elif winner.state is WinnerState.ACCEPTING:
            work = self._work_on(winner, route, caller, begun)
            await self._wait_for(work, route, caller)

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
            self._replica, self._lease_end(), now
        ):
            route = await self._routes.get(winner.session)
            if route is not None:
                _ = self._work_on(winner, route, None, Acceptance.resumed())

    def _require_acceptable(self, route: Route) -> None:
        if route.overlay is not None:
            raise ImpossibleUpdate(
                "not-offered", f"the offer is {route.overlay.value} already"
            )
        if has_expired(route, self._clock.now()):
            self._finished(route, AcceptOutcome.EXPIRED)
            raise ImpossibleUpdate("offer-expired", "the offer has expired")

    def _require_same(self, winner: Winner, route: Route) -> None:
        if winner.session == route.session:
            return
        self._finished(route, AcceptOutcome.CONFLICT)
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

    def _lease_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._limits.lease)

    def _work_on(
        self, winner: Winner, route: Route, caller: Caller | None, begun: Acceptance
    ) -> asyncio.Task[Accepted]:
        task = self._under_way.get(winner.offer_set)
        if task is None:
            attempt = Attempt(winner, route, caller, begun)
            task = self._background.spawn(self._carry_out(attempt), name="accept_offer")
            self._under_way[winner.offer_set] = task
            task.add_done_callback(
                lambda _: self._under_way.pop(winner.offer_set, None)
            )
        return task

    async def _wait_for(
        self, task: asyncio.Task[Accepted], route: Route, caller: Caller
    ) -> None:
        wait = self._limits.deadline if caller.wait is None else caller.wait
        try:
            async with asyncio.timeout_at(caller.received + wait):
                accepted = await asyncio.shield(task)
        except TimeoutError:
            raise AcceptPending(
                f"{route.site} has not said yet whether it took the offer",
                retry_after=self._limits.first_pause * 10,
            ) from None
        if accepted is None:
            raise StoreUnavailable(
                "the acceptance could not be brought to its end", retry_after=5.0
            )
        if accepted.refusal:
            raise ImpossibleUpdate("offer-refused", accepted.refusal)

    async def _carry_out(self, attempt: Attempt) -> Accepted:
        while True:
            try:
                accepted = await self._step(attempt)
            except StoreUnavailable as error:
                # The winner row stands, so that whoever can write goes on from it.
                session = attempt.route.session
                _log.warning(
                    "acceptance_not_kept", session=session, reason=error.detail
                )
                await self._rest(attempt)
            else:
                if accepted is not None:
                    return accepted

    async def _rest(self, attempt: Attempt) -> None:
        pause = attempt.pause or self._limits.first_pause
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret
        attempt.pause = min(2 * pause, self._limits.longest_pause)

    async def _step(self, attempt: Attempt) -> Accepted | None:
        match attempt.acceptance.step:
            case Step.ASK:
                await self._ask(attempt)
            case Step.READ:
                await self._read(attempt)
            case Step.TAKEN:
                return await self._taken(attempt)
            case Step.REFUSED:
                return await self._refused(attempt)
            case Step.READ_LATER:
                return await self._put_off(attempt)
        self._note_ambiguity(attempt)
        return None

    async def _ask(self, attempt: Attempt) -> None:
        route = attempt.route
        site = self._snapshot.current().owner(route.site)
        attempt.reading = (
            _removed(route)
            if site is None
            else await self._calls.update_session(
                site, route.site_session, _ACCEPT, self._context(attempt)
            )
        )
        attempt.acceptance = attempt.acceptance.after_asking(attempt.reading)

    async def _read(self, attempt: Attempt) -> None:
        attempt.reading = await self._reading(attempt.route, attempt.caller)
        attempt.acceptance = attempt.acceptance.after_reading(attempt.reading)

    async def _reading(self, route: Route, caller: Caller | None) -> SessionReading:
        site = self._snapshot.current().owner(route.site)
        if site is None:
            return _removed(route)
        deadline = asyncio.get_running_loop().time() + self._limits.call
        return await self._calls.read_session(
            site, route.site_session, context_for(caller, deadline)
        )

    def _context(self, attempt: Attempt) -> CallContext:
        deadline = asyncio.get_running_loop().time() + self._limits.call
        return context_for(attempt.caller, deadline)

    async def _taken(self, attempt: Attempt) -> Accepted:
        await self._settle(attempt.winner, attempt.route, attempt.caller)
        await self._note(attempt)
        self._finished(
            attempt.route,
            AcceptOutcome.RECONCILED_ACCEPTED
            if attempt.acceptance.ambiguous
            else AcceptOutcome.ACCEPTED,
        )
        return Accepted()

    async def _refused(self, attempt: Attempt) -> Accepted:
        route = attempt.route
        await self._winners.withdraw(attempt.winner)
        if attempt.acceptance.ambiguous:
            # A call without an answer may still be on its way to the site; after a
            # rejection it can't be taken any more.
            now = self._clock.now()
            await self._releasing.release(
                [_release(route, "its acceptance was refused", now)], attempt.caller
            )
        await self._note(attempt)
        self._finished(
            route,
            AcceptOutcome.RECONCILED_NOT
            if attempt.acceptance.ambiguous
            else AcceptOutcome.REFUSED,
        )
        return Accepted(refusal=_refusal(route, attempt.reading))

    async def _put_off(self, attempt: Attempt) -> Accepted | None:
        give_up = attempt.winner.give_up
        if give_up is not None and self._clock.now() >= give_up:
            await self._winners.settle(attempt.winner, WinnerState.LOST, ())
            self._finished(attempt.route, AcceptOutcome.LOST)
            return Accepted(
                refusal=f"{attempt.route.site} never said whether it took the offer"
            )
        await self._winner_readings.extend(
            attempt.winner.offer_set, self._replica, self._lease_end()
        )
        await self._rest(attempt)
        attempt.acceptance = replace(attempt.acceptance, step=Step.READ)
        return None

    async def _adopt(self, winner: Winner, route: Route, caller: Caller) -> None:
        """Take a lost acceptance as the winner if its site turns out to have it."""
        reading = await self._reading(route, caller)
        if verdict(reading) is not Verdict.TAKEN:
            raise ImpossibleUpdate(
                "accept-lost",
                f"{route.site} was asked to accept this offer and never said whether "
                "it did",
            )
        await self._settle(winner, route, caller)
        await self._sessions.note(route, reading)
        self._finished(route, AcceptOutcome.ADOPTED)

    async def _settle(
        self, winner: Winner, route: Route, caller: Caller | None
    ) -> None:
        now = self._clock.now()
        releases = [
            _release(sibling, "a sibling was accepted", now)
            for sibling in await self._routes.of_offer_set(route.offer_set)
            if sibling.site != route.site and not has_expired(sibling, now)
        ]
        await self._winners.settle(winner, WinnerState.ACCEPTED, releases)
        self._releasing.remember(releases, caller)
        self._releasing.wake()

    async def _note(self, attempt: Attempt) -> None:
        if attempt.reading is not None:
            await self._sessions.note(attempt.route, attempt.reading)

    def _note_ambiguity(self, attempt: Attempt) -> None:
        session = attempt.route.session
        if attempt.acceptance.ambiguous and session not in self._ambiguous:
            self._ambiguous.add(session)
            self._telemetry.record(AmbiguousAccepts(len(self._ambiguous)))
            self._telemetry.record(
                AcceptFinished(attempt.route.site, session, AcceptOutcome.AMBIGUOUS)
            )

    def _finished(self, route: Route, outcome: AcceptOutcome) -> None:
        self._ambiguous.discard(route.session)
        self._telemetry.record(AmbiguousAccepts(len(self._ambiguous)))
        self._telemetry.record(AcceptFinished(route.site, route.session, outcome))


def _removed(route: Route) -> SessionReading:
    return SessionReading(
        route.site, Outcome.CONNECT_ERROR, detail="the site was removed"
    )


def _release(route: Route, reason: str, now: datetime) -> Release:
    return Release(route.site, route.site_session, reason, now, route.expires)


def _refusal(route: Route, reading: SessionReading | None) -> str:
    if reading is None or reading.outcome is Outcome.OK:
        phase = reading.phase if reading is not None else None
        said = f"the session is {phase.value} there" if phase else "it said no more"
        return f"{route.site} did not take the acceptance: {said}"
    why = reading.detail or reading.outcome.value
    return f"{route.site} did not take the acceptance: {why}"
