"""Calls to sites: what passes the breaker and the limits, and what it tells of a site.

Every call to a site goes through here, so that its outcome is evidence of the
site's health wherever it came from.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from aggregator.domain.events import Operation, SiteCalled, SiteInFlight, SiteState
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.tracing import Span
from aggregator.domain.updates import Update
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite
from aggregator.ports.telemetry import Telemetry
from aggregator.services.authorizing import AuthorizedCall
from aggregator.services.caller import Caller
from aggregator.services.site_health import SiteHealth

_Answer = TypeVar("_Answer", SiteAnswer, SessionReading)

_OF_DECISIONS: Final = {
    SiteState.DISABLED: Outcome.DISABLED,
    SiteState.DRAINED: Outcome.DRAINED,
    SiteState.MAINTENANCE: Outcome.DOWNTIME,
}


class SiteCalls:
    """Makes calls to sites, within the limits of each."""

    def __init__(self, health: SiteHealth, telemetry: Telemetry) -> None:
        self._health = health
        self._telemetry = telemetry
        self._open: Counter[str] = Counter()

    def refusal(self, site: FederatedSite) -> SiteAnswer | None:
        """Say why the site is not to be asked for offers now; None where it is."""
        name = site.site.name
        imposed = self._health.imposed(site.site)
        if imposed is not None:
            return SiteAnswer(name, _OF_DECISIONS[imposed.state], detail=imposed.reason)
        if self._open[name] >= _for_offers(site.site.in_flight):
            return SiteAnswer(name, Outcome.BUSY)
        if not self._health.admits(name):
            return SiteAnswer(name, Outcome.BREAKER_OPEN)
        return None

    def is_busy(self, site: FederatedSite) -> bool:
        """Whether as many calls are open to the site as may be."""
        return self._open[site.site.name] >= site.site.in_flight

    def open_calls(self, site: str) -> int:
        """Return how many calls are open to the site."""
        return self._open[site]

    def opened(self, site: str) -> None:
        """Count a call to the site from now on, until ``closed``.

        A request for offers counts from the decision to send it: many are decided on
        before the first of them is sent.
        """
        self._health.began(site)
        self._change_open(site, +1)

    def closed(self, site: str) -> None:
        """Count a call to the site no longer."""
        self._health.ended(site)
        self._change_open(site, -1)

    async def request_offers(
        self, site: FederatedSite, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers, whatever its breaker says: the caller decided.

        It is the caller who counts the call, with ``opened`` and ``closed``.
        """
        call = self._for_offers(site, Operation.REQUEST, request, context)
        return await self._told(call, Operation.REQUEST, call.once())

    async def probe_offers(
        self, site: FederatedSite, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers that nobody wants but to see whether it makes any."""
        call = self._for_offers(site, Operation.SYNTHETIC, request, context)
        return await self._counted(call, Operation.SYNTHETIC, call.once())

    async def read_session(
        self, site: FederatedSite, session: str, context: CallContext
    ) -> SessionReading:
        """Read a session at its site."""
        read = partial(site.broker.read_session, session)
        call = self._about_session(site, Operation.SESSION, read, context)
        return await self._unless_busy(call, Operation.SESSION, call.repeatable)

    async def update_session(
        self, site: FederatedSite, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session. Its breaker doesn't forbid that."""
        call = self._change(site, session, update, context)
        return await self._unless_busy(call, Operation.UPDATE, call.repeatable)

    async def release_session(
        self, site: FederatedSite, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session that nobody wants, be it as the service."""
        call = self._change(site, session, update, context)
        return await self._unless_busy(call, Operation.UPDATE, call.release)

    def _for_offers(
        self,
        site: FederatedSite,
        operation: Operation,
        request: ExecutionRequest,
        context: CallContext,
    ) -> AuthorizedCall[SiteAnswer]:
        ask = partial(site.broker.request_offers, request)
        noted = partial(self._noted, site.site.name, operation, ask)
        return AuthorizedCall(site, _traced(context), noted, SiteAnswer)

    def _about_session(
        self,
        site: FederatedSite,
        operation: Operation,
        ask: Callable[[CallContext], Awaitable[SessionReading]],
        context: CallContext,
    ) -> AuthorizedCall[SessionReading]:
        noted = partial(self._noted, site.site.name, operation, ask)
        return AuthorizedCall(site, _traced(context), noted, SessionReading)

    def _change(
        self, site: FederatedSite, session: str, update: Update, context: CallContext
    ) -> AuthorizedCall[SessionReading]:
        change = partial(site.broker.update_session, session, update)
        return self._about_session(site, Operation.UPDATE, change, context)

    async def _unless_busy(
        self,
        call: AuthorizedCall[SessionReading],
        operation: Operation,
        make: Callable[[], Awaitable[SessionReading]],
    ) -> SessionReading:
        if self.is_busy(call.site):
            return _busy(call.site)
        return await self._counted(call, operation, make())

    async def _counted(
        self,
        call: AuthorizedCall[_Answer],
        operation: Operation,
        answer: Awaitable[_Answer],
    ) -> _Answer:
        name = call.site.site.name
        self.opened(name)
        try:
            return await self._told(call, operation, answer)
        finally:
            self.closed(name)

    async def _told(
        self,
        call: AuthorizedCall[_Answer],
        operation: Operation,
        awaited: Awaitable[_Answer],
    ) -> _Answer:
        """Return the answer, and tell how the call ended, be it without being made."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = Outcome.CANCELLED
        try:
            answer = await awaited
            outcome = answer.outcome
            return answer
        finally:
            seconds = loop.time() - began
            name, span = call.site.site.name, call.context.span
            self._telemetry.record(SiteCalled(name, operation, outcome, seconds, span))

    async def _noted(
        self,
        site: str,
        operation: Operation,
        ask: Callable[[CallContext], Awaitable[_Answer]],
        context: CallContext,
    ) -> _Answer:
        """Return the answer of a call that is made: it is evidence of the site."""
        outcome = Outcome.CANCELLED
        detail = ""
        try:
            answer = await ask(context)
            outcome, detail = answer.outcome, answer.detail
            return answer
        finally:
            self._health.note(site, operation, outcome, detail)

    def _change_open(self, site: str, by: int) -> None:
        self._open[site] += by
        self._telemetry.record(SiteInFlight(site, self._open[site]))


def _for_offers(in_flight: int) -> int:
    """Return how many calls may ask for offers: some are kept for sessions.

    A site that is slow to make offers can be told all the same what becomes of them.
    """
    return in_flight - in_flight // 4


def _busy(site: FederatedSite) -> SessionReading:
    return SessionReading(
        site.site.name, Outcome.BUSY, detail="too many calls to the site are open"
    )


def _traced(context: CallContext) -> CallContext:
    """Return the context with a call's own span, be it in a trace of its own."""
    new = secrets.token_hex(8)
    parent = context.span
    span = Span(secrets.token_hex(16), new) if parent is None else parent.child(new)
    return replace(context, span=span, trace=span.headers)


def context_for(caller: Caller | None, deadline: float) -> CallContext:
    """Return what a call for ``caller`` carries; None for the service's own calls."""
    if caller is None:
        return CallContext(deadline=deadline)
    return CallContext(
        deadline=deadline,
        authorization=caller.authorization,
        via=caller.via,
        span=caller.span,
        request_id=caller.request_id,
    )
