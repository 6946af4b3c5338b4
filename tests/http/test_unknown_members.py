"""What nobody knows passes through: in place, to sites and back, in any dialect."""

import json

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite, faults
from tests.support.running import running_federation
from tests.support.simulated_dialogue import DIALECTS, Dialogue

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
EXTENSION = {"a/b~c": [1, {"deep": None}, "x"], "size": 2**53 + 1, "": False}


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


def extended(document, speaks):
    """Put the extension into every part of a request or session."""
    resources = speaks.resources(document)
    parts = [
        document,
        document["executable"],
        speaks.compute(document),
        *resources["data"],
        *resources.get("storage", []),
    ]
    for part in parts:
        part["x-extension"] = EXTENSION
    return len(parts)


def extensions_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "x-extension":
                yield inner
            else:
                yield from extensions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from extensions_in(inner)


async def test_sites_of_every_dialect_are_sent_what_a_client_added(federation, speaks):
    request = speaks.request()
    count = extended(request, speaks)
    response = await federation.post(speaks.path, json.dumps(request), headers=JSON)
    assert (await response.json())["result"] == "YES"
    for site in federation.sites.values():
        sent = json.loads(site.requests[-1].body)
        assert list(extensions_in(sent)) == [EXTENSION] * count
        owner = Dialogue(site.site.dialect)
        assert sent["executable"]["x-extension"] == EXTENSION
        assert owner.compute(sent)["x-extension"] == EXTENSION
        assert owner.resources(sent)["data"][0]["x-extension"] == EXTENSION


@pytest.mark.parametrize("owner", DIALECTS)
async def test_clients_are_shown_what_a_site_added(federation, speaks, owner):
    site = federation.sites[f"site-{owner}"]
    counts = []

    def rewrite(document, _):
        counts.append(extended(document["offers"][0], Dialogue(owner)))
        document["offers"][0]["executable"]["image"]["x-extension"] = EXTENSION
        return document

    site.script("request", faults.rewritten(rewrite))
    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    offer_set = await response.json()
    offer = next(o for o in offer_set["offers"] if speaks.uuid(o) in site.sessions)
    assert list(extensions_in(offer_set)) == [EXTENSION] * (counts[0] + 1)
    assert offer["x-extension"] == EXTENSION
    assert offer["executable"]["x-extension"] == EXTENSION
    assert offer["executable"]["image"]["x-extension"] == EXTENSION
    assert speaks.compute(offer)["x-extension"] == EXTENSION


async def test_kinds_that_nobody_knows_pass_through(federation, speaks):
    kind = "https://example.org/kinds/quantum-annealer"
    request = speaks.request()
    request["executable"] = {speaks.key: kind, "qubits": 5}
    response = await federation.post(speaks.path, json.dumps(request), headers=JSON)
    assert response.status == 303
    for site in federation.sites.values():
        sent = json.loads(site.requests[-1].body)
        key = Dialogue(site.site.dialect).key
        assert sent["executable"] == {key: kind, "qubits": 5}


async def test_connectors_are_shown_as_the_site_gives_them(federation, speaks):
    connector = {
        "protocol": "https",
        "location": "https://desktop.example:8443/session/1?token=of-the-desktop",
        "x-extension": EXTENSION,
    }

    def rewrite(document, words):
        key = words.discriminator
        document["connectors"] = [{key: "urn:desktop", **connector}]
        return document

    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    for offer in (await response.json())["offers"]:
        uuid = speaks.uuid(offer)
        owner = next(s for s in federation.sites.values() if uuid in s.sessions)
        owner.script("read", faults.rewritten(rewrite))
        session = await (await federation.get(f"/sessions/{uuid}")).json()
        assert session["connectors"] == [{speaks.key: "urn:desktop", **connector}]
