"""Sites that don't know SKAO data serve those who ask for them, over HTTP."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from aggregator import strict_yaml
from site_adapters.simulated import SimulatedSite
from tests.support.running import REFERENCE, running_federation

FIRST, SECOND = "zrq-test-20250509-082506", "zrq-test-20250509-094501"
KINDS = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"
SKAO_TYPE = "https://www.purl.org/ivoa.net/EB/schema/types/data/skao-data-resource-1.0"
NEWEST = SimulatedSite(
    name="newest", dialect="2026-07", knows_skao=False, offers=2, time_scale=2000
)
URLS = {
    "datasets": [
        {
            "did": f"testing:{name}",
            "size_bytes": 1000,
            "replicas": [{"rse": "LAKE", "url": f"https://lake.example/{name}"}],
        }
        for name in (FIRST, SECOND)
    ]
}
ACCEPT = '{"update": {"type": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"}}'
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def federation_with_urls(tmp_path, *sites, urls=URLS, settings=None, **more):
    (tmp_path / "urls.yaml").write_bytes(strict_yaml.dump(urls))
    settings = {"replicas": "urls.yaml", **(settings or {})}
    async with running_federation(tmp_path, *sites, settings=settings, **more) as one:
        yield one


async def sites_of(federation, offer_set):
    response = await federation.get(f"/offersets/{offer_set}/sites")
    return {site["site"]: site for site in (await response.json())["sites"]}


def data_of(session):
    return {item["name"]: item for item in session["data"]}


def asked_kinds(site):
    """Return the kinds of data in the requests that came to a simulated site."""
    documents = [
        json.loads(call.body) for call in site.requests if call.path == "/requests"
    ]
    kinds = [item["kind"] for one in documents for item in one["data"]]
    return [kind.removeprefix(f"{KINDS}/data/").split("-")[0] for kind in kinds]


@pytest.mark.parametrize("entry", [{}, {"data_kinds": ["simple", "s3", "ivoa"]}])
async def test_skao_data_are_served_by_a_site_that_refuses_them(tmp_path, entry):
    async with federation_with_urls(
        tmp_path, NEWEST, entries={"newest": entry}
    ) as federation:
        response = await federation.post("/offersets", REFERENCE)
        assert response.status == 303, await response.text()
        offer_set = await response.json()
        asked = asked_kinds(federation.sites["newest"])
        assert asked == [*(["skao"] * (0 if entry else 2)), "simple", "simple"]
        assert len(offer_set["offers"]) == 2
        for offer in offer_set["offers"]:
            data = data_of(offer)
            assert data.keys() == {"example-data-01", "example-data-02"}
            first = data["example-data-01"]
            assert first["type"] == SKAO_TYPE
            assert first["skao"] == {"namespace": "testing", "objectname": FIRST}
            assert "location" not in first
            assert first["uuid"]
            assert first["storage"] in {one["uuid"] for one in offer["storage"]}
        site = (await sites_of(federation, offer_set["uuid"]))["newest"]
        assert site["outcome"] == "ok"
        assert site["changes"] == [
            f"testing:{name} was asked for as simple data at lake.example"
            for name in (FIRST, SECOND)
        ]
        ranking = await federation.get(f"/offersets/{offer_set['uuid']}/ranking")
        notes = (await ranking.json())["notes"]
        assert f"{site['changes'][0]} (newest)" in notes


async def test_the_session_keeps_the_users_words_to_its_end(tmp_path):
    async with federation_with_urls(tmp_path, NEWEST) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        session = offer_set["offers"][0]["href"]
        answer = await federation.client.post(session, data=ACCEPT, headers=JSON)
        assert data_of(await answer.json())["example-data-02"]["type"] == SKAO_TYPE
        async with asyncio.timeout(20):
            while True:
                shown = await (await federation.get(session)).json()
                data = data_of(shown)
                assert data["example-data-01"]["skao"]["objectname"] == FIRST
                assert data["example-data-02"]["skao"]["objectname"] == SECOND
                if shown["phase"] == "COMPLETED":
                    break
        assert data["example-data-01"]["phase"] == "COMPLETED"


async def test_what_was_learned_spares_the_next_request_the_no(tmp_path):
    async with federation_with_urls(tmp_path, NEWEST) as federation:
        for _ in range(3):
            response = await federation.post("/offersets", REFERENCE)
            assert response.status == 303
        asked = asked_kinds(federation.sites["newest"])
        assert asked == ["skao", "skao", *(["simple"] * 6)]


async def test_a_site_that_can_not_be_told_the_data_is_not_asked(tmp_path):
    knowing = SimulatedSite(name="knowing")
    async with federation_with_urls(
        tmp_path,
        NEWEST,
        knowing,
        urls={"datasets": []},
        entries={"newest": {"data_kinds": ["simple", "s3"]}},
    ) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        assert {offer["data"][0]["type"] for offer in offer_set["offers"]} == {
            SKAO_TYPE
        }
        site = (await sites_of(federation, offer_set["uuid"]))["newest"]
        assert (site["outcome"], site["asked"]) == ("incapable", False)
        assert site["detail"].startswith(
            f"it doesn't know SKAO data such as testing:{FIRST}"
        )
        assert asked_kinds(federation.sites["newest"]) == []


async def test_without_a_url_a_site_that_refuses_says_no_and_why(tmp_path):
    async with federation_with_urls(
        tmp_path, NEWEST, urls={"datasets": []}
    ) as federation:
        response = await federation.post("/offersets", REFERENCE)
        assert response.status == 303
        offer_set = await response.json()
        assert offer_set["result"] == "NO"
        site = (await sites_of(federation, offer_set["uuid"]))["newest"]
        assert site["outcome"] == "no_offer"
        asked = asked_kinds(federation.sites["newest"])
        assert asked == ["skao", "skao", "rucio", "rucio"]
        again = await federation.post("/offersets", REFERENCE)
        assert again.status == 303
        offer_set = await again.json()
        assert offer_set["result"] == "NO"
        assert "wasn't asked: it can't do this" in offer_set["messages"][0]["message"]
        site = (await sites_of(federation, offer_set["uuid"]))["newest"]
        assert (site["outcome"], site["asked"]) == ("incapable", False)
        assert asked_kinds(federation.sites["newest"]) == asked


@pytest.mark.parametrize("enrich", [False, True])
async def test_sites_are_told_what_the_catalogue_knows_where_that_is_wanted(
    tmp_path, enrich
):
    request = REFERENCE.replace(
        f'objectname: "{SECOND}"', f'objectname: "{SECOND}"\n      datasize: 5'
    )
    site = SimulatedSite(name="old", offers=1)
    async with federation_with_urls(
        tmp_path, site, settings={"enrich": enrich}
    ) as federation:
        offer_set = await (await federation.post("/offersets", request)).json()
        data = data_of(offer_set["offers"][0])
        first, second = (data[f"example-data-0{number}"]["skao"] for number in (1, 2))
        changes = (await sites_of(federation, offer_set["uuid"]))["old"]["changes"]
    replicas = [{"rsename": "LAKE", "dataurl": f"https://lake.example/{FIRST}"}]
    assert first.get("replicas") == (replicas if enrich else None)
    assert first.get("datasize") == (1000 if enrich else None)
    assert second["datasize"] == 5
    assert len(changes) == (2 if enrich else 0)
