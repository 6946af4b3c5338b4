"""The adapter for sites that run an IVOA Execution Broker, or another meta-broker."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp

from aggregator.domain.events import Operation
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import Site
from aggregator.domain.updates import Update
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext, Preparation, ProbeReading
from aggregator.wire.dialects.base import Dialect
from aggregator.wire.writing import write_site_request, write_site_update
from site_adapters.answers import read_offers, read_reading, written
from site_adapters.base import CallLimits
from site_adapters.calls import Call, SiteCaller
from site_adapters.dialect_probe import Finding
from site_adapters.headers import clock_skew, version_of
from site_adapters.outcomes import Failure
from site_adapters.spoken_dialect import SpokenDialect

_DOUBTFUL: Final = frozenset({400, 404, 405, 422})
"""Statuses by which a site refuses what may be said in another's dialect."""

_UP: Final = range(500)


class ExecutionBrokerAdapter:
    """Speaks to one broker, in its dialect.

    Args:
        site: The site whose broker it is.
        session: Makes the connections; cookies and redirects are not wanted of it.
        limits: What an answer may cost.
        clock: For what sites say in times of day.
        new_uuid: Makes uuids that no site knows.
        dialect_probe: Whether a site whose dialect is ``auto`` may be probed.
    """

    def __init__(
        self,
        site: Site,
        session: aiohttp.ClientSession,
        limits: CallLimits,
        *,
        clock: Clock,
        new_uuid: Callable[[], UUID] = uuid4,
        dialect_probe: bool = True,
    ) -> None:
        self._site = site.name
        self._limits = limits
        self._clock = clock
        self._new_uuid = new_uuid
        self._caller = SiteCaller(site, session, limits, clock)
        self._dialect = SpokenDialect(site, self._caller, limits, probing=dialect_probe)

    async def prepare(self, context: CallContext) -> Preparation:
        """Find out the site's dialect, unless it is known."""
        finding = await self._dialect.settle(context)
        if isinstance(finding, Failure):
            return Preparation(finding.outcome, detail=finding.detail)
        return Preparation(Outcome.OK, finding.dialect.name, offers=finding.offers)

    async def request_offers(
        self, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers.

        A request is sent once more only in another dialect, after the site refused
        it and a probe showed that it speaks another.
        """
        began = _monotonic()
        finding = await self._dialect.settle(context)
        if isinstance(finding, Failure):
            answer = self._failed(finding)
        else:
            answer = await self._request(request, finding, context)
        return replace(answer, seconds=_monotonic() - began)

    async def read_session(self, session: str, context: CallContext) -> SessionReading:
        """Read the session that the site knows by the uuid ``session``."""
        began = _monotonic()
        call = Call(Operation.SESSION, _path_of(session))
        reading = self._reading(session, await self._caller.ask(call, context))
        return replace(reading, seconds=_monotonic() - began)

    async def update_session(
        self, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session, and return what it answered.

        Where the site's dialect isn't known, the session is read first: it shows it.
        """
        began = _monotonic()
        if self._dialect.known is None:
            reading = await self.read_session(session, context)
            if reading.outcome is not Outcome.OK:
                return reading
        reading = await self._update(session, update, context)
        return replace(reading, seconds=_monotonic() - began)

    async def probe(self, context: CallContext) -> ProbeReading:
        """Say whether the broker answers: any answer will do but a 5xx.

        An offer set is asked for that the site can't know, which costs it nothing.
        """
        began = _monotonic()
        call = Call(Operation.PROBE, f"/offersets/{self._new_uuid()}")
        reply = await self._caller.look(call, context)
        seconds = _monotonic() - began
        if isinstance(reply, Failure):
            return ProbeReading(reply.outcome, seconds, reply.detail)
        middle = self._clock.now() - timedelta(seconds=seconds / 2)
        up = reply.status in _UP
        refused = self._caller.refusal(reply, Operation.PROBE, context)
        known = self._dialect.known
        return ProbeReading(
            Outcome.OK if up else refused.outcome,
            seconds,
            "" if up else refused.detail,
            version_of(reply.headers),
            clock_skew(reply.headers, middle),
            known.name if known is not None else "",
            reply.certificate_expires,
        )

    async def _request(
        self, request: ExecutionRequest, finding: Finding, context: CallContext
    ) -> SiteAnswer:
        dialect, surplus = finding.dialect, finding.offers
        answered = await self._submit(request, dialect, context)
        if isinstance(answered, Failure) and answered.status in _DOUBTFUL:
            again = await self._settled_anew(context, finding)
            surplus += again.offers
            if again.dialect is not dialect:
                dialect = again.dialect
                answered = await self._submit(request, dialect, context)
        answer = await self._answer(answered, dialect)
        return replace(answer, surplus=surplus)

    async def _settled_anew(self, context: CallContext, before: Finding) -> Finding:
        self._dialect.doubt()
        finding = await self._dialect.settle(context)
        return Finding(before.dialect) if isinstance(finding, Failure) else finding

    async def _submit(
        self, request: ExecutionRequest, dialect: Dialect, context: CallContext
    ) -> dict[str, Any] | Failure:
        body = written(self._site, partial(write_site_request, request, dialect))
        if isinstance(body, Failure):
            return body
        call = Call(Operation.REQUEST, dialect.submit_path, body)
        return await self._caller.ask(call, context)

    async def _answer(
        self, answered: dict[str, Any] | Failure, asked: Dialect
    ) -> SiteAnswer:
        if isinstance(answered, Failure):
            return self._failed(answered)
        dialect = self._dialect.of_answer(answered)
        answer = await read_offers(self._site, answered, dialect, self._limits.offers)
        if answer.outcome is Outcome.BAD_PAYLOAD:
            self._dialect.doubt()
        elif answer.offers and dialect.submit_path == asked.submit_path:
            self._dialect.learn(dialect)
        return answer

    async def _update(
        self, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        dialect = self._dialect.known
        assert dialect is not None
        body = written(self._site, partial(write_site_update, update, dialect))
        if isinstance(body, Failure):
            return self._reading(session, body)
        call = Call(Operation.UPDATE, _path_of(session), body)
        return self._reading(session, await self._caller.ask(call, context))

    def _reading(
        self, session: str, answered: dict[str, Any] | Failure
    ) -> SessionReading:
        if isinstance(answered, Failure):
            return SessionReading(
                self._site,
                answered.outcome,
                detail=answered.detail,
                retry_after=answered.retry_after,
            )
        dialect = self._dialect.of_answer(answered)
        reading = read_reading(self._site, session, answered, dialect)
        if reading.outcome is Outcome.BAD_PAYLOAD:
            self._dialect.doubt()
        else:
            self._dialect.learn(dialect)
        return reading

    def _failed(self, failure: Failure) -> SiteAnswer:
        return SiteAnswer(
            self._site,
            failure.outcome,
            detail=failure.detail,
            retry_after=failure.retry_after,
        )


def _path_of(session: str) -> str:
    return f"/sessions/{quote(session, safe='')}"


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
