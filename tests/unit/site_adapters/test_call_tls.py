"""TLS of sites: what is wrong with it is said, and nothing is sent."""

import asyncio
import ssl

import aiohttp
import pytest
import trustme

from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import caller_of, submission, within

AUTHORITY = trustme.CA()


def server_context(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
async def trusting():
    """A session that trusts our authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def test_a_trusted_site_is_called_with_the_credentials(trusting):
    tls = server_context("127.0.0.1")
    async with raw_site(answers(http(200, b"{}")), ssl=tls) as site:
        caller = caller_of(site.url, trusting, credentials=CredentialsMode.RELAY)
        document = await caller.ask(submission(), within(authorization="Bearer x"))

    assert document == {}
    assert b"Authorization: Bearer x\r\n" in site.requests[0]


async def test_a_certificate_for_another_host_is_refused(trusting):
    tls = server_context("broker.example")
    async with raw_site(answers(http(200, b"{}")), ssl=tls) as site:
        failure = await caller_of(site.url, trusting).ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "certificate" in failure.detail
    assert "127.0.0.1" in failure.detail
    assert site.requests == []


async def test_a_certificate_of_an_unknown_authority_is_refused(session):
    tls = server_context("127.0.0.1")
    async with raw_site(answers(http(200, b"{}")), ssl=tls) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "certificate" in failure.detail
    assert site.requests == []


async def test_a_site_without_tls_is_a_connect_error(session):
    async def speak_plainly(reader, writer):
        await reader.read(1)
        writer.write(http(400))
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        caller = caller_of(f"https://127.0.0.1:{port}", session)
        failure = await caller.ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "TLS" in failure.detail
