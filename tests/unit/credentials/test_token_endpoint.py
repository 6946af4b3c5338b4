"""What is asked of a token issuer, and what its answers are taken for."""

import asyncio

import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr

from aggregator.credentials.token_endpoint import (
    IssuedToken,
    NotIssued,
    TokenEndpoint,
    TokenIssuer,
)
from aggregator.domain.events import TokenAsked, TokenGrant
from aggregator.domain.outcomes import Outcome
from tests.support.issuer import CLIENT, CLIENT_SECRET
from tests.support.ports import free_port

FORM = {"grant_type": "client_credentials", "audience": "jpsrc", "scope": "a b"}


@pytest.fixture
def endpoint(issuer, session, telemetry):
    def make(**what):
        given = {
            "client_id": CLIENT,
            "secret": SecretStr(CLIENT_SECRET),
            "token_endpoint": f"{issuer.url}/token",
            **what,
        }
        return TokenEndpoint(TokenIssuer("iam", **given), session, telemetry)

    return make


async def issue(endpoint, seconds=20.0, form=FORM):
    deadline = asyncio.get_running_loop().time() + seconds
    return await endpoint.issue(TokenGrant.CLIENT_CREDENTIALS, form, deadline)


@pytest.mark.parametrize("how", ["basic", "post"])
async def test_a_token_is_issued_to_a_client_that_shows_itself(issuer, endpoint, how):
    issued = await issue(endpoint(client_authentication=how))
    assert issued == IssuedToken(issuer.issued[0], 600)
    [asked] = issuer.asked
    assert asked.authentication == how
    assert asked.query == ""
    shown = {"client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert asked.form == (FORM | shown if how == "post" else FORM)


@pytest.mark.parametrize("how", ["basic", "post"])
async def test_signs_of_urls_in_names_and_secrets_arrive_as_they_are(
    issuer, endpoint, how
):
    issuer.clients = {"a:b c/d": "p%q+r:s&t"}
    made = endpoint(
        client_id="a:b c/d",
        secret=SecretStr("p%q+r:s&t"),
        client_authentication=how,
    )
    assert isinstance(await issue(made), IssuedToken)


async def test_every_call_is_told(issuer, endpoint, telemetry):
    made = endpoint()
    await issue(made)
    issuer.script.append((400, {"error": "invalid_scope"}))
    await issue(made)
    first, second = telemetry.of(TokenAsked)
    assert (first.issuer, first.grant) == ("iam", TokenGrant.CLIENT_CREDENTIALS)
    assert (first.outcome, first.error) == (Outcome.OK, "")
    assert (second.outcome, second.error) == (Outcome.REFUSED_4XX, "invalid_scope")


@pytest.mark.parametrize(
    ("status", "document", "outcome", "error", "reason"),
    [
        (400, {"error": "invalid_target"}, "refused_4xx", "invalid_target", "it refused: invalid_target"),
        (401, {"error": "invalid_client"}, "unauthorized", "invalid_client", "it refused: invalid_client"),
        (403, {"error": "access_denied"}, "forbidden", "access_denied", "it refused: access_denied"),
        (403, [], "forbidden", "", "it answered 403"),
        (400, {"error": "<script>"}, "refused_4xx", "", "it answered 400"),
        (400, {"error": "canary-token"}, "refused_4xx", "", "it answered 400"),
        (429, {}, "throttled", "", "it answered 429"),
        (503, {"error": None}, "error_5xx", "", "it answered 503"),
        (302, {}, "misconfigured", "", "it answered 302"),
        (204, None, "misconfigured", "", "it answered 204"),
        (200, {"token_type": "Bearer"}, "bad_payload", "", "its answer has no token to be used"),
        (200, {"access_token": "a b", "token_type": "Bearer"}, "bad_payload", "", "its answer has no token to be used"),
        (200, {"access_token": "a\r\nX: y", "token_type": "Bearer"}, "bad_payload", "", "its answer has no token to be used"),
        (200, {"access_token": "a", "token_type": "N_A"}, "bad_payload", "", "its answer has no token to be used"),
        (200, {"access_token": "a", "token_type": "bearer", "expires_in": -1}, "bad_payload", "", "its answer has no token to be used"),
        (200, {"access_token": "a", "token_type": "bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "bad_payload", "", "its answer has no access token"),
        (200, {"access_token": "a", "token_type": "bearer", "more": "x" * 300_000}, "too_large", "", "it answered more than is read"),
    ],
)  # fmt: skip
async def test_every_other_answer_says_why_there_is_no_token(
    issuer, endpoint, status, document, outcome, error, reason
):
    issuer.script.append((status, document))
    failed = await issue(endpoint())
    said = f"of the token issuer iam: {reason}"
    assert failed == NotIssued(Outcome(outcome), said, error)


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        ({}, None),
        ({"expires_in": "3599"}, 3599),
        ({"expires_in": 10**9}, 86400),
        ({"expires_in": 0}, 0),
    ],
)
async def test_how_long_a_token_lives_is_what_the_issuer_says_within_a_day(
    issuer, endpoint, answer, lifetime
):
    token = {"access_token": "t", "token_type": "bearer", "refresh_token": "r"}
    issuer.script.append((200, token | answer))
    assert await issue(endpoint()) == IssuedToken("t", lifetime)


async def test_a_slow_issuer_costs_its_own_time_and_no_more(issuer, endpoint):
    issuer.delay = 30
    failed = await issue(endpoint(timeout=0.2))
    assert failed.outcome is Outcome.TIMEOUT
    assert failed.reason == "of the token issuer iam: it didn't answer in time"
    assert not failed.is_ours


async def test_a_call_that_ends_sooner_blames_nobody(issuer, endpoint):
    issuer.delay = 30
    with structlog.testing.capture_logs() as logs:
        failed = await issue(endpoint(timeout=20), seconds=0.1)
    assert failed.outcome is Outcome.TIMEOUT
    assert failed.is_ours
    assert logs == []


async def test_an_answer_that_drips_is_not_waited_for(issuer, endpoint):
    async def dripping(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(300):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    app = web.Application()
    app.router.add_post("/token", dripping)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    try:
        failed = await issue(endpoint(token_endpoint=url, timeout=0.4))
    finally:
        await runner.cleanup()
    assert failed.outcome is Outcome.TIMEOUT


async def test_nobody_at_home(endpoint):
    url = f"http://127.0.0.1:{free_port()}/token"
    failed = await issue(endpoint(token_endpoint=url))
    assert failed.outcome is Outcome.CONNECT_ERROR
    assert failed.reason == "of the token issuer iam: it couldn't be reached"


async def test_a_redirect_does_not_lead_the_secret_elsewhere(issuer, endpoint):
    moved = web.Response(status=307, headers={"Location": f"{issuer.url}/elsewhere"})
    issuer.script.append((307, moved))
    failed = await issue(endpoint())
    assert failed.outcome is Outcome.MISCONFIGURED
    assert len(issuer.asked) == 1


async def test_a_secret_in_a_file_may_be_written_anew(issuer, endpoint, tmp_path):
    file = tmp_path / "secret"
    file.write_text("old\n")
    made = endpoint(secret=None, secret_file=file)
    assert (await issue(made)).error == "invalid_client"
    file.write_text(f"{CLIENT_SECRET}\n")
    assert isinstance(await issue(made), IssuedToken)


@pytest.mark.parametrize("content", [None, "", "two words", "no\x00text"])
async def test_without_a_secret_to_show_nothing_is_asked(
    issuer, endpoint, tmp_path, content
):
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    failed = await issue(endpoint(secret=None, secret_file=file))
    assert failed.outcome is Outcome.MISCONFIGURED
    assert failed.reason.endswith("the service has no client secret to show it")
    assert issuer.asked == []


async def test_nothing_that_is_shown_or_logged_has_a_secret_or_a_token(
    issuer, endpoint
):
    made = endpoint()
    echo = f"{CLIENT_SECRET} canary-of-a-user"
    shown = []
    with structlog.testing.capture_logs() as logs:
        shown.append(repr(await issue(made)))
        for status in (400, 401, 500):
            said = {"error": echo, "error_description": echo}
            issuer.script.append((status, said))
            shown.append(repr(await issue(made)))
        issuer.script.append((200, {"access_token": echo, "token_type": "bearer"}))
        shown.append(repr(await issue(made)))
        shown.append(repr(made._issuer))
    assert [line["event"] for line in logs] == ["token_not_issued"] * 4
    for text in (*shown, repr(logs)):
        assert "canary" not in text
        assert issuer.issued[0] not in text
