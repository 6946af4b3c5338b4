"""TLS of sites: what is wrong with it is said, and nothing is sent."""

import asyncio
import ssl
from datetime import UTC, datetime

import aiohttp
import pytest
import trustme

from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode, Site
from site_adapters.certificates import CertifiedResponse
from site_adapters.execution_broker import ExecutionBrokerAdapter
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import CLOCK, LIMITS, caller_of, submission, within

AUTHORITY = trustme.CA()


def server_context(name, **certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name, **certificate).configure_cert(context)
    return context


async def probe(url, session):
    adapter = ExecutionBrokerAdapter(
        Site("here", url, dialect="2025-11"), session, LIMITS, clock=CLOCK
    )
    return await adapter.probe(within())


@pytest.fixture
async def trusting():
    """A session that trusts our authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(
        connector=connector, response_class=CertifiedResponse
    ) as session:
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


END = datetime(2090, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_a_probe_says_until_when_the_certificate_is_good(trusting):
    tls = server_context("127.0.0.1", not_after=END)
    replies = [http(404, b"{}"), http(404, b"x" * 300_000), http(200)]
    async with raw_site(answers(*replies), ssl=tls) as site:
        readings = [await probe(site.url, trusting) for _ in replies]

    assert [reading.certificate_expires for reading in readings] == [END] * 3
    assert {reading.dialect for reading in readings} == {"2025-11"}


async def test_a_certificate_that_has_ended_is_refused_by_name(trusting):
    over = datetime(2020, 1, 1, tzinfo=UTC)
    tls = server_context("127.0.0.1", not_after=over)
    async with raw_site(answers(http(404)), ssl=tls) as site:
        reading = await probe(site.url, trusting)

    assert reading.outcome is Outcome.CONNECT_ERROR
    assert "certificate has expired" in reading.detail


async def test_without_tls_there_is_no_certificate(trusting, session):
    async with raw_site(answers(http(404), http(404))) as site:
        for one in (trusting, session):
            assert (await probe(site.url, one)).certificate_expires is None
