"""What goes wrong becomes a problem or an unreachable broker, never anything else."""

import asyncio
import socket

import pytest
from aiohttp import web

from aggregator.client import (
    BrokerClient,
    BrokerProblem,
    BrokerUnreachable,
    InsecureToken,
    WatchEnded,
    transport,
    watching,
)
from tests.support.raw_site import raw_site

UUID = "7a8f1c56-0d5b-4d66-9a5a-3f0f5f8f8f00"


async def test_problem_details_are_read_with_their_places(broker):
    broker.says(
        "POST /offersets",
        {
            "type": "urn:metabroker:problem:invalid",
            "title": "The body is not what can be asked for",
            "detail": "1 thing is wrong",
            "errors": [
                {"pointer": "/executable", "detail": "missing", "line": 3, "column": 1},
                {"pointer": "/data", "reason": "no list"},
            ],
            "mine": 1,
        },
        status=422,
    )
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem) as caught:
            await client.submit("name: x")

    problem = caught.value
    assert problem.status == 422
    assert str(problem) == "The body is not what can be asked for: 1 thing is wrong"
    assert [(v.pointer, v.reason, v.line) for v in problem.violations] == [
        ("/executable", "missing", 3),
        ("/data", "no list", None),
    ]
    assert problem.document["mine"] == 1
    assert not problem.may_pass


async def test_failed_fan_out_names_its_sites_and_its_set(broker):
    broker.says(
        "POST /offersets",
        {
            "title": "No site made an offer",
            "offerset": f"http://elsewhere.example/offersets/{UUID}",
            "sites": [{"site": "jpsrc", "outcome": "timeout", "seconds": 8.0}],
        },
        status=503,
        Retry_After="7",
    )
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem) as caught:
            await client.submit("name: x")

    assert caught.value.offer_set == UUID
    assert caught.value.retry_after == 7
    assert caught.value.may_pass
    assert [site.site for site in caught.value.sites] == ["jpsrc"]


@pytest.mark.parametrize("status", [401, 403])
async def test_refusal_for_credentials_is_known_as_such(broker, status):
    broker.says("GET /federation/sites", {"title": "no"}, status=status)
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem) as caught:
            await client.federation_sites()

    assert caught.value.wants_credentials


async def test_error_page_of_a_proxy_is_a_problem_without_its_html(broker):
    page = "<html>" + "x" * 1000
    broker.answers[f"GET /sessions/{UUID}"] = lambda: web.Response(
        status=502, text=page, content_type="text/html"
    )
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem) as caught:
            await client.session(UUID)

    assert str(caught.value) == "Bad Gateway"


async def test_web_page_in_the_place_of_a_broker_is_unreachable(broker):
    broker.answers[f"GET /sessions/{UUID}"] = lambda: web.Response(
        text="<html>Welcome</html>", content_type="text/html"
    )
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerUnreachable, match="no JSON came"):
            await client.session(UUID)


@pytest.mark.parametrize("document", [[], "text", 5, None, {}])
async def test_json_that_is_no_document_is_unreachable(broker, document):
    broker.says(f"GET /sessions/{UUID}", document)
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerUnreachable, match="not the document"):
            await client.session(UUID)


async def test_answer_beyond_the_cap_is_not_read(broker, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 100)
    broker.says(f"GET /sessions/{UUID}", {"padding": "x" * 200})
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerUnreachable, match="larger than"):
            await client.session(UUID)


async def test_nothing_listening_is_said_in_the_system_s_words():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with BrokerClient(url) as client:
            with pytest.raises(BrokerUnreachable) as caught:
                await client.federation_sites()

    assert str(caught.value) == f"can't reach {url}: Connection refused"


async def test_silence_ends_with_the_timeout():
    async def never(_writer):
        await asyncio.Event().wait()

    async with (
        raw_site(never) as site,
        BrokerClient(site.url, timeout=0.1) as client,
    ):
        with pytest.raises(BrokerUnreachable, match=r"no answer .* within 0.1 s"):
            await client.federation_sites()


async def test_connection_closed_instead_of_an_answer_is_unreachable():
    async def hang_up(_writer):
        return False

    async with raw_site(hang_up) as site, BrokerClient(site.url) as client:
        with pytest.raises(BrokerUnreachable, match="can't reach"):
            await client.federation_sites()


async def test_watch_gives_up_when_the_broker_stays_away(broker):
    broker.says(f"GET /sessions/{UUID}", {"title": "down"}, status=503)
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem):
            [one async for one in client.watch(UUID, interval=0.001)]

    assert len(broker.calls) == watching.PATIENCE + 1


async def test_watch_ends_at_its_deadline(broker):
    broker.says(f"GET /sessions/{UUID}", {"uuid": UUID, "phase": "PREPARING"})
    async with BrokerClient(broker.url) as client:
        looks = client.watch(UUID, interval=0.01, deadline=0.1)
        first = await anext(looks)
        with pytest.raises(WatchEnded):
            await anext(looks)

    assert first.changed == {"session": "PREPARING"}


async def test_watch_of_an_unknown_session_fails_at_once(broker):
    async with BrokerClient(broker.url) as client:
        with pytest.raises(BrokerProblem):
            [one async for one in client.watch(UUID, interval=0.001)]

    assert len(broker.calls) == 1


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x", "localhost:8080", "http://", "http://me:secret@x", "http://x:y"],
)
def test_url_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match=r".") as caught:
        BrokerClient(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["broker.example", "10.0.0.1", "127.0.0.1.example"])
def test_token_never_goes_over_a_network_in_clear_text(host):
    with pytest.raises(InsecureToken) as caught:
        BrokerClient(f"http://{host}", token="sesame")

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "a\nb", "tökén", "Bearer sesame"])
def test_token_that_can_be_none_is_refused_without_its_content(token):
    with pytest.raises(ValueError, match="characters that no token has") as caught:
        BrokerClient("https://broker.example", token=token)

    assert token not in str(caught.value)


def test_token_may_go_over_https_and_loopback():
    for url in ("https://broker.example", "http://localhost:1", "http://[::1]:1"):
        BrokerClient(url, token="sesame")
