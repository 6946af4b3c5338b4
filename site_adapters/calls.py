"""The one way by which adapters call sites over HTTP.

A call has one absolute deadline that covers everything, is sent exactly once,
goes nowhere but to the site's configured origin, and ends with a value.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from aggregator.domain.events import Operation
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext
from site_adapters.base import CallLimits
from site_adapters.bodies import read_body
from site_adapters.certificates import certificate_expires
from site_adapters.headers import outgoing_headers
from site_adapters.outcomes import CallFailed, Failure, failure_of
from site_adapters.redirects import REDIRECTS, redirect_target
from site_adapters.replies import SUCCESSES, Reply, behind_redirect

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a site.

    Attributes:
        path: Below the site's configured URL, percent-encoded.
        body: What is sent, as JSON; None to GET.
    """

    operation: Operation
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Leg:
    """One HTTP exchange: a call's first, or the following of a redirect."""

    url: URL
    body: bytes | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


class SiteCaller:
    """Calls one site."""

    def __init__(
        self,
        site: Site,
        session: aiohttp.ClientSession,
        limits: CallLimits,
        clock: Clock,
    ) -> None:
        self._site = site
        self._session = session
        self._limits = limits
        self._clock = clock
        self._base = site.url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=site.connect_timeout
        )

    async def ask(self, call: Call, context: CallContext) -> dict[str, Any] | Failure:
        """Return the object with which the site answers ``call``."""
        return await _valued(partial(self._converse, call, context), context.deadline)

    async def look(self, call: Call, context: CallContext) -> Reply | Failure:
        """Return the site's first answer to ``call``, whatever its status."""
        return await _valued(partial(self._open, call, context), context.deadline)

    def refusal(
        self, reply: Reply, operation: Operation, context: CallContext
    ) -> Failure:
        """Return what a reply's failing status says of the call."""
        secret = (context.authorization or "").rpartition(" ")[2]
        return reply.refusal(operation, self._clock.now(), secret)

    async def _open(self, call: Call, context: CallContext) -> Reply:
        return await self._exchange(self._first_leg(call), context)

    async def _converse(
        self, call: Call, context: CallContext
    ) -> dict[str, Any] | Failure:
        leg = first = self._first_leg(call)
        for _ in range(self._limits.redirects + 1):
            reply = await self._exchange(leg, context)
            if reply.status in SUCCESSES:
                return await reply.document()
            if reply.status not in REDIRECTS:
                refused = self.refusal(reply, call.operation, context)
                if leg is first:
                    return refused
                return behind_redirect(refused, was_sent=call.body is not None)
            try:
                return await reply.document()
            except CallFailed:
                leg = self._next_leg(leg, reply)
        raise CallFailed(Outcome.BAD_PAYLOAD, "it redirects again and again")

    def _first_leg(self, call: Call) -> _Leg:
        return _Leg(URL(self._base + call.path, encoded=True), call.body)

    def _next_leg(self, leg: _Leg, reply: Reply) -> _Leg:
        location = reply.headers.get("Location", "")
        return _Leg(
            redirect_target(
                URL(self._base), leg.url, leg.method, reply.status, location
            )
        )

    async def _exchange(self, leg: _Leg, context: CallContext) -> Reply:
        headers = outgoing_headers(self._site, context)
        if leg.body is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(
            leg.method,
            leg.url,
            data=leg.body,
            headers=headers,
            allow_redirects=False,
            raise_for_status=False,
            timeout=self._timeout,
        ) as response:
            body = await read_body(response, self._limits.body)
            return Reply(
                response.status, response.headers, body, certificate_expires(response)
            )


async def _valued(
    work: Callable[[], Awaitable[_Result]], deadline: float
) -> _Result | Failure:
    """Return what ``work`` brings by ``deadline``, else why it brought nothing."""
    if deadline <= asyncio.get_running_loop().time():
        return Failure(Outcome.TIMEOUT, "no time was left to ask it")
    try:
        async with asyncio.timeout_at(deadline):
            return await work()
    except Exception as error:  # noqa: BLE001 - sites give values, never exceptions
        return failure_of(error)
