"""Answers in the newest dialect are what its published OpenAPI document describes."""

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from aggregator import strict_yaml
from aggregator.domain.offers import Quote
from aggregator.domain.phases import SessionPhase
from aggregator.wire.dialects import DIALECTS
from site_adapters.simulated import SimulatedSite
from tests.support.published import PUBLISHED, needs_published
from tests.support.running import running_federation
from tests.support.schemas import discriminating, faults
from tests.support.simulated_dialogue import Dialogue

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_published]

GOLDEN = Path(__file__).parents[1] / "data" / "dialects" / "2026-07"
MONETARY = "urn:ivoa:calycopis:cost:monetary"
PERFORMANCE = "urn:ivoa:calycopis:metric:compute-performance"
NEWEST = {"dialect": "2026-07"}
JSON = {"Content-Type": "application/json"}
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED"}


@pytest.fixture(scope="module")
def published():
    text = PUBLISHED.read_text(encoding="utf-8")
    return discriminating(yaml.load(text, Loader=yaml.CSafeLoader))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    sites = [
        SimulatedSite(
            name=f"site-{name}",
            dialect=name,
            time_scale=1000,
            costs=(Quote(MONETARY, 0.5, 2.0),),
            metrics=(Quote(PERFORMANCE, 100.0, 200.0),),
        )
        for name in DIALECTS
    ]
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        *sites,
        settings={"ranking": [str(_ranking(tmp_path_factory.mktemp("ranking")))]},
    ) as running:
        yield running


def _ranking(folder):
    """Write a policy that shows the offers of all sites."""
    path = folder / "all.yaml"
    path.write_text(
        "apiVersion: metabroker.srcnet/v1\n"
        "kind: RankingPolicy\n"
        "metadata: {name: all}\n"
        "weighers: [{name: time_to_start}]\n"
        "trim: {max_offers: 100, max_per_site: 1}\n"
    )
    return path


def a_request(dialect="2026-07"):
    return json.dumps(Dialogue(dialect).request())


def too_large_a_request():
    document = Dialogue("2026-07").request()
    document["compute"]["cores"] = {"min": 4096}
    return json.dumps(document)


def phase_update(phase):
    update = {"kind": "uri:enum-value-update", "path": "/phase", "value": phase}
    return json.dumps(update)


async def asked(federation, body, path="/requests"):
    response = await federation.post(path, body, headers=JSON, params=NEWEST)
    assert response.status == 303, await response.text()
    return await response.json()


async def updated(federation, session, phase):
    response = await federation.post(
        f"/sessions/{session}", phase_update(phase), headers=JSON, params=NEWEST
    )
    assert response.status == 200, await response.text()
    return await response.json()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_offer_sets_with_offers_of_sites_of_every_dialect(
    federation, published, dialect
):
    offer_set = await asked(federation, a_request(dialect))
    sites = {
        message["values"]["site"]
        for offer in offer_set["offers"]
        for message in offer["meta"]["messages"]
        if message["kind"] == "urn:metabroker:rank"
    }
    assert sites == federation.sites.keys()
    quoted = [offer for offer in offer_set["offers"] if "costs" in offer]
    assert quoted[0]["costs"][0]["type"] == MONETARY
    assert faults(published, "OfferSetResponse", offer_set) == []
    again = await federation.get(offer_set["meta"]["url"], params=NEWEST)
    assert faults(published, "OfferSetResponse", await again.json()) == []


async def test_an_offer_set_without_offers(federation, published):
    offer_set = await asked(federation, too_large_a_request())
    assert offer_set["result"] == "NO"
    assert offer_set["meta"]["messages"]
    assert faults(published, "OfferSetResponse", offer_set) == []


async def test_sessions_in_every_phase_of_their_lives(federation, published):
    offer_set = await asked(federation, a_request())
    seen = set()
    for offer in offer_set["offers"]:
        phase = await _lived(federation, published, offer["meta"]["uuid"])
        seen |= phase
    assert seen >= {"ACCEPTED", "COMPLETED", "REJECTED"}


async def _lived(federation, published, session):
    shown = await updated(federation, session, "ACCEPTED")
    seen = set()
    async with asyncio.timeout(20):
        while True:
            assert faults(published, "AbstractExecutionSession", shown) == []
            seen.add(shown["phase"])
            if shown["phase"] in TERMINAL | {"REJECTED"}:
                return seen
            response = await federation.get(f"/sessions/{session}", params=NEWEST)
            shown = await response.json()


@pytest.mark.parametrize("phase", ["CANCELLED", "REJECTED", "FAILED", "RUNNING"])
async def test_sessions_after_an_update(federation, published, phase):
    offer_set = await asked(federation, a_request())
    shown = await updated(federation, offer_set["offers"][0]["meta"]["uuid"], phase)
    expected = "OFFERED" if phase == "RUNNING" else phase
    assert shown["phase"] == expected
    assert faults(published, "AbstractExecutionSession", shown) == []


async def test_a_session_that_was_put_into_any_phase(federation, published):
    offer_set = await asked(federation, a_request())
    uuid = offer_set["offers"][0]["meta"]["uuid"]
    site = next(s for s in federation.sites.values() if uuid in s.sessions)
    await updated(federation, uuid, "ACCEPTED")
    for phase in SessionPhase:
        site.move(uuid, phase)
        shown = await federation.get(f"/sessions/{uuid}", params=NEWEST)
        assert faults(published, "AbstractExecutionSession", await shown.json()) == []


async def test_direct_execution_taken_and_refused(federation, published):
    taken = await federation.post("/direct", a_request(), headers=JSON, params=NEWEST)
    assert taken.status == 303
    assert faults(published, "AbstractExecutionSession", await taken.json()) == []
    refused = await federation.post(
        "/direct", too_large_a_request(), headers=JSON, params=NEWEST
    )
    assert refused.status == 400
    assert faults(published, "AbstractExecutionSession", await refused.json()) == []


async def test_yaml_is_what_json_is(federation, published):
    offer_set = await asked(federation, a_request())
    response = await federation.get(
        offer_set["meta"]["url"],
        params=NEWEST,
        headers={"Accept": "application/yaml"},
    )
    read = strict_yaml.load(await response.read())
    assert read == offer_set
    assert faults(published, "OfferSetResponse", read) == []


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "READY"},
        {"kind": "urn:other"},
        {"meta": {"uuid": "x"}},
        {"expires": "soon"},
        {"schedule": {"available": {"start": "2026-08-04T05:27:10Z"}}},
        {"compute": {"kind": "urn:other"}},
        {"costs": [{"kind": "urn:other"}]},
        {"executable": {"image": {}}},
    ],
)
async def test_the_published_schema_does_not_take_everything(published, change):
    session = json.loads((GOLDEN / "session.json").read_text())
    assert faults(published, "AbstractExecutionSession", session) == []
    assert faults(published, "AbstractExecutionSession", {**session, **change}) != []
