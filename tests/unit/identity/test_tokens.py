import asyncio
import base64
import json
import time

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from aggregator.domain.errors import IdentityUnavailable, InvalidToken
from aggregator.identity.keys import IssuerKeys, KeyLimits
from aggregator.identity.tokens import JwtVerifier, TokenRules
from tests.support.issuer import AUDIENCE, new_key, running_issuer


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def verifier(issuer, session):
    keys = IssuerKeys(issuer.url, session, KeyLimits(pause=0.0))
    return JwtVerifier(TokenRules(issuer.url, AUDIENCE), keys)


async def test_a_good_token_names_its_bearer_and_groups(issuer, verifier):
    token = issuer.token("ana", groups=["srcnet/users"], **{"wlcg.groups": ["/ops"]})
    principal = await verifier.verify(token)
    assert (principal.issuer, principal.subject) == (issuer.url, "ana")
    assert principal.groups == {"/srcnet/users", "/ops"}


@pytest.mark.parametrize(
    ("claim", "value", "home"),
    [
        ("home_site", "espsrc", "espsrc"),
        ("https://srcnet.example/home", "espsrc", "espsrc"),
        ("home_site", ["espsrc"], ""),
        ("home_site", 7, ""),
        ("home_site", None, ""),
        (None, "espsrc", ""),
    ],
)
async def test_a_claim_names_the_home_site(issuer, session, claim, value, home):
    rules = TokenRules(issuer.url, AUDIENCE, home_site_claim=claim)
    verifier = JwtVerifier(rules, IssuerKeys(issuer.url, session, KeyLimits()))
    token = issuer.token(**{claim or "home_site": value})
    assert (await verifier.verify(token)).home_site == home


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.example"}, "another issuer"),
        ({"aud": "another-api"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "time .exp"),
        ({"exp": "soon"}, "time .exp"),
        ({"nbf": "soon"}, "time .nbf"),
        ({"nbf": 10**400}, "not valid yet"),
        ({"nbf": 9_999_999_999}, "not valid yet"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said(issuer, verifier, claims, why):
    with pytest.raises(InvalidToken, match=why):
        await verifier.verify(issuer.token(**claims))


async def test_the_clocks_may_differ_by_the_leeway(issuer, verifier):
    principal = await verifier.verify(issuer.token(exp=int(time.time()) - 30))
    assert principal.subject == "ana"


async def test_audiences_may_be_a_list_and_the_issuer_end_in_a_slash(issuer, verifier):
    token = issuer.token(aud=["x", AUDIENCE], iss=issuer.url + "/")
    assert (await verifier.verify(token)).issuer == issuer.url


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "e30.e30.", "." * 10, "x" * 20_000]
)
async def test_rubbish_is_not_a_token(verifier, token):
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


@pytest.mark.parametrize("crit", [5, [5], None, ["b64"]])
async def test_a_header_of_a_wrong_type_is_not_taken(issuer, verifier, crit):
    _, claims, signature = issuer.token().split(".")
    header = json.dumps({"alg": "RS256", "kid": "first", "crit": crit}).encode()
    encoded = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        await verifier.verify(f"{encoded}.{claims}.{signature}")


async def test_a_key_that_cannot_be_read_does_not_cost_the_others(issuer, verifier):
    issuer.strangers = [
        5,
        {"kty": ["RSA"]},
        {"kty": "RSA", "kid": "short"},
        {"kty": "EC", "crv": "P-1", "x": "AA", "y": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"},
    ]
    assert (await verifier.verify(issuer.token())).subject == "ana"


@pytest.mark.parametrize("keys", [5, None, {"a": 1}, [], [5]])
async def test_an_issuer_without_a_readable_key_is_unavailable(issuer, verifier, keys):
    issuer.jwks = {"keys": keys}
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(issuer.token())


async def test_a_shared_secret_or_no_signature_is_never_taken(issuer, verifier):
    claims = {"iss": issuer.url, "sub": "eve", "aud": AUDIENCE, "exp": 9_999_999_999}
    secret = OctKey.import_key(
        "a-secret-that-is-long-enough-for-hs256", {"kid": "first"}
    )
    forged = jwt.encode({"alg": "HS256", "kid": "first"}, claims, secret)
    with pytest.raises(InvalidToken):
        await verifier.verify(forged)


async def test_a_key_of_somebody_else_is_not_taken(issuer, verifier):
    with pytest.raises(InvalidToken):
        await verifier.verify(issuer.token(key=new_key("first")))


async def test_a_new_key_is_fetched_when_a_token_names_it(issuer, verifier):
    await verifier.verify(issuer.token())
    issuer.keys.append(new_key("second"))
    assert (await verifier.verify(issuer.token("bob"))).subject == "bob"
    assert issuer.fetches == 2


async def test_tokens_that_name_unknown_keys_do_not_make_us_hammer_the_issuer(
    issuer, session
):
    keys = IssuerKeys(issuer.url, session, KeyLimits(pause=60))
    verifier = JwtVerifier(TokenRules(issuer.url, AUDIENCE), keys)
    stranger = new_key("stranger")
    results = await asyncio.gather(
        *(verifier.verify(issuer.token(key=stranger)) for _ in range(20)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {InvalidToken}
    assert issuer.fetches == 1


async def test_the_last_good_keys_serve_while_the_issuer_is_down(issuer, session):
    keys = IssuerKeys(issuer.url, session, KeyLimits(pause=0.0, lifetime=0.0))
    verifier = JwtVerifier(TokenRules(issuer.url, AUDIENCE), keys)
    await verifier.verify(issuer.token())
    issuer.down = True
    assert (await verifier.verify(issuer.token())).subject == "ana"
    assert issuer.fetches == 2


async def test_without_any_keys_nothing_is_known(issuer, verifier):
    issuer.down = True
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(issuer.token())
