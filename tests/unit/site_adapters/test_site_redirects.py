"""Redirects of sites: followed within their origin only."""

import pytest

from aggregator.domain.outcomes import Outcome
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import caller_of, reading, submission, update, within

UUID = "0c2f4f0a-5a5e-4b0e-9f0e-1d7a3c6b9e21"
FOUND = b'{"a": 1}'


def paths(site):
    return [b" ".join(request.split(b" ")[:2]).decode() for request in site.requests]


async def test_the_body_of_a_303_is_used_as_it_is(session):
    answer = http(303, FOUND, Location="http://elsewhere.example/offersets/1")
    async with raw_site(answers(answer)) as site:
        document = await caller_of(site.url, session).ask(submission(), within())

    assert document == {"a": 1}
    assert paths(site) == ["POST /requests"]


@pytest.mark.parametrize("body", [b"", b"<html>See other</html>", b"[]", b'{"a":'])
@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_without_an_object_is_followed(session, status, body):
    moved = http(status, body, Location=f"/offersets/{UUID}")
    async with raw_site(answers(moved, http(200, FOUND))) as site:
        document = await caller_of(site.url, session).ask(submission(), within())

    assert document == {"a": 1}
    assert paths(site) == ["POST /requests", f"GET /offersets/{UUID}"]


@pytest.mark.parametrize(
    "location",
    [
        "{origin}/eb/offersets/{uuid}",
        "{origin}/offersets/{uuid}",
        "/offersets/{uuid}",
        "offersets/{uuid}",
        "//{host}/internal/offersets/{uuid}#top",
    ],
)
async def test_the_configured_base_replaces_what_a_site_says(session, location):
    waiting = [http(303), http(200, FOUND)]

    async def script(writer):
        answer = waiting.pop(0)
        if answer.startswith(b"HTTP/1.1 303"):
            host = site.url.removeprefix("http://")
            target = location.format(origin=site.url, uuid=UUID, host=host)
            answer = http(303, Location=target)
        writer.write(answer)

    async with raw_site(script) as site:
        document = await caller_of(site.url + "/eb", session).ask(
            submission(), within()
        )

    assert document == {"a": 1}
    assert paths(site) == ["POST /eb/requests", f"GET /eb/offersets/{UUID}"]


async def test_another_path_of_the_origin_is_taken_as_it_is(session):
    moved = http(302, Location="/new%20place/?a=1")
    async with raw_site(answers(moved, http(200, FOUND))) as site:
        document = await caller_of(site.url + "/eb", session).ask(reading(), within())

    assert document == {"a": 1}
    assert paths(site) == ["GET /eb/sessions/1", "GET /new%20place/?a=1"]


async def test_nothing_is_ever_sent_off_the_origin(session):
    async with raw_site(answers(http(200, FOUND))) as elsewhere:
        answer = http(303, Location=f"{elsewhere.url}/offersets/{UUID}?token=s3cr3t")
        async with raw_site(answers(answer)) as site:
            failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert elsewhere.url in failure.detail
    assert "s3cr3t" not in failure.detail
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/offersets/1",
        "http://127.0.0.1:1/offersets/1",
        "ftp://127.0.0.1/x",
        "http://user:password@/x",
        "http://[/",
        "mailto:somebody",
        "",
    ],
)
async def test_what_is_no_place_at_the_site_is_a_bad_payload(session, location):
    async with raw_site(answers(http(303, Location=location))) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert len(site.requests) == 1


async def test_a_loop_ends_after_five_redirects(session):
    async def script(writer):
        writer.write(http(303, Location="/requests"))

    async with raw_site(script) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert "again and again" in failure.detail
    assert paths(site) == ["POST /requests"] + ["GET /requests"] * 5


@pytest.mark.parametrize("status", [307, 308])
async def test_nothing_is_sent_a_second_time(session, status):
    async with raw_site(answers(http(status, Location="/elsewhere"))) as site:
        failure = await caller_of(site.url, session).ask(submission(), within())

    assert failure.outcome is Outcome.MISCONFIGURED
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [307, 308])
async def test_a_read_is_followed_by_its_own_method(session, status):
    moved = http(status, Location="/elsewhere")
    async with raw_site(answers(moved, http(200, FOUND))) as site:
        document = await caller_of(site.url, session).ask(reading(), within())

    assert document == {"a": 1}
    assert paths(site) == ["GET /sessions/1", "GET /elsewhere"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.BAD_PAYLOAD),
        (401, Outcome.BAD_PAYLOAD),
        (404, Outcome.BAD_PAYLOAD),
        (429, Outcome.THROTTLED),
        (503, Outcome.ERROR_5XX),
    ],
)
@pytest.mark.parametrize("call", [submission(), update()], ids=["submit", "update"])
async def test_a_refusal_behind_a_redirect_does_not_refuse_what_was_sent(
    session, call, status, outcome
):
    moved = http(303, Location="/elsewhere")
    async with raw_site(answers(moved, http(status))) as site:
        failure = await caller_of(site.url, session).ask(call, within())

    assert failure.outcome is outcome
    assert failure.status is None


async def test_a_session_that_is_missing_behind_a_redirect_is_not_found(session):
    moved = http(302, Location="/elsewhere")
    async with raw_site(answers(moved, http(404))) as site:
        failure = await caller_of(site.url, session).ask(reading(), within())

    assert failure.outcome is Outcome.NOT_FOUND
