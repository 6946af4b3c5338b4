"""What other people's monitors ask, in the forms that they know."""

from xml.etree import ElementTree as ET

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.running import running_federation

AVAILABILITY = "{http://www.ivoa.net/xml/VOSIAvailability/v1.0}"
CAPABILITIES = "{http://www.ivoa.net/xml/VOSICapabilities/v1.0}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@pytest.fixture
async def federation(tmp_path):
    probes = {"probes": True, "interval": 0.1, "down_after": 1}
    downtime = {
        "type": "Planned",
        "date_range": "2026-01-01T00:00:00Z to 2099-01-01T00:00:00Z",
        "reason": "network",
    }
    async with running_federation(
        tmp_path,
        SimulatedSite(name="jpsrc"),
        SimulatedSite(name="uksrc"),
        SimulatedSite(name="espsrc"),
        settings={"health": probes},
        entries={"espsrc": {"node": "ESPSRC", "downtime": [downtime]}},
    ) as running:
        yield running


async def usable(federation, count):
    while True:
        document = await (await federation.get("/health")).json()
        if document["dependent_services"]["federation"]["sites_usable"] == count:
            return document


async def test_health_is_that_of_the_store_and_the_federation(federation):
    document = await usable(federation, 2)
    assert document["dependent_services"]["store"] == {"status": "UP"}
    assert document["uptime"] >= 0
    for site in federation.sites.values():
        await site.stop()
    await usable(federation, 0)
    assert (await federation.get("/health")).status == 500
    assert (await federation.get("/livez")).status == 200


async def test_readiness_counts_sites_only_where_asked_to(federation):
    await usable(federation, 2)
    assert (await federation.get("/readyz?min_sites=2")).status == 200
    too_many = await federation.get("/readyz?min_sites=3")
    assert (too_many.status, await too_many.text()) == (
        503,
        "not ready: 2 of 3 sites can be asked\n",
    )
    assert (await federation.get("/readyz?min_sites=some")).status == 400


async def test_availability_is_a_vosi_document(federation):
    await usable(federation, 2)
    response = await federation.get("/availability")
    assert (response.status, response.content_type) == (200, "text/xml")
    root = ET.fromstring(await response.text())
    assert root.tag == AVAILABILITY + "availability"
    assert [child.tag.removeprefix(AVAILABILITY) for child in root] == [
        "available",
        "upSince",
        "note",
        "note",
    ]
    assert root.findtext(AVAILABILITY + "available") == "true"
    assert root.findtext(AVAILABILITY + "note") == "2 of 3 sites can be asked"


async def test_capabilities_name_our_own_addresses(federation):
    root = ET.fromstring(await (await federation.get("/capabilities")).text())
    assert root.tag == CAPABILITIES + "capabilities"
    found = {one.get("standardID"): one.find("interface/accessURL") for one in root}
    assert {key: url.text for key, url in found.items()} == {
        "ivo://ivoa.net/std/VOSI#capabilities": federation.url + "/capabilities",
        "ivo://ivoa.net/std/VOSI#availability": federation.url + "/availability",
        "ivo://ivoa.net/std/ExecutionBroker": federation.url,
    }
    assert {one.find("interface").get(TYPE) for one in root} == {"vs:ParamHTTP"}


async def test_prometheus_discovers_the_sites(federation):
    response = await federation.get("/sd")
    assert response.content_type == "application/json"
    targets = {one["labels"]["name"]: one for one in await response.json()}
    assert targets["jpsrc"]["targets"] == [federation.sites["jpsrc"].url]
    assert "in_downtime" not in targets["jpsrc"]["labels"]
    labels = targets["espsrc"]["labels"]
    assert labels["parent_node_name"] == "ESPSRC"
    assert labels["in_downtime"] == "true"
    assert labels["downtime_reason"] == "network"


@pytest.mark.parametrize("path", ["/ping", "/livez", "/federation/sites", "/docs"])
async def test_monitors_may_look_without_a_body(federation, path):
    response = await federation.client.head(federation.url + path)
    assert (response.status, await response.read()) == (200, b"")
