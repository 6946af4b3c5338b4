"""Sites whose TLS can't be trusted, and a service that trusts one authority."""

import asyncio
import json
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tests.support.conversation import ask, read
from tests.support.raw_site import answers, http, raw_site
from tests.support.served import served_federation
from tests.support.site_answers import DIALECT, offer_set

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
HOST = "127.0.0.1"


def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good():
    return serving(AUTHORITY.issue_cert(HOST))


def expired():
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return serving(
        AUTHORITY.issue_cert(
            HOST, not_before=yesterday - timedelta(days=9), not_after=yesterday
        )
    )


def of_another_host():
    return serving(AUTHORITY.issue_cert("broker.example"))


def of_a_stranger():
    return serving(STRANGER.issue_cert(HOST))


SITES = {
    "good": (good, "ok", ""),
    "expired": (expired, "connect_error", "certificate has expired"),
    "other-host": (of_another_host, "connect_error", "certificate is not valid"),
    "stranger": (of_a_stranger, "connect_error", "unable to get local issuer"),
}
ALERT_PROTOCOL_VERSION = bytes((21, 3, 1, 0, 2, 2, 70))
"""What a server says that knows older versions of TLS only. Source: RFC 5246, 7.2."""


@asynccontextmanager
async def site_of_old():
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(ALERT_PROTOCOL_VERSION)
        writer.close()

    async with await asyncio.start_server(refuse, HOST, 0) as server:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def federation(tmp_path):
    trusted = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(trusted)
    body = json.dumps(await offer_set()).encode()
    async with AsyncExitStack() as stack:
        brokers = {}
        for name, (context, _, _) in SITES.items():
            script = answers(http(200, body))
            site = await stack.enter_async_context(raw_site(script, ssl=context()))
            brokers[name] = {"url": site.url, "dialect": DIALECT}
        url = await stack.enter_async_context(site_of_old())
        brokers["old"] = {"url": url, "dialect": DIALECT}
        yield await stack.enter_async_context(
            served_federation(
                tmp_path, {}, elsewhere=brokers, SSL_CERT_FILE=str(trusted)
            )
        )


async def test_row_36_a_site_that_can_not_be_trusted_is_named_with_the_reason(
    federation,
):
    heard = await ask(federation)
    assert len(heard.sessions) == 2
    sites = (await read(federation, f"/offersets/{heard.uuid}/sites")).document["sites"]
    found = {site["site"]: (site["outcome"], site["detail"]) for site in sites}
    expected = {name: (outcome, why) for name, (_, outcome, why) in SITES.items()}
    expected["old"] = ("connect_error", "tlsv1 alert protocol version")
    for name, (outcome, why) in expected.items():
        assert found[name][0] == outcome, found
        assert why in found[name][1], found
