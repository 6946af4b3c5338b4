"""Six sites of six dialects, and clients of each: everybody hears their own."""

import json

import pytest
import pytest_asyncio

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite
from tests.support.running import running_federation
from tests.support.simulated_dialogue import DIALECTS, Dialogue

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
OFFERED_DIALECTS = ("2025-05", "2025-06")
INLINE_DIALECTS = ("2026-04", "2026-07")
OLD_ACCEPTED = {"READY": "AVAILABLE", "PROPOSED": "INITIAL"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    sites = [
        SimulatedSite(name=f"site-{dialect}", dialect=dialect, offers=1)
        for dialect in DIALECTS
    ]
    async with running_federation(
        tmp_path_factory.mktemp("federation"), *sites
    ) as running:
        yield running


@pytest.fixture(params=DIALECTS)
def speaks(request):
    return Dialogue(request.param)


async def submit(federation, speaks, document=None, path=None, **headers):
    body = json.dumps(document or speaks.request())
    response = await federation.post(
        path or speaks.path, body, headers={**JSON, **headers}
    )
    assert response.status == 303, (await response.text())[:500]
    return response


def offers_by_site(federation, speaks, offer_set):
    return {
        site.name: offer
        for offer in offer_set["offers"]
        for site in federation.sites.values()
        if speaks.uuid(offer) in site.sessions
    }


def components(speaks, session):
    resources = speaks.resources(session)
    yield "docker", session["executable"]
    yield "compute", speaks.compute(session)
    for data in resources["data"]:
        yield "skao", data
    for storage in resources["storage"]:
        yield "storage", storage


def names_in(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


async def test_a_client_of_each_dialect_gets_offers_of_all_sites_in_its_own(
    federation, speaks
):
    response = await submit(federation, speaks)
    offer_set = await response.json()
    base = federation.url
    assert response.headers["Location"] == speaks.url(offer_set)
    assert speaks.url(offer_set) == f"{base}/offersets/{speaks.uuid(offer_set)}"
    assert offer_set[speaks.key] == speaks.uris["offerset"]
    assert offer_set["result"] == "YES"
    offers = offers_by_site(federation, speaks, offer_set)
    assert offers.keys() == federation.sites.keys()
    for offer in offers.values():
        assert offer[speaks.key] == speaks.uris["session"]
        assert offer["phase"] == "OFFERED"
        assert speaks.url(offer) == f"{base}/sessions/{speaks.uuid(offer)}"
        found = list(components(speaks, offer))
        assert {role for role, _ in found} == {"docker", "compute", "skao", "storage"}
        for role, component in found:
            assert component[speaks.key] == speaks.uris[role]
            assert speaks.about(component)["uuid"]


async def test_every_site_understands_when_to_start(federation, speaks):
    request = speaks.request(start="2026-11-01T10:00:00Z/P1Y")

    offer_set = await (await submit(federation, speaks, request)).json()

    offers = offers_by_site(federation, speaks, offer_set)
    assert offers.keys() == federation.sites.keys()


async def test_nothing_of_another_dialect_is_left_in_an_answer(federation, speaks):
    offer_set = await (await submit(federation, speaks)).json()
    names = set(names_in(offer_set))
    if speaks.has_meta:
        assert not {"type", "href"} & names
    else:
        assert not {"kind", "meta", "url"} & names
    assert ("computer" in names) == (speaks.dialect == "2025-06")
    assert ("compute" in names) == (speaks.dialect != "2025-06")
    assert ("offered" in names) == (speaks.dialect in OFFERED_DIALECTS)
    text = json.dumps(offer_set)
    for other in map(Dialogue, DIALECTS):
        for uri in set(other.uris.values()) - set(speaks.uris.values()):
            assert json.dumps(uri) not in text


async def test_starts_and_volumes_are_where_each_dialect_has_them(federation, speaks):
    offer_set = await (await submit(federation, speaks)).json()
    mounted = set()
    for site, offer in offers_by_site(federation, speaks, offer_set).items():
        owner = Dialogue(federation.sites[site].site.dialect)
        holder = offer
        if owner.dialect in INLINE_DIALECTS:
            holder = speaks.compute(offer)
        schedule = holder["schedule"]
        available = schedule.get("offered", schedule)["available"]
        plain = speaks.dialect in OFFERED_DIALECTS
        assert available["start"].endswith("/PT0S") is not plain
        assert available["duration"] == "PT20M"
        compute = speaks.compute(offer)
        if "volumes" not in compute:
            continue
        mounted.add(owner.dialect)
        if speaks.dialect in INLINE_DIALECTS:
            mounts = compute["volumes"]
            assert all("resource" in mount for mount in mounts)
        else:
            mounts = speaks.resources(offer)["volumes"]
            assert all(len(mount["resources"]) == 1 for mount in mounts)
            assert all(isinstance(name, str) for name in compute["volumes"])
        assert [mount["path"] for mount in mounts] == ["/in"]
        assert all(m[speaks.key] == speaks.uris["volume"] for m in mounts)
    # Older brokers say nothing of volumes in their offers.
    assert mounted == set(INLINE_DIALECTS)


@pytest.mark.parametrize("owner", DIALECTS)
async def test_an_offer_of_a_site_of_any_dialect_is_accepted_and_followed(
    federation, speaks, owner
):
    offer_set = await (await submit(federation, speaks)).json()
    offer = offers_by_site(federation, speaks, offer_set)[f"site-{owner}"]
    uuid = speaks.uuid(offer)
    answered = await federation.post(
        f"/sessions/{uuid}", json.dumps(speaks.update("ACCEPTED")), headers=JSON
    )
    assert answered.status == 200
    for response in (answered, await federation.get(f"/sessions/{uuid}")):
        session = await response.json()
        assert response.content_type == "application/json"
        assert f"dialect={speaks.dialect}" in response.headers["Content-Type"]
        assert session[speaks.key] == speaks.uris["session"]
        assert speaks.uuid(session) == uuid
        phase = OLD_ACCEPTED.get(session["phase"], session["phase"])
        assert SessionPhase(phase) in TAKEN
        assert speaks.compute(session)[speaks.key] == speaks.uris["compute"]
    assert uuid in federation.sites[f"site-{owner}"].accepted


async def test_phases_have_the_words_of_the_clients_dialect(federation, speaks):
    offer_set = await (await submit(federation, speaks)).json()
    offers = offers_by_site(federation, speaks, offer_set)
    is_old = speaks.dialect in OFFERED_DIALECTS
    for site, offer in offers.items():
        uuid = speaks.uuid(offer)
        federation.sites[site].move(uuid, SessionPhase.AVAILABLE)
        session = await (await federation.get(f"/sessions/{uuid}")).json()
        assert session["phase"] == ("READY" if is_old else "AVAILABLE")


async def test_a_set_is_answered_in_the_dialect_it_was_asked_for_in(federation, speaks):
    response = await submit(federation, speaks)
    posted = await response.json()
    for path in (response.headers["Location"], response.headers["Location"] + "/"):
        again = await federation.get(path)
        assert again.status == 200
        assert await again.json() == posted
        assert f"dialect={speaks.dialect}" in again.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/offersets", "/requests", "/offersets/"])
async def test_both_routes_take_every_dialect(federation, speaks, path):
    offer_set = await (await submit(federation, speaks, path=path)).json()
    assert offer_set[speaks.key] == speaks.uris["offerset"]


async def test_another_dialect_can_be_asked_for(federation, speaks):
    response = await submit(federation, Dialogue("2025-11"))
    location = response.headers["Location"]
    wish = {"Accept": f"application/json;dialect={speaks.dialect}"}
    other = {"Accept": "application/json;dialect=2026-02"}
    asked = [
        await federation.get(location, headers=wish),
        await federation.get(f"{location}?dialect={speaks.dialect}"),
        await federation.get(f"{location}?dialect={speaks.dialect}", headers=other),
    ]
    documents = [await answer.json() for answer in asked]
    assert documents[0] == documents[1] == documents[2]
    assert documents[0][speaks.key] == speaks.uris["offerset"]
    uuid = speaks.uuid(documents[0]["offers"][0])
    asked.append(await federation.get(f"/sessions/{uuid}", headers=wish))
    session = await asked[-1].json()
    assert session[speaks.key] == speaks.uris["session"]
    for answer in asked:
        assert answer.headers["Content-Type"].replace(" ", "") == (
            f"application/json;dialect={speaks.dialect}"
        )
        assert "Accept" in answer.headers["Vary"]
    remembered = await (await federation.get(location)).json()
    assert Dialogue("2025-11").url(remembered) == location


async def test_where_nothing_tells_the_dialect_the_route_does(federation):
    document = {"executable": {"image": {"locations": ["x"]}}}
    for path, key in (("/offersets", "type"), ("/requests", "kind")):
        response = await federation.post(path, json.dumps(document), headers=JSON)
        assert response.status == 422
        fault = (await response.json())["errors"][0]
        assert fault["pointer"] == f"/executable/{key}"
