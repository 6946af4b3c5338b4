"""Clients that speak XML, in the two dialects that have it; sites hear JSON."""

import json
from xml.etree import ElementTree as ET

import pytest
import pytest_asyncio

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.problems import fault_of, problem_of
from tests.support.running import running_federation
from tests.support.simulated_dialogue import SKAO, Dialogue

pytestmark = pytest.mark.asyncio(loop_scope="module")

XML = {"Content-Type": "application/xml", "Accept": "application/xml"}
JSON = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    sites = [
        SimulatedSite(name=f"site-{dialect}", dialect=dialect, offers=1)
        for dialect in ("2025-11", "2026-04", "2026-07")
    ]
    async with running_federation(
        tmp_path_factory.mktemp("federation"), *sites
    ) as running:
        yield running


@pytest.fixture(params=["2026-04", "2026-07"])
def speaks(request):
    return Dialogue(request.param)


def request_of(speaks):
    uris = speaks.uris
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<offers-request>
  <executable kind="{uris["docker"]}">
    <meta><name>tool</name></meta>
    <image>
      <locations>registry.example/tool:1</locations>
      <locations>mirror.example/tool:1</locations>
      <digest>0000</digest>
    </image>
    <environment><TERM>dumb &amp; small</TERM></environment>
  </executable>
  <schedule><requested><duration>PT10M</duration></requested></schedule>
  <compute kind="{uris["compute"]}">
    <cores><min>1</min><max>2</max></cores>
    <volumes kind="{uris["volume"]}">
      <path>/in</path><mode>READONLY</mode><resource>survey</resource>
    </volumes>
  </compute>
  <data kind="{uris["skao"]}">
    <meta><name>survey</name></meta>
    <skao>
      <namespace>{SKAO["namespace"]}</namespace>
      <objectname>{SKAO["objectname"]}</objectname>
      <datasize>{SKAO["datasize"]}</datasize>
    </skao>
  </data>
