"""What a site does to a connection, and the outcome that it is told as."""

import asyncio
import gzip
import socket
import struct
import time
import tracemalloc

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from aggregator.domain.outcomes import Outcome
from site_adapters.base import CallLimits
from tests.support.raw_site import answers, black_hole, closed_port, http, raw_site
from tests.support.site_calls import caller_of, reading, submission, within

SHORT = 0.2
SLACK = 10 * SHORT


class Stopwatch:
    def __enter__(self):
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._began


async def say_nothing(writer):
    await asyncio.Event().wait()


async def stall_after_headers(writer):
    writer.write(http(200, b'{"a"', Content_Length=100))
    await asyncio.Event().wait()


async def drip(writer):
    writer.write(http(200, Content_Length=1000))
    while True:
        writer.write(b" ")
        await asyncio.sleep(SHORT / 10)


async def reset(writer):
    linger_for_nothing = struct.pack("ii", 1, 0)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    writer.transport.abort()


async def close(writer):
    return False


async def reset_inside_the_body(writer):
    writer.write(http(200, b'{"a"', Content_Length=100))
    await writer.drain()
    await reset(writer)


@pytest.mark.parametrize("script", [say_nothing, stall_after_headers, drip])
async def test_the_deadline_covers_everything(session, script):
    async with raw_site(script) as site:
        with Stopwatch() as watch:
            failure = await caller_of(site.url, session).ask(
                submission(), within(SHORT)
            )

    assert failure.outcome is Outcome.TIMEOUT
    assert "deadline" in failure.detail
    assert SHORT * 0.9 <= watch.seconds < SLACK
    assert len(site.requests) == 1


async def test_nothing_is_sent_after_the_deadline(session):
    async with raw_site(say_nothing) as site:
        failure = await caller_of(site.url, session).ask(submission(), within(-1))

    assert failure.outcome is Outcome.TIMEOUT
    assert site.connections == 0


async def test_a_black_hole_is_a_timeout_at_the_deadline(session):
    with black_hole() as url, Stopwatch() as watch:
        failure = await caller_of(url, session).ask(submission(), within(SHORT))

    assert failure.outcome is Outcome.TIMEOUT
    assert watch.seconds < SLACK


async def test_a_black_hole_is_given_up_after_the_connect_timeout(session):
    with black_hole() as url, Stopwatch() as watch:
        caller = caller_of(url, session, connect_timeout=SHORT)
        failure = await caller.ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "connect" in failure.detail
    assert watch.seconds < SLACK


async def test_waits_for_a_black_hole_are_not_stacked(session):
    with black_hole() as url, Stopwatch() as watch:
        caller = caller_of(url, session)
        failures = await asyncio.gather(
            *(caller.ask(submission(), within(SHORT)) for _ in range(20))
        )

    assert {failure.outcome for failure in failures} == {Outcome.TIMEOUT}
    assert watch.seconds < SLACK


async def test_a_refused_connection_costs_nothing(session):
    url = f"http://127.0.0.1:{closed_port()}"
    with Stopwatch() as watch:
        failure = await caller_of(url, session).ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "connection refused" in failure.detail
    assert watch.seconds < SLACK


class KnowsNoName(AbstractResolver):
    async def resolve(self, *_, **__):
        raise OSError(None, "Name or service not known")

    async def close(self):
        pass


async def test_an_unknown_name_is_a_connect_error():
    connector = aiohttp.TCPConnector(resolver=KnowsNoName())
    async with aiohttp.ClientSession(connector=connector) as session:
        caller = caller_of("http://broker.example", session)
        failure = await caller.ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert "name" in failure.detail


@pytest.mark.parametrize("script", [reset, close])
async def test_a_connection_that_ends_without_an_answer(session, script):
    async with raw_site(script) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert failure.status is None
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        reset_inside_the_body,
        answers(http(200, b'{"a": 1', Content_Length=100)),
        answers(http(200, b"not gzip at all", Content_Encoding="gzip")),
        answers(http(200, b"?", Content_Encoding="br")),
        answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        answers(http(200, b"{}", X_Long="x" * 20_000)),
        answers(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
        ),
    ],
)
async def test_a_broken_answer_is_a_bad_payload(session, script):
    async with raw_site(script) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert len(site.requests) == 1


ENDLESS = 50_000_000


async def endless(writer):
    writer.write(http(200, Content_Length=ENDLESS))
    for _ in range(ENDLESS // 10_000):
        writer.write(b" " * 10_000)
        await writer.drain()


async def test_a_body_over_the_cap_is_not_read_to_its_end(session):
    limits = CallLimits(body=100_000)
    async with raw_site(endless) as site:
        failure = await caller_of(site.url, session, limits).ask(reading(), within())

    assert failure.outcome is Outcome.TOO_LARGE
    assert "100000 bytes" in failure.detail


async def test_a_body_at_the_cap_is_read(session):
    body = b'{"text": "' + b"x" * 988 + b'"}'
    limits = CallLimits(body=len(body))
    async with raw_site(answers(http(200, body))) as site:
        document = await caller_of(site.url, session, limits).ask(reading(), within())

    assert document == {"text": "x" * 988}


async def test_the_cap_holds_for_what_a_compressed_body_expands_to(session):
    bomb = gzip.compress(b'{"text": "' + b" " * 20_000_000 + b'"}')
    assert len(bomb) < 100_000
    limits = CallLimits(body=100_000)
    answer = http(200, bomb, Content_Encoding="gzip")
    async with raw_site(answers(answer)) as site:
        tracemalloc.start()
        failure = await caller_of(site.url, session, limits).ask(reading(), within())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert failure.outcome is Outcome.TOO_LARGE
    assert peak < 5_000_000


async def test_a_compressed_answer_is_read(session):
    body = gzip.compress(b'{"a": 1}')
    async with raw_site(answers(http(200, body, Content_Encoding="gzip"))) as site:
        document = await caller_of(site.url, session).ask(reading(), within())

    assert document == {"a": 1}


async def test_cancellation_passes_through(session):
    async with raw_site(say_nothing) as site:
        call = asyncio.create_task(
            caller_of(site.url, session).ask(submission(), within())
        )
        await site.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_closed_session_is_a_value_too(session):
    await session.close()
    failure = await caller_of("http://127.0.0.1:1", session).ask(reading(), within())

    assert failure.outcome is Outcome.CONNECT_ERROR


async def test_a_url_of_another_scheme_is_misconfigured(session):
    failure = await caller_of("ftp://127.0.0.1", session).ask(reading(), within())

    assert failure.outcome is Outcome.MISCONFIGURED
