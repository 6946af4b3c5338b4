"""One HTTP exchange with a broker: bounded, timed, never redirected."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final, Self

import aiohttp
import orjson
from yarl import URL

from aggregator.client import reading
from aggregator.client.errors import BrokerProblem, BrokerUnreachable, InsecureToken
from aggregator.domain.errors import Violation

LARGEST_ANSWER: Final = 64 * 2**20
"""Bytes of an answer that are read; a set of a thousand large offers has less."""

_CHUNK: Final = 2**16


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that isn't an error.

    Attributes:
        document: The JSON body, None where there was none.
        location: The ``Location`` header, empty where there was none.
    """

    status: int
    document: Any
    location: str


class Transport:
    """Connections to one broker.

    Args:
        url: The broker's base URL, http or https.
        token: A bearer token to send, without its scheme; blanks around it don't
            matter, such as the end of the line in a file that was read.
        timeout: Seconds that an exchange may take from its start to its end.
    """

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._base = _base_url(url)
        self._timeout = timeout
        self._headers = {"Accept": "application/json"}
        bare = (token or "").strip()
        if bare:
            _refuse_clear_text(self._base)
            self._headers["Authorization"] = f"Bearer {_checked(bare)}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        budget: float | None = None,
    ) -> Reply:
        """Send a request and return the answer; a redirect is an answer too.

        Args:
            method: Of HTTP.
            path: Below the base URL, encoded.
            body: Its bytes, None for no body.
            headers: Beside those that go with every request.
            budget: Seconds in the place of the usual timeout.

        Raises:
            BrokerProblem: The broker answered with an error.
            BrokerUnreachable: No answer came in time, or none of a broker.
        """
        if self._session is None:
            raise RuntimeError("the client is used outside of its `async with`")
        seconds = self._timeout if budget is None else budget
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.request(
                    method,
                    URL(f"{self._base}{path}", encoded=True),
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                return self._reply(response, await _bounded_body(response))
        except TimeoutError:
            fault = f"no answer from {self._base} within {seconds:g} s"
            raise BrokerUnreachable(fault) from None
        except aiohttp.ClientError as error:
            fault = f"can't reach {self._base}: {_words(error)}"
            raise BrokerUnreachable(fault) from error

    def _reply(self, response: aiohttp.ClientResponse, body: bytes) -> Reply:
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _problem(response, body)
        try:
            document = orjson.loads(body) if body.strip() else None
        except orjson.JSONDecodeError:
            fault = f"{self._base} doesn't answer as an Execution Broker does"
            raise BrokerUnreachable(f"{fault}: no JSON came") from None
        location = response.headers.get("Location", "")
        return Reply(response.status, document, location)


def _base_url(url: str) -> str:
    parsed = URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"{url!r} is not an http or https URL of a broker")
    if parsed.user is not None or parsed.password is not None:
        raise ValueError("credentials don't belong into the URL of a broker")
    return str(parsed.with_query(None).with_fragment(None)).rstrip("/")


def _checked(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token has characters that no token has")
    return token


def _refuse_clear_text(base: str) -> None:
    url = URL(base)
    if url.scheme != "https" and not _is_loopback(url.host or ""):
        raise InsecureToken(
            f"the token is not sent to {base}: use https, or leave the token away"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            fault = f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB"
            raise BrokerUnreachable(fault)
    return bytes(body)


def _problem(response: aiohttp.ClientResponse, body: bytes) -> BrokerProblem:
    try:
        document = reading.mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        document = {}
    title = reading.text(document.get("title")) or reading.text(document.get("error"))
    return BrokerProblem(
        response.status,
        title or response.reason or f"HTTP status {response.status}",
        detail=reading.text(document.get("detail")),
        violations=_violations(document),
        retry_after=_seconds(response.headers.get("Retry-After", "")),
        document=document,
    )


def _violations(document: Mapping[str, Any]) -> tuple[Violation, ...]:
    listed = document.get("violations") or document.get("errors")
    return tuple(
        Violation(
            pointer=reading.text(item.get("pointer")),
            reason=reading.text(item.get("reason") or item.get("detail")),
            line=reading.whole(item.get("line")),
            column=reading.whole(item.get("column")),
        )
        for item in reading.mappings(listed)
    )


def _seconds(header: str) -> float | None:
    return float(header) if header.strip().isdecimal() else None


def _words(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return _system_words(error.os_error)
    return str(error) or type(error).__name__


def _system_words(error: OSError) -> str:
    """Resolver errors have numbers of their own, below 0, and words with them."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)
