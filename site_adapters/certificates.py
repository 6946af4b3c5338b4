"""Certificates: until when a site's is good, as its connection showed."""

import ssl
from asyncio import BaseTransport
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.connector import Connection


class CertifiedResponse(aiohttp.ClientResponse):
    """A response that remembers until when its server's certificate is good.

    By the time that anybody else sees a response, its connection may be gone: a short
    answer is complete at once. To be given to a session as its ``response_class``.

    Attributes:
        certificate_expires: None without TLS.
    """

    certificate_expires: datetime | None = None

    async def start(self, connection: "Connection") -> aiohttp.ClientResponse:
        """Begin to read the response that comes by ``connection``."""
        self.certificate_expires = _expiry(connection.transport)
        return await super().start(connection)


def certificate_expires(response: aiohttp.ClientResponse) -> datetime | None:
    """Return when the server's certificate ends, None where that isn't known."""
    if isinstance(response, CertifiedResponse):
        return response.certificate_expires
    return None


def _expiry(transport: BaseTransport | None) -> datetime | None:
    certificate = transport.get_extra_info("peercert") if transport else None
    text = (certificate or {}).get("notAfter")
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
    except (ValueError, OverflowError):
        return None
