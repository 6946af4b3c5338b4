"""Updating sessions: accept, reject, cancel, and whatever else a session offers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aggregator.domain.errors import ImpossibleUpdate, SiteUnavailable
from aggregator.domain.messages import Level, Message
from aggregator.domain.notices import nothing_changed_notice
from aggregator.domain.outcomes import (
    WITHOUT_CREDENTIALS,
    Outcome,
    SessionReading,
)
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release, Route
from aggregator.domain.status import is_alike, is_granted, shown_phase
from aggregator.domain.updates import Update
from aggregator.domain.views import SessionView
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import Overlays
from aggregator.services.accepting import Accepting
from aggregator.services.caller import Caller
from aggregator.services.limits import AcceptanceLimits
from aggregator.services.releasing import Releasing
from aggregator.services.sessions import Sessions, Status
from aggregator.services.settling import release_of
from aggregator.services.site_calls import SiteCalls, context_for

_TRIES = 3
_REFUSED = frozenset({Outcome.REFUSED_4XX, Outcome.NOT_FOUND, *WITHOUT_CREDENTIALS})


class Updating:
    """Carries out what a client asks of its session."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        accepting: Accepting,
        releasing: Releasing,
        overlays: Overlays,
        snapshot: Snapshot,
        calls: SiteCalls,
        clock: Clock,
        limits: AcceptanceLimits,
    ) -> None:
        self._sessions = sessions
        self._accepting = accepting
        self._releasing = releasing
        self._overlays = overlays
        self._snapshot = snapshot
        self._calls = calls
        self._clock = clock
        self._limits = limits

    async def update(self, session: str, update: Update, caller: Caller) -> SessionView:
        """Carry ``update`` out, and return the session as it is then.

        A well-formed update that can't be done is answered as brokers do, with the
        session unchanged and a message that says why; strict callers get the error.

        Raises:
            UnknownResource: There is no such session of the caller's.
            ImpossibleUpdate: It can't be done, and the caller is strict.
            AcceptPending: Whether the site took an acceptance isn't known yet.
            SiteUnavailable: Whether the site took another update isn't known.
            StoreUnavailable: Nothing was done, for it could not be kept.
        """
        if update.phase is not SessionPhase.ACCEPTED:
            return await self._update(session, update, caller)
        async with self._accepting.in_time(session, caller):
            return await self._update(session, update, caller)

    async def _update(
        self, session: str, update: Update, caller: Caller
    ) -> SessionView:
        route = await self._sessions.route(session, caller.principal)
        try:
            notes = await self._carry_out(route, update, caller)
        except ImpossibleUpdate as error:
            if caller.strict:
                raise
            notes = (self._impossible(error),)
        self._sessions.forget(session)
        status = await self._latest(session, caller)
        return self._sessions.view(status, *notes)

    async def _carry_out(
        self, route: Route, update: Update, caller: Caller
    ) -> tuple[Message, ...]:
        match update.phase:
            case SessionPhase.ACCEPTED:
                await self._accepting.accept(route, caller)
                return ()
            case SessionPhase.REJECTED:
                return await self._reject(route, update, caller)
            case None:
                return await self._proxy(route, update, caller)
            case wanted:
                await self._move(route, wanted, update, caller)
                return ()

    async def _reject(
        self, route: Route, update: Update, caller: Caller
    ) -> tuple[Message, ...]:
        """Reject an offer: for its user at once, at its site until that heard of it."""
        self._require_granted(route, SessionPhase.REJECTED)
        await self._require_unclaimed(route)
        reading = await self._ask(route, update, caller)
        if reading.outcome is Outcome.OK:
            await self._sessions.note(route, reading)
            if reading.phase not in {SessionPhase.REJECTED, SessionPhase.OFFERED}:
                raise _not_granted(reading.phase, SessionPhase.REJECTED)
        if _has_let_go(reading):
            await self._mark_rejected(route, (), caller)
            return ()
        now = self._clock.now()
        releases = (release_of(route, "rejected by its user", now),)
        await self._mark_rejected(route, releases, caller)
        self._releasing.remember(releases, caller)
        self._releasing.wake()
        return (
            Message(
                "urn:metabroker:release-queued",
                Level.WARN,
                "{site} has not confirmed the rejection yet; it will be told again",
                {"site": route.site},
                now,
            ),
        )

    async def _mark_rejected(
        self, route: Route, releases: Sequence[Release], caller: Caller
    ) -> None:
        """Have an offer rejected here, unless an acceptance of it began meanwhile.

        That may well reach a site that has forgotten the rejection: then what the
        site makes of it counts.
        """
        for _ in range(_TRIES):
            if await self._overlays.mark(
                route.session, SessionPhase.REJECTED, releases
            ):
                return
            await self._require_unclaimed(route)
        now = await self._sessions.route(route.session, caller.principal)
        phase = shown_phase(now, self._clock.now())
        raise _not_granted(phase, SessionPhase.REJECTED)

    async def _move(
        self, route: Route, wanted: SessionPhase, update: Update, caller: Caller
    ) -> None:
        """Cancel or fail a session: done when its site says so."""
        self._require_granted(route, wanted)
        reading = await self._ask(route, update, caller)
        if reading.outcome is not Outcome.OK:
            reading = await self._after_fault(route, reading, wanted, caller)
        await self._sessions.note(route, reading)
        if reading.phase is not wanted:
            raise _not_granted(reading.phase, wanted)
        if wanted is SessionPhase.CANCELLED:
            await self._overlays.mark(route.session, wanted)

    async def _after_fault(
        self,
        route: Route,
        fault: SessionReading,
        wanted: SessionPhase,
        caller: Caller,
    ) -> SessionReading:
        """Read what became of an update that the site did not confirm."""
        if fault.outcome in _REFUSED:
            raise _refused(route, fault)
        status = await self._sessions.read(route, caller)
        if status.fault is None:
            phase = shown_phase(status.route, self._clock.now())
            return SessionReading(
                route.site,
                Outcome.OK,
                phase,
                status.route.last_payload,
                status.route.last_residue,
            )
        raise SiteUnavailable(
            f"{route.site} has not confirmed {wanted.value}: "
            f"{fault.detail or fault.outcome.value}",
            retry_after=fault.retry_after or 5.0,
        )

    async def _proxy(
        self, route: Route, update: Update, caller: Caller
    ) -> tuple[Message, ...]:
        """Pass an update on; brokers answer alike whether or not it did anything."""
        reading = await self._ask(route, update, caller)
        if reading.outcome is Outcome.OK:
            await self._sessions.note(route, reading)
            if is_alike(route.last_payload, reading.payload):
                return (nothing_changed_notice(route.site, self._clock.now()),)
            return ()
        if reading.outcome in _REFUSED:
            raise _refused(route, reading)
        raise SiteUnavailable(
            f"{route.site} has not confirmed the update: "
            f"{reading.detail or reading.outcome.value}",
            retry_after=reading.retry_after or 5.0,
        )

    async def _ask(
        self, route: Route, update: Update, caller: Caller
    ) -> SessionReading:
        site = self._snapshot.current().owner(route.site)
        if site is None:
            return SessionReading(
                route.site, Outcome.CONNECT_ERROR, detail="the site was removed"
            )
        deadline = asyncio.get_running_loop().time() + self._limits.call
        return await self._calls.update_session(
            site, route.site_session, update, context_for(caller, deadline)
        )

    async def _latest(self, session: str, caller: Caller) -> Status:
        """Return the session as the update left it, without asking the site again."""
        return Status(await self._sessions.known_route(session, caller.principal))

    async def _require_unclaimed(self, route: Route) -> None:
        if await self._accepting.has_begun(route):
            raise _not_granted(SessionPhase.ACCEPTED, SessionPhase.REJECTED)

    def _require_granted(self, route: Route, wanted: SessionPhase) -> None:
        phase = shown_phase(route, self._clock.now())
        # What was last read may be old; only what can't change back forbids asking.
        known = replace(route, last_payload={})
        settled = shown_phase(known, self._clock.now()) is not None
        if (settled or phase is SessionPhase.EXPIRED) and not is_granted(phase, wanted):
            raise _not_granted(phase, wanted)

    def _impossible(self, error: ImpossibleUpdate) -> Message:
        return Message(
            f"urn:metabroker:{error.kind}",
            Level.ERROR,
            "{reason}",
            {"reason": error.detail},
            self._clock.now(),
        )


def _has_let_go(reading: SessionReading) -> bool:
    """Whether the site, told of a rejection, needn't be told again."""
    return reading.phase is SessionPhase.REJECTED or reading.outcome in {
        Outcome.NOT_FOUND,
        Outcome.REFUSED_4XX,
    }


def _not_granted(phase: SessionPhase | None, wanted: SessionPhase) -> ImpossibleUpdate:
    now = phase.value if phase is not None else "in an unknown phase"
    return ImpossibleUpdate(
        "illegal-transition", f"a session that is {now} can't become {wanted.value}"
    )


def _refused(route: Route, reading: SessionReading) -> ImpossibleUpdate:
    return ImpossibleUpdate(
        "update-refused",
        f"{route.site} refused the update: {reading.detail or reading.outcome.value}",
    )
