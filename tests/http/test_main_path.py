"""From a client's YAML to a session that is COMPLETED at the site that owns it."""

import asyncio

import pytest

from aggregator import strict_yaml
from site_adapters.simulated import SimulatedSite
from tests.support.running import REFERENCE, running_federation

ACCEPT = '{"update": {"type": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"}}'


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), time_scale=1000),
        SimulatedSite(name="espsrc", rses=("SPSRC_STORM",), dialect="2026-07"),
        SimulatedSite(name="chsrc", rses=("CHSRC_DCACHE",), first_start=1),
    ) as running:
        yield running


async def test_the_reference_request_is_offered_accepted_and_completed(federation):
    response = await federation.post("/offersets", REFERENCE)
    assert response.status == 303, await response.text()
    offer_set = await response.json()
    assert offer_set["result"] == "YES"
    assert (
        response.headers["Location"]
        == f"{federation.url}/offersets/{offer_set['uuid']}"
    )
    assert offer_set["name"] == "notebook-test"
    assert {site.name for site in federation.sites.values() if site.open_reservations()}
    best = offer_set["offers"][0]
    assert best["phase"] == "OFFERED"
    assert "EB/schema/types/session/" in best["type"]
    assert best["href"].startswith(federation.url + "/sessions/")
    owner = next(s for s in federation.sites.values() if best["uuid"] in s.sessions)
    assert owner.name in {"jpsrc", "espsrc"}

    response = await federation.post(
        f"/sessions/{best['uuid']}",
        ACCEPT,
        headers={"Content-Type": "application/json"},
    )
    assert response.status == 200, await response.text()
    assert (await response.json())["phase"] in {"ACCEPTED", "WAITING", "PREPARING"}


async def test_a_session_is_followed_to_its_end(tmp_path):
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), time_scale=2000)
    async with running_federation(tmp_path, site) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        session = offer_set["offers"][0]["href"]
        await federation.client.post(
            session, data=ACCEPT, headers={"Content-Type": "application/json"}
        )
        async with asyncio.timeout(20):
            while True:
                shown = await (await federation.get(session)).json()
                if shown["phase"] == "COMPLETED":
                    break
                await asyncio.sleep(0.02)
        assert shown["executable"]["phase"] == "COMPLETED"
        assert {data["name"] for data in shown["data"]} == {
            "example-data-01",
            "example-data-02",
        }


@pytest.mark.parametrize("dialect", ["2025-11", "2026-07"])
async def test_the_site_itself_refuses_the_reference_request(tmp_path, dialect):
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), dialect=dialect)
    async with running_federation(tmp_path, site) as federation:
        submit = "/requests" if dialect == "2026-07" else "/offersets"
        straight = await federation.client.post(
            federation.sites["jpsrc"].url + submit,
            data=REFERENCE,
            headers={"Content-Type": "application/yaml", "Accept": "application/json"},
            allow_redirects=False,
        )
        assert straight.status == 400 or (await straight.json())["result"] == "NO"
        for path in ("/offersets", "/requests"):
            response = await federation.post(path, REFERENCE)
            assert (await response.json())["result"] == "YES"


def digest_inside(text):
    return text.replace('  digest: "0000"\n', "").replace(
        'base-notebook:latest"\n', 'base-notebook:latest"\n    digest: "0000"\n'
    )


def volumes_at_top(text):
    document = strict_yaml.load(text)
    document["volumes"] = document["compute"].pop("volumes")
    document["volumes"][0]["resources"] = document["compute"].pop("resources")
    document["compute"]["volumes"] = ["Input data"]
    return strict_yaml.dump(document).decode()


@pytest.mark.parametrize("variant", [digest_inside, volumes_at_top])
async def test_variants_of_the_reference_request_get_offers(federation, variant):
    response = await federation.post("/offersets", variant(REFERENCE))
    assert (await response.json())["result"] == "YES"


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": ""}])
async def test_who_takes_anything_is_told_in_json_by_the_answer_and_at_location(
    federation, headers
):
    yaml = {"Content-Type": "application/yaml", **headers}
    answered = await federation.post("/offersets", REFERENCE, headers=headers)
    followed = await federation.client.post(
        federation.url + "/offersets", data=REFERENCE, headers=yaml
    )
    assert (answered.status, followed.status) == (303, 200)
    assert followed.history[0].status == 303
    for response in (answered, followed):
        assert response.headers["Content-Type"] == "application/json;dialect=2025-11"
        assert (await response.json())["result"] == "YES"


async def test_yaml_is_answered_in_yaml(federation):
    response = await federation.post(
        "/offersets", REFERENCE, headers={"Accept": "application/yaml"}
    )
    assert response.content_type == "application/yaml"
    offer_set = strict_yaml.load(await response.text())
    assert offer_set["result"] == "YES"


async def test_the_set_is_read_again_at_its_location(federation):
    response = await federation.post("/offersets", REFERENCE)
    posted = await response.json()
    again = await federation.get(response.headers["Location"])
    assert again.status == 200
    assert await again.json() == posted
    tag = again.headers["ETag"]
    known = await federation.get(
        response.headers["Location"], headers={"If-None-Match": tag}
    )
    assert known.status == 304


async def test_what_each_site_did_and_why_this_order(federation):
    offer_set = await (await federation.post("/offersets", REFERENCE)).json()
    path = f"/offersets/{offer_set['uuid']}"
    sites = (await (await federation.get(path + "/sites")).json())["sites"]
    assert {s["site"]: s["outcome"] for s in sites} == {
        "jpsrc": "ok",
        "espsrc": "ok",
        "chsrc": "ok",
    }
    ranking = await (await federation.get(path + "/ranking")).json()
    assert [o["session"] for o in ranking["offers"]] == [
        o["uuid"] for o in offer_set["offers"]
    ]
    assert ranking["offers"][-1]["site"] == "chsrc"
    assert (
        ranking["offers"][-1]["estimate"]["bytes_to_move"]
        == 27487790694400 + 26843545600
    )
    reason = offer_set["offers"][0]["messages"][-1]
    assert reason["values"]["rank"] == "1"
