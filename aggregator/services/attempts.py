"""Attempts: carrying one acceptance out, until its site's word settles it.

What is ambiguous is settled by reading the session at its site; no other site is
touched meanwhile, and nothing but the site's word ends it before it is lost.
"""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from aggregator.domain.acceptance import Acceptance, Step, Verdict, verdict
from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import AcceptFinished, AcceptOutcome, AmbiguousAccepts
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release, Route, Winner, WinnerState
from aggregator.domain.updates import Update, phase_update
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import WinnerReadings, Winners
from aggregator.ports.telemetry import Telemetry
from aggregator.services.caller import Caller
from aggregator.services.limits import AcceptanceLimits
from aggregator.services.releasing import Releasing
from aggregator.services.sessions import Sessions
from aggregator.services.settling import Settling, release_of
from aggregator.services.site_calls import SiteCalls, context_for

_log = structlog.get_logger(__name__)
_ACCEPT = phase_update(SessionPhase.ACCEPTED)
_CANCEL = phase_update(SessionPhase.CANCELLED)
_OVERTAKEN = "another offer of the set was accepted meanwhile, or this one refused"


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


class Attempts:
    """Carries acceptances out."""

    def __init__(
        self,
        *,
        winners: Winners,
        winner_readings: WinnerReadings,
        sessions: Sessions,
        settling: Settling,
        releasing: Releasing,
        snapshot: Snapshot,
        calls: SiteCalls,
        clock: Clock,
        telemetry: Telemetry,
        limits: AcceptanceLimits,
        replica: str,
    ) -> None:
        self._winners = winners
        self._winner_readings = winner_readings
        self._sessions = sessions
        self._settling = settling
        self._releasing = releasing
        self._snapshot = snapshot
        self._calls = calls
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._replica = replica
        self._ambiguous: set[str] = set()

    def lease_end(self) -> datetime:
        """Return until when this replica may hold an acceptance without a sign."""
        return self._clock.now() + timedelta(seconds=self._limits.lease)

    async def carry_out(self, attempt: Attempt) -> Accepted:
        """Ask the offer's site to accept, and find out whether it did."""
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
                if await self._is_overtaken(attempt):
                    return await self._refused(attempt)
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

    async def _is_overtaken(self, attempt: Attempt) -> bool:
        """Whether another replica was told meanwhile that the offer is refused.

        Then the set may have another winner, beside which this offer is not to be
        taken. Where nothing was asked yet it was claimed just now.
        """
        if not attempt.acceptance.ambiguous:
            return False
        winner = attempt.winner
        present = await self._winner_readings.of_offer_set(winner.offer_set)
        return present is None or present.session != winner.session

    async def _ask(self, attempt: Attempt) -> None:
        attempt.reading = await self._update(attempt, _ACCEPT)
        attempt.acceptance = attempt.acceptance.after_asking(attempt.reading)

    async def _update(self, attempt: Attempt, update: Update) -> SessionReading:
        route = attempt.route
        site = self._snapshot.current().owner(route.site)
        if site is None:
            return _removed(route)
        deadline = asyncio.get_running_loop().time() + self._limits.call
        context = context_for(attempt.caller, deadline)
        return await self._calls.update_session(
            site, route.site_session, update, context
        )

    async def _read(self, attempt: Attempt) -> None:
        attempt.reading = await self.read(attempt.route, attempt.caller)
        attempt.acceptance = attempt.acceptance.after_reading(attempt.reading)

    async def read(self, route: Route, caller: Caller | None) -> SessionReading:
        """Return what the offer's site says of it now."""
        site = self._snapshot.current().owner(route.site)
        if site is None:
            return _removed(route)
        deadline = asyncio.get_running_loop().time() + self._limits.call
        return await self._calls.read_session(
            site, route.site_session, context_for(caller, deadline)
        )

    async def _taken(self, attempt: Attempt) -> Accepted | None:
        if not await self._settling.settle(attempt.winner, attempt.caller):
            return await self._give_back(attempt)
        await self._note(attempt)
        self.finished(
            attempt.route,
            AcceptOutcome.RECONCILED_ACCEPTED
            if attempt.acceptance.ambiguous
            else AcceptOutcome.ACCEPTED,
        )
        return Accepted()

    async def _give_back(self, attempt: Attempt) -> Accepted | None:
        """Cancel what the site took after another offer of the set had won.

        That takes two replicas that were at work on the acceptance, of which one
        was told that it is refused.
        """
        route = attempt.route
        attempt.reading = await self._update(attempt, _CANCEL)
        given_up = attempt.winner.give_up
        if verdict(attempt.reading) is not Verdict.REFUSED and (
            given_up is None or self._clock.now() < given_up
        ):
            await self._rest(attempt)
            return None
        await self._note(attempt)
        self.finished(route, AcceptOutcome.CONFLICT)
        return Accepted(refusal=_OVERTAKEN)

    async def _refused(self, attempt: Attempt) -> Accepted:
        route = attempt.route
        releases: tuple[Release, ...] = ()
        if attempt.acceptance.ambiguous:
            # A call without an answer may still be on its way to the site, which is
            # to take it no more.
            released = release_of(
                route, "its acceptance was refused", self._clock.now()
            )
            releases = (replace(released, until_expiry=True),)
        await self._note(attempt)
        # The last of all, so that a crash before has the acceptance taken up again.
        await self._winners.withdraw(attempt.winner, releases)
        self._releasing.remember(releases, attempt.caller)
        self._releasing.wake()
        self.finished(
            route,
            AcceptOutcome.RECONCILED_NOT
            if attempt.acceptance.ambiguous
            else AcceptOutcome.REFUSED,
        )
        return Accepted(refusal=_refusal(route, attempt.reading))

    async def _put_off(self, attempt: Attempt) -> Accepted | None:
        give_up = attempt.winner.give_up
        if give_up is not None and self._clock.now() >= give_up:
            return await self._lost(attempt)
        await self._winner_readings.extend(
            attempt.winner.offer_set, self._replica, self.lease_end()
        )
        await self._rest(attempt)
        attempt.acceptance = replace(attempt.acceptance, step=Step.READ)
        return None

    async def _lost(self, attempt: Attempt) -> Accepted:
        winner, route = attempt.winner, attempt.route
        if await self._winners.settle(winner, WinnerState.LOST, ()):
            self.finished(route, AcceptOutcome.LOST)
            return Accepted(
                refusal=f"{route.site} never said whether it took the offer"
            )
        found = await self._winner_readings.of_offer_set(winner.offer_set)
        won = found is not None and found.session == winner.session
        return Accepted() if won else Accepted(refusal=_OVERTAKEN)

    async def _note(self, attempt: Attempt) -> None:
        if attempt.reading is not None:
            await self._sessions.note(attempt.route, attempt.reading)

    def _note_ambiguity(self, attempt: Attempt) -> None:
        session = attempt.route.session
        if attempt.acceptance.ambiguous and session not in self._ambiguous:
            self._ambiguous.add(session)
            self._telemetry.record(AmbiguousAccepts(len(self._ambiguous)))
            self._tell(attempt.route, AcceptOutcome.AMBIGUOUS)

    def finished(self, route: Route, outcome: AcceptOutcome) -> None:
        """Tell how an acceptance ended."""
        self._ambiguous.discard(route.session)
        self._telemetry.record(AmbiguousAccepts(len(self._ambiguous)))
        self._tell(route, outcome)

    def _tell(self, route: Route, outcome: AcceptOutcome) -> None:
        self._telemetry.record(
            AcceptFinished(route.site, route.session, outcome, route.position + 1)
        )


def _removed(route: Route) -> SessionReading:
    return SessionReading(
        route.site, Outcome.CONNECT_ERROR, detail="the site was removed"
    )


def _refusal(route: Route, reading: SessionReading | None) -> str:
    if reading is None or reading.outcome is Outcome.OK:
        phase = reading.phase if reading is not None else None
        said = f"the session is {phase.value} there" if phase else "it said no more"
        return f"{route.site} did not take the acceptance: {said}"
    why = reading.detail or reading.outcome.value
    return f"{route.site} did not take the acceptance: {why}"
