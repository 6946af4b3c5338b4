"""A user sees only what is theirs; to others it is not there."""

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import REFERENCE, running_federation

ACCEPT = '{"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}'
SITE = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running


@pytest.fixture(params=["optional", "required"])
async def federation(tmp_path, issuer, request):
    auth = {"mode": request.param, "issuer": issuer.url, "audience": AUDIENCE}
    async with running_federation(tmp_path, SITE, settings={"auth": auth}) as running:
        running.extra["mode"] = request.param
        yield running


async def ask(federation, headers):
    return await federation.post("/offersets", REFERENCE, headers=headers)


async def test_every_path_is_404_to_others(federation, issuer):
    offer_set = await (await ask(federation, issuer.bearer("ana"))).json()
    session = offer_set["offers"][0]["uuid"]
    uuid = offer_set["uuid"]
    described = await (await federation.get("/openapi.json")).json()
    paths = [
        path.replace("{uuid}", session if path.startswith("/sessions") else uuid)
        for path, operations in described["paths"].items()
        if "{uuid}" in path and "get" in operations
    ]
    assert len(paths) >= 7
    for path in paths:
        async with await federation.get(path, headers=issuer.bearer("ana")) as mine:
            assert mine.status == 200, path
        async with await federation.get(path, headers=issuer.bearer("bob")) as others:
            assert others.status == 404, path
            text = await others.text()
        assert "ana" not in text
        assert SITE.name not in text
    update = await federation.post(
        f"/sessions/{session}",
        ACCEPT,
        headers={**issuer.bearer("bob"), "Content-Type": "application/json"},
    )
    assert update.status == 404
    missing = await federation.get(
        "/sessions/00000000-0000-4000-8000-000000000000", headers=issuer.bearer("bob")
    )
    assert missing.status == 404


async def test_what_everybody_sees_names_nothing_of_anybody(federation, issuer):
    ana, bob = issuer.bearer("ana"), issuer.bearer("bob")
    offer_set = await (await ask(federation, ana)).json()
    session = offer_set["offers"][0]["uuid"]
    await federation.post(
        f"/sessions/{session}",
        ACCEPT,
        headers={**ana, "Content-Type": "application/json"},
    )
    described = await (await federation.get("/openapi.json")).json()
    paths = [
        path
        for path, operations in described["paths"].items()
        if "{" not in path and "get" in operations and not path.endswith("/events")
    ]
    assert {"/metrics", "/federation/sites", "/federation/audit"} <= set(paths)
    for path in paths:
        text = await (await federation.get(path, headers=bob)).text()
        for mine in (offer_set["uuid"], session, '"ana"'):
            assert mine not in text, path


async def test_without_a_token(federation):
    response = await ask(federation, {})
    if federation.extra["mode"] == "optional":
        assert response.status == 303
        return
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.content_type == "application/problem+json"
    assert (await response.json())["type"] == "urn:metabroker:problem:token-missing"


async def test_a_bad_token_is_401_and_never_echoed(federation, issuer):
    token = issuer.token(exp=1)
    response = await ask(federation, {"Authorization": f"Bearer {token}"})
    assert response.status == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert token not in await response.text()


@pytest.mark.parametrize("path", ["/ping", "/livez", "/readyz", "/metrics"])
async def test_monitors_need_no_token(federation, path):
    assert (await federation.get(path)).status == 200
