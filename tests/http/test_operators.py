"""What only operators may do, and what follows from it."""

import asyncio
import socket

import aiohttp
import pytest

from aggregator.wiring import load_configuration, running_service
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import ask, eventually, outcomes, read, site_reports
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import configuration_files, running_federation

GROUP = "/srcnet/operators"
DRAIN = {"for": "2h", "reason": "new racks"}
SITE = {"name": "jpsrc", "broker": {"url": "http://127.0.0.1:9", "dialect": "2025-11"}}
SITES = (SimulatedSite(name="jpsrc"), SimulatedSite(name="espsrc"))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(tmp_path, *SITES) as running:
        yield running


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running


@pytest.fixture
async def guarded(tmp_path, issuer):
    """A federation whose users are authenticated, with an address for operators."""
    auth = {
        "mode": "required",
        "issuer": issuer.url,
        "audience": AUDIENCE,
        "operators": GROUP,
    }
    settings = {"auth": auth, "operators": {"listen": "127.0.0.1:0"}}
    async with running_federation(tmp_path, *SITES, settings=settings) as running:
        running.extra["operator"] = issuer.bearer("olga", groups=[GROUP])
        running.extra["user"] = issuer.bearer("ana", groups=["/srcnet/users"])
        yield running


async def drain(federation, site="jpsrc", *, base=None, headers=None, **wish):
    url = f"{base or federation.url}/federation/sites/{site}/drain"
    wish = {**DRAIN, **wish}
    return await federation.client.post(url, json=wish, headers=headers)


async def undrain(federation, site="jpsrc", **kwargs):
    url = f"{federation.url}/federation/sites/{site}/undrain"
    return await federation.client.post(url, **kwargs)


async def state(federation, site="jpsrc"):
    return (await site_reports(federation))[site]["state"]


async def test_a_drained_site_gets_no_new_requests_and_says_why(federation):
    response = await drain(federation)
    assert response.status == 200
    document = await response.json()
    assert (document["state"], document["why"]) == ("drained", "new racks")
    assert document["drain"]["reason"] == "new racks"
    heard = await ask(federation)
    assert await outcomes(federation, heard.uuid) == {
        "jpsrc": "drained",
        "espsrc": "ok",
    }
    [missing] = [m for m in heard.messages if "jpsrc" in str(m)]
    assert "new racks" in str(missing)


async def test_where_all_are_drained_there_is_no_site_to_ask(federation):
    for site in ("jpsrc", "espsrc"):
        await drain(federation, site)
    heard = await ask(federation)
    assert (heard.status, heard.document["type"]) == (
        503,
        "urn:metabroker:problem:no-site",
    )
    assert {site["outcome"] for site in heard.document["sites"]} == {"drained"}


