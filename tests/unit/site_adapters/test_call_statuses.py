"""HTTP statuses of sites, and the outcomes that they mean."""

import json

import pytest

from aggregator.domain.events import Operation
from aggregator.domain.outcomes import Outcome
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import caller_of, reading, submission, update, within

CALLS = {
    Operation.REQUEST: submission(),
    Operation.SESSION: reading(),
    Operation.UPDATE: update(),
}

EVERYWHERE = {
    400: Outcome.REFUSED_4XX,
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    405: Outcome.MISCONFIGURED,
    406: Outcome.MISCONFIGURED,
    408: Outcome.TIMEOUT,
    409: Outcome.REFUSED_4XX,
    413: Outcome.REFUSED_4XX,
    415: Outcome.MISCONFIGURED,
    418: Outcome.REFUSED_4XX,
    422: Outcome.REFUSED_4XX,
    429: Outcome.THROTTLED,
    500: Outcome.ERROR_5XX,
    502: Outcome.ERROR_5XX,
    503: Outcome.ERROR_5XX,
    508: Outcome.LOOP,
    304: Outcome.BAD_PAYLOAD,
    699: Outcome.BAD_PAYLOAD,
}
BY_OPERATION = [
    (Operation.REQUEST, 404, Outcome.MISCONFIGURED),
    (Operation.SESSION, 404, Outcome.NOT_FOUND),
    (Operation.UPDATE, 404, Outcome.NOT_FOUND),
    (Operation.SESSION, 410, Outcome.NOT_FOUND),
]
CASES = BY_OPERATION + [
    (operation, status, outcome)
    for operation in CALLS
    for status, outcome in EVERYWHERE.items()
]


async def asked(session, call, answer, context=None, **site):
    async with raw_site(answers(answer)) as server:
        caller = caller_of(server.url, session, **site)
        return await caller.ask(call, context or within()), server.requests


@pytest.mark.parametrize(("operation", "status", "outcome"), CASES)
async def test_each_failing_status_has_its_outcome(session, operation, status, outcome):
    failure, _ = await asked(session, CALLS[operation], http(status))

    assert failure.outcome is outcome
    assert failure.status == status
    assert str(status) in failure.detail


@pytest.mark.parametrize("status", [200, 201, 202, 303])
async def test_an_object_in_a_success_is_the_answer(session, status):
    document, _ = await asked(session, submission(), http(status, b'{"a": 1}'))

    assert document == {"a": 1}


@pytest.mark.parametrize("status", [200, 204])
async def test_a_success_without_a_body_is_a_bad_payload(session, status):
    failure, _ = await asked(session, submission(), http(status))

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert "empty" in failure.detail


@pytest.mark.parametrize("member", ["detail", "message", "error", "title"])
async def test_the_reason_that_a_site_gives_is_told(session, member):
    body = json.dumps({"status": 400, member: "no such\n image"}).encode()
    failure, _ = await asked(session, submission(), http(400, body))

    assert failure.detail == "it answered 400: no such image"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>secret path /srv</html>",
        b"[1, 2]",
        b'{"detail": 7}',
        b'{"detail": "' + b"x" * 70_000 + b'"}',
    ],
)
async def test_what_is_no_reason_is_not_told(session, body):
    failure, _ = await asked(session, submission(), http(500, body))

    assert failure.detail == "it answered 500"


async def test_a_long_reason_is_shortened(session):
    body = json.dumps({"detail": "x" * 5000}).encode()
    failure, _ = await asked(session, submission(), http(400, body))

    assert len(failure.detail) == 300
    assert failure.detail.endswith("...")


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_token_that_a_site_quotes_is_never_told(session, status):
    body = json.dumps({"detail": "the token s3cr3t is bad"}).encode()
    context = within(authorization="Bearer s3cr3t")
    failure, _ = await asked(session, submission(), http(status, body), context)

    assert failure.detail == f"it answered {status}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": " 7 "}, 7),
        ({"Retry_After": "999999999999"}, 86400),
        ({"Retry_After": "-7"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "²"}, None),
        (
            {
                "Date": "Tue, 04 Aug 2026 10:00:00 GMT",
                "Retry_After": "Tue, 04 Aug 2026 10:01:30 GMT",
            },
            90,
        ),
        (
            {
                "Date": "Tue, 04 Aug 2026 10:00:00 GMT",
                "Retry_After": "Tue, 04 Aug 2026 09:00:00 GMT",
            },
            0,
        ),
        ({"Retry_After": "Tue, 04 Aug 1998 10:01:30 GMT"}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_told_in_seconds(session, status, headers, seconds):
    failure, _ = await asked(session, submission(), http(status, **headers))

    assert failure.retry_after == seconds
