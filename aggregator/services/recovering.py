"""Recovering: finding sessions at the sites whose routes were lost with the store.

Routes only: who owned a session, and which others were in its offer set, nobody knows
any more. Each gets a set of its own. One that its site has not accepted can't be
accepted here: an offer of the same set may have been, elsewhere.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import structlog

from aggregator.domain.acceptance import Verdict, verdict
from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.messages import Level, Message
from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.principal import Principal
from aggregator.domain.records import OfferSet, Route, Winner, WinnerState
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import SiteKind
from aggregator.ports.clock import Clock
from aggregator.ports.recovery import Recovery
from aggregator.ports.snapshot import FederatedSite, Snapshot
from aggregator.services.caller import Caller
from aggregator.services.site_calls import SiteCalls, context_for
from aggregator.wire.dialects import NEWEST
from aggregator.wire.extraction import instant

_log = structlog.get_logger(__name__)
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the search for one session.

    Attributes:
        route: The session's route, None where it was not found.
        readings: What each site that was asked said, in configured order.
    """

    session: str
    route: Route | None
    readings: tuple[SessionReading, ...]


class Recovering:
    """Asks sites about sessions, and keeps routes to those that they know."""

    def __init__(
        self,
        *,
        recovery: Recovery,
        snapshot: Snapshot,
        calls: SiteCalls,
        clock: Clock,
        deadline: float,
    ) -> None:
        """Take what is needed.

        Args:
            recovery: Where routes are kept.
            snapshot: The sites.
            calls: The way to them.
            clock: For the time of the finding.
            deadline: Seconds that a site has for its answer.
        """
        self._recovery = recovery
        self._snapshot = snapshot
        self._calls = calls
        self._clock = clock
        self._deadline = deadline

    async def recover_all(
        self, sessions: Sequence[str], owner: Principal
    ) -> list[Recovered]:
        """Look for ``sessions`` at all sites, a few at a time.

        Raises:
            StoreUnavailable: What was found can't be kept.
        """
        found: dict[str, Recovered] = {}
        failures: list[StoreUnavailable] = []
        waiting = iter(dict.fromkeys(sessions))
        sites = [s for s in self._snapshot.current().sites.values() if s.site.enabled]

        async def work() -> None:
            try:
                while not failures and (session := next(waiting, None)) is not None:
                    found[session] = await self.recover(session, owner, sites)
            except StoreUnavailable as error:
                failures.append(error)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())
        if failures:
            raise failures[0]
        return [found[session] for session in dict.fromkeys(sessions)]

    async def recover(
        self,
        session: str,
        owner: Principal,
        sites: Sequence[FederatedSite],
        caller: Caller | None = None,
    ) -> Recovered:
        """Look for one session at ``sites``, and keep the way to it.

        Args:
            session: Its uuid, which is its site's own.
            owner: Whose it is to be, unless it is known to be somebody else's.
            sites: Whom to ask.
            caller: Whose credentials are relayed.

        Raises:
            StoreUnavailable: It was found, and that can't be kept.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline
        context = context_for(caller, deadline)
        readings = await asyncio.gather(
            *(self._calls.read_session(site, session, context) for site in sites)
        )
        reading = _owner_of(sites, readings)
        if reading is None:
            return Recovered(session, None, tuple(readings))
        now = self._clock.now()
        offer_set = self._set_of(session, owner, reading, now)
        route = await self._recovery.keep(
            offer_set, _winner_of(session, offer_set.uuid, reading, now)
        )
        _log.info("session_recovered", session=session, site=route.site)
        return Recovered(session, route, tuple(readings))

    def _set_of(
        self, session: str, owner: Principal, reading: SessionReading, now: datetime
    ) -> OfferSet:
        return OfferSet(
            # Any replica that finds the session makes the same set of it.
            uuid=str(uuid5(NAMESPACE_URL, f"urn:metabroker:recovered:{session}")),
            created=now,
            request=ExecutionRequest("", dialect=NEWEST),
            issuer=owner.issuer,
            subject=owner.subject,
            offers=(
                Offer(
                    reading.site,
                    session,
                    session,
                    expires=instant(reading.payload, "expires"),
                    payload=reading.payload,
                    residue=reading.residue,
                ),
            ),
            messages=(
                Message(
                    "urn:metabroker:recovered",
                    Level.WARN,
                    "session {session} was found again at {site}; the rest of its "
                    "offer set is not known any more",
                    {"session": session, "site": reading.site},
                    now,
                ),
            ),
            open=False,
        )


def _owner_of(
    sites: Sequence[FederatedSite], readings: Sequence[SessionReading]
) -> SessionReading | None:
    """Return what the session's own site said: a meta-broker only passes it on.

    Where several sites know the uuid, nobody knows whose session was meant.
    """
    known = [
        (site.site.kind is SiteKind.METABROKER, reading)
        for site, reading in zip(sites, readings, strict=True)
        if reading.outcome is Outcome.OK
    ]
    own = [reading for passed_on, reading in known if not passed_on]
    if len(own) > 1:
        _log.warning("session_ambiguous", sites=[reading.site for reading in own])
        return None
    found = own or [reading for _, reading in known]
    return found[0] if found else None


def _winner_of(
    session: str, offer_set: str, reading: SessionReading, now: datetime
) -> Winner:
    taken = verdict(reading) is Verdict.TAKEN
    return Winner(
        offer_set=offer_set,
        session=session,
        site=reading.site,
        site_session=session,
        state=WinnerState.ACCEPTED if taken else WinnerState.LOST,
        since=now,
    )