</offers-request>"""


async def xml_of(response, status, root):
    text = await response.text()
    assert response.status == status, text[:500]
    assert response.content_type == "application/xml"
    document = ET.fromstring(text)
    assert document.tag == root
    return document


async def test_a_request_in_xml_is_offered_accepted_and_followed(federation, speaks):
    response = await federation.post(speaks.path, request_of(speaks), headers=XML)
    offer_set = await xml_of(response, 303, "offers-response")
    assert f"dialect={speaks.dialect}" in response.headers["Content-Type"]
    assert offer_set.findtext("result") == "YES"
    assert offer_set.get("kind") == speaks.uris["offerset"]
    assert offer_set.findtext("meta/url") == response.headers["Location"]
    offers = offer_set.findall("offers/execution")
    assert len(offers) == 3
    for offer in offers:
        uuid = offer.findtext("meta/uuid")
        assert offer.get("kind") == speaks.uris["session"]
        assert offer.findtext("phase") == "OFFERED"
        assert offer.find("executable").get("kind") == speaks.uris["docker"]
        assert offer.findtext("data/skao/datasize") == str(SKAO["datasize"])
        assert offer.findtext("meta/message/values/rank") in {"1", "2", "3"}
        assert offer.findtext("meta/url") == f"{federation.url}/sessions/{uuid}"
    best = offers[0].findtext("meta/uuid")
    update = (
        '<AbstractUpdate kind="uri:enum-value-update"><path>/phase</path>'
        "<value>ACCEPTED</value></AbstractUpdate>"
    )
    for response in (
        await federation.post(f"/sessions/{best}", update, headers=XML),
        await federation.get(f"/sessions/{best}", headers=XML),
    ):
        session = await xml_of(response, 200, "execution")
        assert SessionPhase(session.findtext("phase")) in TAKEN
    again = await federation.get(
        offer_set.findtext("meta/url"), headers={"Accept": "text/xml"}
    )
    assert len((await xml_of(again, 200, "offers-response")).findall("offers/*")) == 3


async def test_sites_are_spoken_to_in_json_whatever_the_client_speaks(
    federation, speaks
):
    await federation.post(speaks.path, request_of(speaks), headers=XML)
    for site in federation.sites.values():
        call = site.requests[-1]
        assert call.headers["content-type"] == "application/json"
        assert call.headers["accept"] == "application/json"
        sent = json.loads(call.body)
        image = sent["executable"]["image"]
        assert image["digest"] == "0000"
        assert image["locations"] == [
            "registry.example/tool:1",
            "mirror.example/tool:1",
        ]
        assert sent["executable"]["environment"] == {"TERM": "dumb & small"}
        assert sent["data"][0]["skao"] == SKAO
        assert sent["compute"]["cores"] == {"min": 1, "max": 2}


async def test_media_types_of_request_and_answer_are_independent(federation, speaks):
    in_json = await federation.post(
        speaks.path, request_of(speaks), headers={**XML, "Accept": "application/json"}
    )
    assert (await in_json.json())["result"] == "YES"
    in_xml = await federation.post(
        speaks.path,
        json.dumps(speaks.request()),
        headers={**JSON, "Accept": "application/json;q=0.1, text/xml"},
    )
    await xml_of(in_xml, 303, "offers-response")


async def test_an_old_set_is_given_in_xml_in_a_dialect_that_has_it(federation, speaks):
    old = Dialogue("2025-11")
    response = await federation.post(old.path, json.dumps(old.request()), headers=JSON)
    location = response.headers["Location"]
    plain = await federation.get(location, headers={"Accept": "application/xml"})
    await problem_of(plain, 406)
    wish = {"Accept": f"application/xml;dialect={speaks.dialect}"}
    document = await xml_of(
        await federation.get(location, headers=wish), 200, "offers-response"
    )
    assert document.get("kind") == speaks.uris["offerset"]
    query = await federation.get(f"{location}?dialect={speaks.dialect}", headers=XML)
    await xml_of(query, 200, "offers-response")


async def test_members_that_xml_can_not_say_are_dropped_with_a_warning(
    federation, speaks
):
    def rewrite(document, _):
        document["offers"][0]["x-extension"] = {"a": 1}
        document["offers"][0]["executable"]["x-other"] = "b"
        return document

    federation.sites["site-2026-07"].script("request", faults.rewritten(rewrite))
    response = await federation.post(speaks.path, request_of(speaks), headers=XML)
    document = await xml_of(response, 303, "offers-response")
    assert document.findall(".//x-extension") == []
    warning = document.findall("meta/message")[-1]
    assert warning.findtext("level") == "WARN"
    assert "x-extension" in warning.findtext("message")
    assert "x-other" in warning.findtext("message")


async def test_direct_execution_in_xml(federation, speaks):
    response = await federation.post(
        speaks.direct_path, request_of(speaks), headers=XML
    )
    session = await xml_of(response, 303, "execution")
    assert SessionPhase(session.findtext("phase")) in TAKEN
    assert response.headers["Location"] == session.findtext("meta/url")


async def test_faults_in_xml_are_named_in_xml(federation, speaks):
    body = request_of(speaks).replace("<min>1</min>", "<min>one</min>")
    response = await federation.post(speaks.path, body, headers=XML)
    problem = await problem_of(response, 422)
    assert response.content_type == "application/problem+xml"
    assert problem["errors"][0]["pointer"] == "/compute/cores/min"
    response = await federation.post(speaks.path, body[:-10], headers=XML)
    assert (await fault_of(response, 400))["line"]


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><offers-request>&b;</offers-request>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><offers-request/>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><offers-request/>',
        "<offers-request>&b;</offers-request>",
    ],
)
async def test_no_entity_is_ever_expanded(federation, body):
    response = await federation.post("/requests", body, headers=XML)
    await problem_of(response, 400)
