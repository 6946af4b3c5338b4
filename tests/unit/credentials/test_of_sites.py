"""What calls show to sites, by the mode of each."""

import asyncio

import pytest
from pydantic import SecretStr

from aggregator.credentials.of_sites import CredentialsPool
from aggregator.credentials.token_endpoint import TokenIssuer
from aggregator.domain.events import TokenAsked
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode, ReleaseCredentials, Site
from aggregator.ports.credentials import Authorization, NoAuthorization
from tests.support.issuer import (
    ACCESS_TOKEN,
    CLIENT,
    CLIENT_SECRET,
    EXCHANGE,
    claims_of,
)

URL = "https://jpsrc.example"


def site(mode, name="jpsrc", **what):
    given = {"token_issuer": "iam", "audience": name, **what}
    return Site(name, URL, credentials=CredentialsMode(mode), **given)


@pytest.fixture
def iam(issuer):
    return TokenIssuer("iam", f"{issuer.url}/token", CLIENT, SecretStr(CLIENT_SECRET))


@pytest.fixture
def pool(session, telemetry):
    return CredentialsPool(session, telemetry)


def soon():
    return asyncio.get_running_loop().time() + 20


async def test_a_users_token_is_exchanged_for_one_for_that_site(issuer, pool, iam):
    sites = [site("exchange"), site("exchange", "uksrc", scope="sessions offers")]
    credentials = pool.credentials(sites, {"iam": iam})
    ana = issuer.bearer("ana")["Authorization"]
    for name in ("jpsrc", "uksrc"):
        shown = await credentials[name].for_call(ana, soon())
        claims = claims_of(shown.header)
        assert (claims["sub"], claims["aud"]) == ("ana", name)
    first, second = issuer.asked
    assert first.form == {
        "grant_type": EXCHANGE,
        "subject_token": ana.removeprefix("Bearer "),
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": ACCESS_TOKEN,
        "audience": "jpsrc",
    }
    assert second.form["scope"] == claims["scope"] == "sessions offers"


async def test_each_user_has_a_token_of_their_own(issuer, pool, iam):
    jpsrc = pool.credentials([site("exchange")], {"iam": iam})["jpsrc"]
    for subject in ("ana", "bob", "ana"):
        token = issuer.bearer(subject, iat=0)["Authorization"]
        shown = await jpsrc.for_call(token, soon())
        assert claims_of(shown.header)["sub"] == subject


async def test_the_service_itself_has_one_token_for_all_users(issuer, pool, iam):
    jpsrc = pool.credentials([site("client_credentials")], {"iam": iam})["jpsrc"]
    shown = {
        (await jpsrc.for_call(authorization, soon())).header
        for authorization in (None, "Bearer x", "Basic eDp5")
    }
    assert shown == {f"Bearer {issuer.issued[0]}"}
    assert claims_of(*shown)["sub"] == CLIENT
    [asked] = issuer.asked
    assert asked.form == {"grant_type": "client_credentials", "audience": "jpsrc"}
    assert not jpsrc.releases_itself


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic YTpi"])
async def test_what_is_no_token_is_not_exchanged(issuer, pool, iam, authorization):
    jpsrc = pool.credentials([site("exchange")], {"iam": iam})["jpsrc"]
    assert await jpsrc.for_call(authorization, soon()) == Authorization(None)
    assert issuer.asked == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("invalid_request", Outcome.UNAUTHORIZED),
        ("invalid_grant", Outcome.UNAUTHORIZED),
        ("invalid_token", Outcome.UNAUTHORIZED),
        ("access_denied", Outcome.FORBIDDEN),
        ("invalid_target", Outcome.NO_TOKEN),
        ("invalid_client", Outcome.NO_TOKEN),
        ("", Outcome.NO_TOKEN),
    ],
)
async def test_who_is_to_blame_for_a_refused_exchange(
    issuer, pool, iam, error, outcome
):
    jpsrc = pool.credentials([site("exchange")], {"iam": iam})["jpsrc"]
    issuer.script.append((400, {"error": error}))
    refused = await jpsrc.for_call("Bearer x", soon())
    assert isinstance(refused, NoAuthorization)
    assert refused.outcome is outcome
    assert error in refused.detail


async def test_that_the_service_is_refused_is_no_users_fault(issuer, pool, iam):
    jpsrc = pool.credentials([site("client_credentials")], {"iam": iam})["jpsrc"]
    issuer.script.append((400, {"error": "invalid_grant"}))
    refused = await jpsrc.for_call("Bearer x", soon())
    assert refused.outcome is Outcome.NO_TOKEN


@pytest.mark.parametrize("mode", ["relay", "exchange"])
async def test_releases_may_be_the_services_own(issuer, pool, iam, mode):
    releasing = site(mode, release_credentials=ReleaseCredentials.CLIENT_CREDENTIALS)
    jpsrc = pool.credentials([releasing], {"iam": iam})["jpsrc"]
    assert jpsrc.releases_itself
    shown = await jpsrc.for_release(soon())
    assert claims_of(shown.header)["sub"] == CLIENT
    if mode == "relay":
        relayed = Authorization("Basic YTpi")
        assert await jpsrc.for_call("Basic YTpi", soon()) == relayed
        assert not jpsrc.doubt(relayed)


async def test_a_doubted_token_is_renewed(issuer, pool, iam):
    jpsrc = pool.credentials([site("client_credentials")], {"iam": iam})["jpsrc"]
    old = await jpsrc.for_call(None, soon())
    assert jpsrc.doubt(old)
    new = await jpsrc.for_call(None, soon())
    assert new.header != old.header
    assert not jpsrc.doubt(new)


async def test_credentials_outlive_a_reload_that_does_not_concern_them(
    issuer, pool, iam
):
    sites = [site("exchange"), site("client_credentials", "uksrc")]
    before = pool.credentials(sites, {"iam": iam})
    issuer_now = TokenIssuer(
        "iam", f"{issuer.url}/token", CLIENT, SecretStr(CLIENT_SECRET)
    )
    moved = [
        site("exchange", country="JP"),
        site("client_credentials", "uksrc", scope="new"),
    ]
    after = pool.credentials(moved, {"iam": issuer_now})
    assert after["jpsrc"] is before["jpsrc"]
    assert after["uksrc"] is not before["uksrc"]
    other = TokenIssuer("iam", f"{issuer.url}/token", "other", SecretStr("s"))
    assert pool.credentials(moved, {"iam": other})["jpsrc"] is not before["jpsrc"]
    assert pool.credentials([], {}) == {}


async def test_the_calls_to_the_issuer_are_told_by_its_name(pool, iam, telemetry):
    jpsrc = pool.credentials([site("client_credentials")], {"iam": iam})["jpsrc"]
    await jpsrc.for_call(None, soon())
    await jpsrc.for_call(None, soon())
    assert [event.issuer for event in telemetry.of(TokenAsked)] == ["iam"]


async def test_nothing_that_is_shown_has_a_token(pool, iam, issuer):
    jpsrc = pool.credentials([site("client_credentials")], {"iam": iam})["jpsrc"]
    shown = await jpsrc.for_call(None, soon())
    assert issuer.issued[0] in shown.header
    assert issuer.issued[0] not in repr(shown)
