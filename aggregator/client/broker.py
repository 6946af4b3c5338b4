"""The asyncio client of an Execution Broker, ours or any other."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import orjson

from aggregator.client import reading
from aggregator.client.answers import (
    AuditAnswer,
    OfferSetAnswer,
    Progress,
    SessionAnswer,
    SiteHealth,
    SiteReport,
)
from aggregator.client.errors import BrokerProblem, BrokerUnreachable
from aggregator.client.ranking import DecisionAnswer, RankingAnswer, ReplayAnswer
from aggregator.client.transport import Reply, Transport
from aggregator.client.watching import follow
from aggregator.domain.phases import SessionPhase
from aggregator.domain.updates import phase_update

_SUBMIT_PATHS: Final = ("/offersets", "/requests")
"""The submission under its two names; brokers know one of them, we know both."""

_SLACK: Final = 5.0
"""Seconds beyond its ``wait`` in which a submission must be answered."""

_LONGEST_REPLAY: Final = 120.0
"""Seconds in which a replay must be answered; brokers end it long before."""

_STRICT: Final = {"Prefer": "handling=strict"}


class BrokerClient:
    """Talks to one broker; used as ``async with BrokerClient(url) as broker``.

    Every method raises ``BrokerProblem`` where the broker answers with an error,
    and ``BrokerUnreachable`` where it doesn't answer in time or not as a broker.

    Args:
        url: The broker's base URL, such as ``http://127.0.0.1:8080``.
        token: A bearer token to send, without the word Bearer; only over https, or to
            this machine.
        timeout: Seconds that one exchange may take.

    Raises:
        ValueError: ``url`` is no http or https URL, or carries credentials; or
            ``token`` can't be one.
        InsecureToken: The token would go over a network in clear text.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 30.0
    ) -> None:
        self._timeout = timeout
        self._transport = Transport(url, token, timeout)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

    async def submit(
        self,
        request: Mapping[str, Any] | str | bytes,
        wait: float | None = None,
        policy: str | None = None,
    ) -> OfferSetAnswer:
        """Send a request for execution and return the offers that it got.

        Args:
            request: The request as a document, or as JSON or YAML text; in text it
                goes out as it is.
            wait: Seconds for which the broker should wait for its sites; None
                leaves that to the broker.
            policy: The ranking policy that a meta-broker should use; None leaves
                that to the broker.
        """
        body, media_type = _encoded(request)
        headers = {"Content-Type": media_type}
        if wait is not None:
            headers["Prefer"] = f"wait={wait:.0f}"
        timeout = max(self._timeout, (wait or 0.0) + _SLACK)
        query = "" if policy is None else f"?policy={_segment(policy)}"
        reply = await self._post_request(query, body, headers, timeout)
        document = reading.mapping(reply.document)
        if document:
            return OfferSetAnswer(document)
        return await self.offer_set(_last_segment(reply.location))

    async def _post_request(
        self, query: str, body: bytes, headers: Mapping[str, str], budget: float
    ) -> Reply:
        first, second = _SUBMIT_PATHS
        try:
            return await self._transport.exchange(
                "POST", first + query, body=body, headers=headers, budget=budget
            )
        except BrokerProblem as problem:
            if problem.status not in {
                HTTPStatus.NOT_FOUND,
                HTTPStatus.METHOD_NOT_ALLOWED,
            }:
                raise
        return await self._transport.exchange(
            "POST", second + query, body=body, headers=headers, budget=budget
        )

    async def offer_set(self, uuid: str) -> OfferSetAnswer:
        """Return an offer set as it is now."""
        return OfferSetAnswer(await self._get(f"/offersets/{_segment(uuid)}"))

    async def sites(self, uuid: str) -> tuple[SiteReport, ...]:
        """Return what each site did for an offer set; a meta-broker knows that."""
        document = await self._get(f"/offersets/{_segment(uuid)}/sites")
        return tuple(map(SiteReport, reading.mappings(document.get("sites"))))

    async def ranking(self, uuid: str) -> RankingAnswer:
        """Return why a set's offers stand as they do; a meta-broker knows that."""
        return RankingAnswer(await self._get(f"/offersets/{_segment(uuid)}/ranking"))

    async def decision(self, uuid: str) -> DecisionAnswer:
        """Return what the order of a set rested on; a meta-broker knows that."""
        return DecisionAnswer(await self._get(f"/offersets/{_segment(uuid)}/decision"))

    async def replay(self, policy: bytes, since: str) -> ReplayAnswer:
        """Return what another policy would have made of a meta-broker's decisions.

        Args:
            policy: The policy as it is written, YAML or JSON.
            since: A moment, or a time ago such as ``7d``, ``12h`` or ``30m``.
        """
        reply = await self._transport.exchange(
            "POST",
            f"/federation/policies/replay?since={_segment(since)}",
            body=policy,
            headers={"Content-Type": "application/yaml"},
            budget=max(self._timeout, _LONGEST_REPLAY),
        )
        return ReplayAnswer(_required(reply))

    async def session(self, uuid: str) -> SessionAnswer:
        """Return a session, or an offer, as it is now."""
        return SessionAnswer(await self._get(f"/sessions/{_segment(uuid)}"))

    async def update(self, uuid: str, update: Mapping[str, Any]) -> SessionAnswer:
        """Ask for a change of a session and return what became of it.

        A meta-broker answers a change that can't be made with a problem (409);
        other brokers return the unchanged session, so look at its phase.

        Args:
            uuid: The session.
            update: In the newest dialect, or in any that the broker reads.
        """
        reply = await self._transport.exchange(
            "POST",
            f"/sessions/{_segment(uuid)}",
            body=orjson.dumps(update),
            headers={"Content-Type": "application/json", **_STRICT},
        )
        return SessionAnswer(_required(reply))

    async def accept(self, uuid: str) -> SessionAnswer:
        """Accept an offer."""
        return await self._move(uuid, SessionPhase.ACCEPTED)

    async def reject(self, uuid: str) -> SessionAnswer:
        """Turn an offer down, so that its site can free what it reserved."""
        return await self._move(uuid, SessionPhase.REJECTED)

    async def cancel(self, uuid: str) -> SessionAnswer:
        """Cancel a session."""
        return await self._move(uuid, SessionPhase.CANCELLED)

    async def _move(self, uuid: str, phase: SessionPhase) -> SessionAnswer:
        return await self.update(uuid, phase_update(phase).payload)

    def watch(
        self, uuid: str, *, interval: float = 2.0, deadline: float | None = None
    ) -> AsyncIterator[Progress]:
        """Follow a session until it is in a phase that it never leaves.

        Yields the first look at it, and each later one at which a phase has
        changed. A broker that is away for a while is asked again.

        Args:
            uuid: The session.
            interval: Seconds between two looks.
            deadline: Seconds after which the watch ends by itself.

        Raises:
            WatchEnded: The deadline passed first.
        """
        clock = asyncio.get_running_loop().time
        until = None if deadline is None else clock() + deadline
        return follow(lambda: self.session(uuid), interval=interval, until=until)

    async def federation_sites(self) -> tuple[SiteHealth, ...]:
        """Return the sites of the federation with their health."""
        document = await self._get("/federation/sites")
        return tuple(map(SiteHealth, reading.mappings(document.get("sites"))))

    async def drain(self, site: str, length: str, reason: str) -> SiteHealth:
        """Keep new requests for offers off a site; for operators.

        Args:
            site: Its name.
            length: For how long, such as ``2h``.
            reason: Why.
        """
        return await self._operate(site, "drain", {"for": length, "reason": reason})

    async def undrain(self, site: str, reason: str | None = None) -> SiteHealth:
        """Let requests for offers go to a site again; for operators."""
        wish = {} if reason is None else {"reason": reason}
        return await self._operate(site, "undrain", wish)

    async def audit(self, limit: int = 100) -> tuple[AuditAnswer, ...]:
        """Return what operators did, the latest first; for operators."""
        document = await self._get(f"/federation/audit?limit={limit}")
        return tuple(map(AuditAnswer, reading.mappings(document.get("entries"))))

    async def _operate(
        self, site: str, action: str, wish: Mapping[str, str]
    ) -> SiteHealth:
        reply = await self._transport.exchange(
            "POST",
            f"/federation/sites/{_segment(site)}/{action}",
            body=orjson.dumps(wish),
            headers={"Content-Type": "application/json"},
        )
        return SiteHealth(_required(reply))

    async def _get(self, path: str) -> Mapping[str, Any]:
        return _required(await self._transport.exchange("GET", path))


def _encoded(request: Mapping[str, Any] | str | bytes) -> tuple[bytes, str]:
    if isinstance(request, Mapping):
        return orjson.dumps(request), "application/json"
    body = request.encode() if isinstance(request, str) else request
    is_json = body.lstrip()[:1] in {b"{", b"["}
    return body, "application/json" if is_json else "application/yaml"


def _required(reply: Reply) -> Mapping[str, Any]:
    document = reading.mapping(reply.document)
    if not document:
        raise BrokerUnreachable("the broker's answer is not the document asked for")
    return document


def _segment(uuid: str) -> str:
    return quote(uuid, safe="")


def _last_segment(location: str) -> str:
    """Of a ``Location`` only the uuid is used: it may lead to another host."""
    return urlsplit(location).path.rstrip("/").rpartition("/")[2]
