"""Calls to sites: what passes the breaker and the limits, and what it tells of a site.

Every call to a site goes through here, so that its outcome is evidence of the
site's health wherever it came from.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, TypeVar

from aggregator.domain.events import Operation, SiteCalled, SiteInFlight, SiteState
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.tracing import Span
from aggregator.domain.updates import Update
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite
from aggregator.ports.telemetry import Telemetry
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
        span = _span(context)
        call = site.broker.request_offers(request, _traced(context, span))
        return await self._told(site.site.name, Operation.REQUEST, call, span)

    async def probe_offers(
        self, site: FederatedSite, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers that nobody wants but to see whether it makes any."""
        span = _span(context)
        call = site.broker.request_offers(request, _traced(context, span))
        return await self._counted(site.site.name, Operation.SYNTHETIC, call, span)

    async def read_session(
        self, site: FederatedSite, session: str, context: CallContext
    ) -> SessionReading:
        """Read a session at its site."""
        if self.is_busy(site):
            return _busy(site)
        span = _span(context)
        call = site.broker.read_session(session, _traced(context, span))
        return await self._counted(site.site.name, Operation.SESSION, call, span)

    async def update_session(
        self, site: FederatedSite, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session. Its breaker doesn't forbid that."""
        if self.is_busy(site):
            return _busy(site)
        span = _span(context)
        call = site.broker.update_session(session, update, _traced(context, span))
        return await self._counted(site.site.name, Operation.UPDATE, call, span)

    async def _counted(
        self, site: str, operation: Operation, call: Awaitable[_Answer], span: Span
    ) -> _Answer:
        self.opened(site)
        try:
            return await self._told(site, operation, call, span)
        finally:
            self.closed(site)

    async def _told(
        self, site: str, operation: Operation, call: Awaitable[_Answer], span: Span
    ) -> _Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = Outcome.CANCELLED
        detail = ""
        try:
            answer = await call
            outcome, detail = answer.outcome, answer.detail
            return answer
        finally:
            seconds = loop.time() - began
            self._health.note(site, operation, outcome, detail)
            self._telemetry.record(SiteCalled(site, operation, outcome, seconds, span))

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


def _span(context: CallContext) -> Span:
    """Return the span of a call: of the request's trace, or of one of its own."""
    if context.span is None:
        return Span(secrets.token_hex(16), secrets.token_hex(8))
    return context.span.child(secrets.token_hex(8))


def _traced(context: CallContext, span: Span) -> CallContext:
    return replace(context, trace=span.headers)


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