async def test_what_was_offered_and_runs_goes_on(federation):
    offer_set = (await ask(federation)).uuid
    ranking = (await read(federation, f"/offersets/{offer_set}/ranking")).document
    session = next(
        offer["session"] for offer in ranking["offers"] if offer["site"] == "jpsrc"
    )
    await drain(federation)
    body = {"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}
    accepted = await federation.client.post(
        f"{federation.url}/sessions/{session}", json=body
    )
    assert (await accepted.json())["phase"] in {"ACCEPTED", "PREPARING", "WAITING"}
    assert (await read(federation, f"/sessions/{session}")).status == 200


async def test_it_ends_before_its_time_where_operators_want_it(federation):
    await drain(federation)
    response = await undrain(federation, json={"reason": "racks are in"})
    assert (response.status, (await response.json())["drain"]) == (200, None)
    assert await state(federation) == "unknown"
    heard = await ask(federation)
    assert (await outcomes(federation, heard.uuid))["jpsrc"] == "ok"


async def test_it_ends_by_itself(federation):
    await drain(federation, **{"for": "1s"})

    async def ended():
        return await state(federation) != "drained"

    await eventually(ended)


async def test_a_longer_drain_takes_the_place_of_a_shorter_one(federation):
    await drain(federation, **{"for": "1s"})
    await drain(federation, **{"for": "1d", "reason": "more racks"})
    await asyncio.sleep(1.1)
    report = (await site_reports(federation))["jpsrc"]
    assert (report["state"], report["why"]) == ("drained", "more racks")


async def test_ending_what_is_not_drained_changes_nothing(federation):
    response = await undrain(federation)
    assert (response.status, (await response.json())["state"]) == (200, "unknown")
    assert (await read(federation, "/federation/audit")).document == {"entries": []}


async def test_what_operators_did_is_written_down(federation):
    await drain(federation)
    await undrain(federation)
    heard = await read(federation, "/federation/audit")
    assert [
        (entry["action"], entry["site"], entry["reason"], bool(entry["until"]))
        for entry in heard.document["entries"]
    ] == [
        ("undrain", "jpsrc", "no reason given", False),
        ("drain", "jpsrc", "new racks", True),
    ]
    assert {entry["by"] for entry in heard.document["entries"]} == {
        "an unnamed user of this machine"
    }
    latest = await read(federation, "/federation/audit?limit=1")
    assert [entry["action"] for entry in latest.document["entries"]] == ["undrain"]


@pytest.mark.parametrize("limit", ["", "x", "-1", "1e3", "9999999999"])
async def test_a_limit_is_a_number(federation, limit):
    assert (await read(federation, f"/federation/audit?limit={limit}")).status == 400


async def test_drains_outlive_a_restart(tmp_path):
    store = {"store": f"sqlite:///{tmp_path / 'kept.db'}"}
    async with running_federation(tmp_path, *SITES, settings=store) as first:
        await drain(first)
    async with running_federation(tmp_path, *SITES, settings=store) as second:
        heard = await ask(second)
        assert (await outcomes(second, heard.uuid))["jpsrc"] == "drained"


async def test_replicas_share_drains(tmp_path):
    settings = {"store": f"sqlite:///{tmp_path / 'shared.db'}"}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with (
        running_federation(tmp_path / "one", *SITES, settings=settings) as one,
        running_federation(tmp_path / "two", *SITES, settings=settings) as two,
    ):
        await drain(one)

        async def heeded():
            return await state(two) == "drained"

        await eventually(heeded)


async def test_an_unknown_site_is_404(federation):
    for response in (
        await drain(federation, "nowhere"),
        await undrain(federation, "x"),
    ):
        assert response.status == 404
        assert (await response.json())["type"] == "urn:metabroker:problem:unknown"


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"for": ""}, "/for"),
        ({"for": "soon"}, "/for"),
        ({"for": "2 fortnights"}, "/for"),
        ({"for": "0s"}, "/for"),
        ({"for": "31d"}, "/for"),
        ({"for": "PT"}, "/for"),
        ({"for": "P9999999Y"}, "/for"),
        ({"for": 7200}, "/for"),
        ({"for": None}, "/for"),
        ({"reason": ""}, "/reason"),
        ({"reason": "  \n "}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
        ({"reason": 7}, "/reason"),
        ({"until": "2030"}, "/until"),
    ],
)
async def test_what_a_drain_can_not_be_is_said(federation, wish, pointer):
    response = await drain(federation, **wish)
    assert response.status == 422, await response.text()
    document = await response.json()
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    assert await state(federation) == "unknown"


@pytest.mark.parametrize("length", ["90m", "1h30m", "1.5h", "PT2H", "1 d", "10 min"])
async def test_lengths_are_written_as_people_do(federation, length):
    assert (await drain(federation, **{"for": length})).status == 200


async def test_a_drain_may_be_yaml(federation):
    response = await federation.client.post(
        f"{federation.url}/federation/sites/jpsrc/drain",
        data="for: 2h\nreason: racks\n",
        headers={"Content-Type": "application/yaml", "Accept": "application/yaml"},
    )
    assert (response.status, response.content_type) == (200, "application/yaml")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"for=2h&reason=x", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"", "application/json", 400),
        (b"<a/>", "application/xml", 415),
    ],
)
async def test_what_is_no_document_is_refused(federation, body, content_type, status):
    response = await federation.client.post(
        f"{federation.url}/federation/sites/jpsrc/drain",
        data=body,
        headers={"Content-Type": content_type},
    )
    assert response.status == status


async def test_members_of_the_group_are_operators(guarded):
    operator = guarded.extra["operator"]
    assert (await drain(guarded, headers=operator)).status == 200
    heard = await read(guarded, "/federation/audit", **operator)
    [entry] = heard.document["entries"]
    assert entry["by"].startswith("olga of http://127.0.0.1:")


