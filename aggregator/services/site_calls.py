"""Calls to sites: what passes the breaker and the limits, and what it tells of a site.

Every call to a site goes through here, so that its outcome is evidence of the
site's health wherever it came from.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import TypeVar

from aggregator.domain.events import Operation, SiteCalled, SiteInFlight
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.updates import Update
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite
from aggregator.ports.telemetry import Telemetry
from aggregator.services.caller import Caller
from aggregator.services.site_health import SiteHealth

_Answer = TypeVar("_Answer", SiteAnswer, SessionReading)


class SiteCalls:
    """Makes calls to sites, within the limits of each."""

    def __init__(self, health: SiteHealth, telemetry: Telemetry) -> None:
        self._health = health
        self._telemetry = telemetry
        self._open: Counter[str] = Counter()

    def refusal(self, site: FederatedSite) -> Outcome | None:
        """Say why the site is not to be asked for offers now; None where it is."""
        if self.is_busy(site):
            return Outcome.BUSY
        return None if self._health.admits(site.site.name) else Outcome.BREAKER_OPEN

    def is_busy(self, site: FederatedSite) -> bool:
        """Whether as many calls are open to the site as may be."""
        return self._open[site.site.name] >= site.site.in_flight

    def open_calls(self, site: str) -> int:
        """Return how many calls are open to the site."""
        return self._open[site]

    async def request_offers(
        self, site: FederatedSite, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers, whatever its breaker says: the caller decided."""
        call = site.broker.request_offers(request, context)
        return await self._counted(site.site.name, Operation.REQUEST, call)

    async def read_session(
        self, site: FederatedSite, session: str, context: CallContext
    ) -> SessionReading:
        """Read a session at its site."""
        if self.is_busy(site):
            return _busy(site)
        call = site.broker.read_session(session, context)
        return await self._counted(site.site.name, Operation.SESSION, call)

    async def update_session(
        self, site: FederatedSite, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session. Its breaker doesn't forbid that."""
        if self.is_busy(site):
            return _busy(site)
        call = site.broker.update_session(session, update, context)
        return await self._counted(site.site.name, Operation.UPDATE, call)

    async def _counted(
        self, site: str, operation: Operation, call: Awaitable[_Answer]
    ) -> _Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._health.began(site)
        self._change_open(site, +1)
        outcome = Outcome.CANCELLED
        detail = ""
        try:
            answer = await call
            outcome, detail = answer.outcome, answer.detail
            return answer
        finally:
            seconds = loop.time() - began
            self._change_open(site, -1)
            self._health.note(site, operation, outcome, detail)
            self._telemetry.record(SiteCalled(site, operation, outcome, seconds))

    def _change_open(self, site: str, by: int) -> None:
        self._open[site] += by
        self._telemetry.record(SiteInFlight(site, self._open[site]))


def _busy(site: FederatedSite) -> SessionReading:
    return SessionReading(
        site.site.name, Outcome.BUSY, detail="too many calls to the site are open"
    )


def context_for(caller: Caller | None, deadline: float) -> CallContext:
    """Return what a call for ``caller`` carries; None for the service's own calls."""
    if caller is None:
        return CallContext(deadline=deadline)
    return CallContext(
        deadline=deadline,
        authorization=caller.authorization,
        via=caller.via,
        trace=caller.trace,
        request_id=caller.request_id,
    )
