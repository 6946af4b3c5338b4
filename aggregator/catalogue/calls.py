"""The one way by which catalogues are called over HTTP.

A call has one absolute deadline that covers everything, carries the service's own
token and nothing of the client's, and follows no redirect: the token stays here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from aggregator.catalogue.faults import (
    CatalogueFailed,
    outcome_of_error,
    outcome_of_status,
)
from aggregator.credentials.secrets import Secret
from aggregator.domain.events import CatalogueAsked
from aggregator.domain.outcomes import Outcome
from aggregator.ports.telemetry import Telemetry

T = TypeVar("T")

_CHUNK: Final = 64 * 1024
_OK: Final = 200
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a catalogue.

    Attributes:
        path: Below the catalogue's configured URL, percent-encoded.
        body: What is sent, as JSON; None to GET.
    """

    path: str
    body: bytes | None = None
    accept: str = "application/json"


@dataclass(frozen=True, slots=True)
class Access:
    """How a catalogue is reached.

    Attributes:
        kind: ``dm-api`` or ``rucio``.
        url: Its base URL, without a trailing slash.
        token: By which it knows us; None where it wants none.
        as_headers: How it wants to be shown the token.
        headers: What else every call carries.
    """

    kind: str
    url: str
    token: Secret | None
    as_headers: Callable[[str], Mapping[str, str]]
    headers: Mapping[str, str] = field(default_factory=dict)


class CatalogueCaller:
    """Calls one catalogue, and tells how each call ended."""

    def __init__(
        self, access: Access, session: aiohttp.ClientSession, telemetry: Telemetry
    ) -> None:
        self._access = access
        self._session = session
        self._telemetry = telemetry

    async def ask(
        self,
        question: Question,
        deadline: float,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        """Return what ``read`` makes of the answer by ``deadline``.

        Args:
            question: What to ask.
            deadline: On the event loop's clock.
            read: Reads an answer of any status but a redirect or 401.

        Raises:
            CatalogueFailed: No answer came, or none that can be read.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = Outcome.CANCELLED
        try:
            async with asyncio.timeout_at(deadline):
                result = await self._exchange(question, read)
            outcome = Outcome.OK
        except Exception as error:
            outcome = outcome_of_error(error)
            if outcome is Outcome.UNAUTHORIZED and self._access.token is not None:
                self._access.token.doubt()
            raise CatalogueFailed(outcome) from error
        finally:
            self._telemetry.record(
                CatalogueAsked(self._access.kind, outcome, loop.time() - began)
            )
        return result

    async def _exchange(
        self,
        question: Question,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        async with self._session.request(
            "GET" if question.body is None else "POST",
            URL(self._access.url + question.path, encoded=True),
            data=question.body,
            headers=await self._headers(question),
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
        ) as response:
            return await read(response)

    async def _headers(self, question: Question) -> dict[str, str]:
        headers = {**self._access.headers, "Accept": question.accept}
        if question.body is not None:
            headers["Content-Type"] = "application/json"
        if self._access.token is not None:
            headers.update(self._access.as_headers(await self._access.token.current()))
        return headers


def require_ok(response: aiohttp.ClientResponse) -> None:
    """Go on only with an answer of status 200.

    Raises:
        CatalogueFailed: It has another; the outcome says what that means.
    """
    if response.status != _OK:
        raise CatalogueFailed(outcome_of_status(response.status))


async def read_body(response: aiohttp.ClientResponse, cap: int) -> bytes:
    """Return the body, decompressed.

    Raises:
        CatalogueFailed: It is larger than ``cap`` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > cap:
            raise CatalogueFailed(Outcome.TOO_LARGE)
    return bytes(body)
