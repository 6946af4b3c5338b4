"""What calls say of themselves, and to whom credentials go."""

from datetime import UTC, datetime

import pytest

from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode, Site
from site_adapters.headers import clock_skew, outgoing_headers, version_of
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import caller_of, submission, within

TOKEN = "Bearer s3cr3t"


async def test_a_call_is_sent_as_json_with_its_context(session):
    context = within(
        via="1.1 one, 1.1 two",
        trace={"traceparent": "00-4bf9-00f0-01", "Accept": "text/html"},
        request_id="r-1",
    )
    async with raw_site(answers(http(200, b"{}"))) as site:
        await caller_of(site.url + "/eb/", session).ask(
            submission(body=b'{"a":1}'), context
        )

    [request] = site.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /eb/requests HTTP/1.1"
    assert body == b'{"a":1}'
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert headers["Via"] == "1.1 one, 1.1 two"
    assert headers["traceparent"] == "00-4bf9-00f0-01"
    assert headers["X-Request-ID"] == "r-1"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("url", "mode", "relayed"),
    [
        ("https://broker.example/eb", CredentialsMode.RELAY, True),
        ("http://127.0.0.1:8082", CredentialsMode.RELAY, True),
        ("http://[::1]:8082", CredentialsMode.RELAY, True),
        ("http://localhost:8082", CredentialsMode.RELAY, True),
        ("http://broker.example", CredentialsMode.RELAY, False),
        ("http://10.0.0.1", CredentialsMode.RELAY, False),
        ("http://localhost.broker.example", CredentialsMode.RELAY, False),
        ("https://broker.example/eb", CredentialsMode.NONE, False),
    ],
)
async def test_credentials_go_only_where_they_may(url, mode, relayed):
    site = Site("here", url, credentials=mode)
    headers = outgoing_headers(site, within(authorization=TOKEN))

    assert headers.get("Authorization") == (TOKEN if relayed else None)


async def test_a_header_that_cannot_be_sent_costs_only_the_call(session):
    async with raw_site(answers(http(200, b"{}"))) as site:
        failure = await caller_of(site.url, session).ask(
            submission(), within(request_id="a\r\nX-Injected: b")
        )

    assert failure.outcome is Outcome.CONNECT_ERROR
    assert site.requests == []


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Tue, 04 Aug 2026 10:00:00 GMT", 0.0),
        ("Tue, 04 Aug 2026 10:10:00 GMT", 600.0),
        ("Tue, 04 Aug 2026 09:59:30 -0000", -30.0),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_skew_of_a_clock_is_read_of_the_date(date, skew):
    now = datetime(2026, 8, 4, 10, 0, 0, 500_000, tzinfo=UTC)

    assert clock_skew({"Date": date}, now) == skew


def test_the_version_is_what_the_service_says_before_the_server():
    assert version_of({"Server": "nginx", "X-Version": "1.2"}) == "1.2"
    assert version_of({"Server": "nginx" * 100}) == ("nginx" * 100)[:100]
    assert version_of({}) == ""
