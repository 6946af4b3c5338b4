"""Sessions: reading their status from the owning site, once for all who ask."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from cachetools import LRUCache, TTLCache

from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.domain.events import SessionPhaseSeen, StartObserved
from aggregator.domain.messages import Message
from aggregator.domain.notices import overlay_notice, site_notice, stale_notice
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import TAKEN, session_phase
from aggregator.domain.principal import Principal
from aggregator.domain.records import PhaseChange, Route
from aggregator.domain.status import (
    has_started,
    is_presumed_expired,
    is_settled,
    phase_changes,
    shown_phase,
)
from aggregator.domain.views import SessionView
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import Routes
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.limits import StatusLimits
from aggregator.services.locating import Locating
from aggregator.services.punctual import PATIENCE
from aggregator.services.regretting import Regretting
from aggregator.services.settling import Settling
from aggregator.services.site_calls import SiteCalls, context_for
from aggregator.wire.users_data import session_in_users_words

_log = structlog.get_logger(__name__)
_KEPT_ANEW_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Status:
    """A route with its latest reading, and why that is old, where it is."""

    route: Route
    fault: SessionReading | None = None


class Sessions:
    """Reads sessions, with identical polls coalesced and a short freshness window."""

    def __init__(
        self,
        *,
        routes: Routes,
        snapshot: Snapshot,
        calls: SiteCalls,
        background: Background,
        clock: Clock,
        telemetry: Telemetry,
        limits: StatusLimits,
        settling: Settling,
        regretting: Regretting,
        locating: Locating | None = None,
    ) -> None:
        self._routes = routes
        self._snapshot = snapshot
        self._calls = calls
        self._background = background
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._settling = settling
        self._regretting = regretting
        self._locating = locating
        # A freshness of 0 means that nothing is given twice; the cache stays empty.
        self._fresh: TTLCache[str, Status] = TTLCache(
            limits.cached, max(limits.freshness, 0.0), timer=_monotonic
        )
        self._known: LRUCache[str, Route] = LRUCache(limits.cached)
        self._reading: dict[str, asyncio.Task[Status]] = {}

    async def get(self, session: str, caller: Caller) -> SessionView:
        """Return the session as it stands now, or as it was last known to.

        Raises:
            UnknownResource: There is none, or none that the caller may see.
            StoreUnavailable: It isn't known whether there is one.
        """
        try:
            return await self._get(session, caller)
        except UnknownResource:
            if self._locating is None or not await self._locating.locate(
                session, caller
            ):
                raise
        self.forget(session)
        return await self._get(session, caller)

    async def _get(self, session: str, caller: Caller) -> SessionView:
        status = await self._status(session, caller)
        if not _is_owner(status.route, caller.principal):
            raise _unknown(session)
        return self.view(status)

    async def route(self, session: str, principal: Principal) -> Route:
        """Return the route of a session of ``principal``, from the store.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
        """
        route = await self._routes.get(session)
        if route is None or not _is_owner(route, principal):
            raise _unknown(session)
        self._known[session] = route
        return route

    async def known_route(self, session: str, principal: Principal) -> Route:
        """Return a session's route, as this process last knew it without the store.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
            StoreUnavailable: It isn't known whether there is one.
        """
        known = self._known.get(session)
        if known is None:
            return await self.route(session, principal)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.route(session, principal)
        except (StoreUnavailable, TimeoutError):
            if not _is_owner(known, principal):
                raise _unknown(session) from None
            return known

    async def read(self, route: Route, caller: Caller | None) -> Status:
        """Read the session at its site now, and keep what is new.

        A session that has ended isn't asked for, unless its site was asked to accept
        it and nobody knows whether it did.
        """
        if is_settled(route, self._clock.now()) and not await self._is_undecided(route):
            return Status(route)
        site = self._snapshot.current().owner(route.site)
        if site is None:
            gone = SessionReading(
                route.site, Outcome.NOT_FOUND, detail="the site was removed"
            )
            return Status(route, gone)
        deadline = asyncio.get_running_loop().time() + self._limits.deadline
        reading = await self._calls.read_session(
            site, route.site_session, context_for(caller, deadline)
        )
        return await self.note(route, reading, caller)

    async def note(
        self, route: Route, reading: SessionReading, caller: Caller | None = None
    ) -> Status:
        """Keep what a reading tells of the session, and return its status."""
        self.forget(route.session)
        if reading.outcome is not Outcome.OK:
            return Status(route, reading)
        if reading.phase is None:
            known = _with_phase_of(route.last_payload, reading.payload)
            reading = replace(reading, payload=known)
        payload, residue = session_in_users_words(
            reading.payload, reading.residue, route.last_payload
        )
        reading = replace(reading, payload=payload, residue=residue)
        now = self._clock.now()
        is_new = reading.payload != route.last_payload
        changes: tuple[PhaseChange, ...] = ()
        if is_new:
            before = route.last_payload
            changes = phase_changes(route.session, before, reading.payload, now)
            await self._observe_start(route, reading, now)
        if reading.phase is not None and any(c.component == "session" for c in changes):
            self._telemetry.record(SessionPhaseSeen(route.site, reading.phase))
        updated = replace(
            route,
            last_payload=reading.payload,
            last_residue=reading.residue,
            last_read=now,
        )
        self._known[route.session] = updated
        if is_new or _is_old(route, now):
            await self._save(updated, changes, caller)
        return Status(updated)

    def forget(self, session: str) -> None:
        """Have the next poll of ``session`` ask its site."""
        self._fresh.pop(session, None)

    def view(self, status: Status, *messages: Message) -> SessionView:
        """Return a status as it is shown."""
        route = status.route
        now = self._clock.now()
        notes = [site_notice(route.site), *messages]
        if status.fault is not None:
            notes.append(stale_notice(status.fault, route, now))
        if route.overlay is not None:
            notes.append(overlay_notice(route.overlay, now))
        return SessionView(
            session=route.session,
            payload=route.last_payload,
            residue=route.last_residue,
            request_residue=route.residue,
            dialect=route.dialect,
            phase=shown_phase(route, now),
            messages=tuple(notes),
        )

    async def _status(self, session: str, caller: Caller) -> Status:
        status = self._fresh.get(session)
        if status is not None:
            return status
        reading = self._reading.get(session)
        if reading is None:
            route = await self.known_route(session, caller.principal)
            reading = self._reading.get(session)
            if reading is None:
                reading = self._begin(route, caller)
        return await asyncio.shield(reading)

    def _begin(self, route: Route, caller: Caller) -> asyncio.Task[Status]:
        task: asyncio.Task[Status] = self._background.spawn(
            self._read_once(route, caller), name="read_session"
        )
        self._reading[route.session] = task
        task.add_done_callback(lambda _: self._reading.pop(route.session, None))
        return task

    async def _read_once(self, route: Route, caller: Caller) -> Status:
        status = await self.read(route, caller)
        if self._limits.freshness > 0:
            self._fresh[route.session] = status
        return status

    async def _is_undecided(self, route: Route) -> bool:
        if not is_presumed_expired(route, self._clock.now()):
            return False
        try:
            return await self._settling.is_undecided(route)
        except StoreUnavailable:
            return False

    async def _save(
        self, route: Route, changes: tuple[PhaseChange, ...], caller: Caller | None
    ) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                if _is_taken(changes):
                    # First, for once the reading is kept it isn't new any more.
                    await self._settling.adopt(route, caller)
                await self._routes.save_reading(route, changes)
        except (StoreUnavailable, TimeoutError) as error:
            # Reads go on from what is known; the next reading is kept instead.
            reason = str(error) or "the store did not answer in time"
            _log.warning("reading_not_kept", session=route.session, reason=reason)

    async def _observe_start(
        self, route: Route, reading: SessionReading, now: datetime
    ) -> None:
        started = has_started(reading.payload) and not has_started(route.last_payload)
        if started and route.estimated_start is not None:
            error = (now - route.estimated_start).total_seconds()
            self._telemetry.record(StartObserved(route.site, error))
            await self._regretting.observe(route.session, now)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


def _with_phase_of(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return ``after`` in the phase of ``before``: its own is none that is known."""
    rest = {key: value for key, value in after.items() if key != "phase"}
    return {**rest, "phase": before["phase"]} if "phase" in before else rest


def _is_old(route: Route, now: datetime) -> bool:
    """Whether what is kept makes a reading look older than it is."""
    return route.last_read is None or now - route.last_read >= _KEPT_ANEW_AFTER


def _is_taken(changes: tuple[PhaseChange, ...]) -> bool:
    return any(
        change.component == "session" and session_phase(change.phase) in TAKEN
        for change in changes
    )


def _is_owner(route: Route, principal: Principal) -> bool:
    return principal.owns(route.issuer, route.subject)


def _unknown(session: str) -> UnknownResource:
    return UnknownResource(f"there is no session {session}")