@pytest.mark.parametrize("who", ["user", "nobody"])
async def test_nobody_else_is_an_operator(guarded, who):
    headers = guarded.extra.get(who, {})
    status = 401 if who == "nobody" else 403
    kind = "token-missing" if who == "nobody" else "not-allowed"
    for response in (
        await drain(guarded, headers=headers),
        await undrain(guarded, headers=headers),
        await guarded.get("/federation/audit", headers=headers),
    ):
        assert response.status == status
        assert (await response.json())["type"] == f"urn:metabroker:problem:{kind}"


async def test_users_see_that_a_site_is_drained_and_why_but_not_by_whom(guarded):
    await drain(guarded, headers=guarded.extra["operator"])
    for who, told in (("operator", True), ("user", False)):
        heard = await read(guarded, "/federation/sites", **guarded.extra[who])
        [site] = [one for one in heard.document["sites"] if one["name"] == "jpsrc"]
        assert site["drain"]["reason"] == "new racks"
        assert ("by" in site["drain"]) is told
        assert ("olga" in str(heard.document)) is told
        page = await guarded.get("/ui/sites", headers=guarded.extra[who])
        text = await page.text()
        assert ("olga" in text) is told
        assert ("<form" in text) is told


async def test_the_page_is_for_those_who_may_use_the_service(guarded):
    assert (await guarded.get("/ui/sites")).status == 401
    assert (await guarded.get("/ui/static/sites.css")).status == 200
    assert (await guarded.get("/")).status == 200


async def test_the_operators_own_address_wants_no_token(guarded):
    base = guarded.operators_url
    assert (await drain(guarded, base=base)).status == 200
    page = await guarded.client.get(base + "/ui/sites")
    assert "<form" in await page.text()
    entries = await (await guarded.client.get(base + "/federation/audit")).json()
    assert entries["entries"][0]["by"] == "an unnamed user of this machine"
    assert (await guarded.client.get(base + "/metrics")).status == 200


async def test_who_names_themself_there_is_written_down_by_name(guarded):
    base, user = guarded.operators_url, guarded.extra["user"]
    assert (await drain(guarded, base=base, headers=user)).status == 200
    entries = await (await guarded.client.get(base + "/federation/audit")).json()
    assert entries["entries"][0]["by"].startswith("ana of ")


async def test_the_operators_address_serves_no_users(guarded):
    for path in ("/offersets", "/requests", "/sessions", "/direct"):
        response = await guarded.client.post(guarded.operators_url + path, json={})
        assert response.status == 404, path


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"Via": "1.1 proxy.example"},
        {"Host": "broker.example"},
        {"Host": "127.broker.example"},
        {"Host": "[::"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["own", "main"])
async def test_a_place_is_trusted_only_where_the_user_is_there(
    federation, tmp_path, headers, place
):
    """Proxies and pages from elsewhere reach loopback addresses too."""
    if place == "main":
        assert (await drain(federation, headers=headers)).status == 403
        return
    (tmp_path / "other").mkdir()
    settings = {"operators": {"listen": "127.0.0.1:0"}}
    async with running_federation(
        tmp_path / "other", *SITES, settings=settings
    ) as other:
        base = other.operators_url
        assert (await drain(other, base=base, headers=headers)).status == 403
        page = await other.client.get(base + "/ui/sites", headers=headers)
        assert "<form" not in await page.text()


async def test_our_own_page_may(federation):
    host = federation.url.removeprefix("http://")
    headers = {"Origin": federation.url, "Host": host, "Sec-Fetch-Site": "same-origin"}
    assert (await drain(federation, headers=headers)).status == 200


async def test_where_other_machines_reach_us_nobody_can_be_told_apart(tmp_path):
    settings = {
        "listen": {"host": "0.0.0.0", "port": 0},
        "public_url": "http://broker.example",
    }
    path = configuration_files(tmp_path, [SITE], settings)
    async with (
        running_service(load_configuration(path, {}), port=(port := free_port())),
        aiohttp.ClientSession() as client,
    ):
        url = f"http://127.0.0.1:{port}/federation/sites/jpsrc/drain"
        async with client.post(url, json=DRAIN) as response:
            assert response.status == 403
            assert "authentication is off" in (await response.json())["detail"]
