"""Sites that answer rubbish about sessions: the last known state, and a message."""

import json

import pytest

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.problems import problem_of
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")
OTHER = "0badc0de-0000-4000-8000-000000000000"


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(
            name="site", dialect="2026-07", offers=2, forgets_rejections=False
        ),
        settings={
            "acceptance": {"deadline": 0.5, "call": 0.3, "first_pause": 0.02},
            "status": {"freshness": 0.0, "deadline": 0.5},
        },
    ) as running:
        yield running


@pytest.fixture
async def offer(federation):
    response = await federation.post(
        "/requests", json.dumps(NEW.request()), headers=JSON
    )
    return (await response.json())["offers"][0]


async def update(federation, uuid, phase, **headers):
    return await federation.post(
        f"/sessions/{uuid}",
        json.dumps(NEW.update(phase)),
        headers={**JSON, **headers},
    )


RUBBISH = {
    "html": (faults.html(), "HTML"),
    "error": (faults.error(500), "500"),
    "truncated": (faults.truncated(), "JSON"),
    "reset": (faults.reset(), "broke off"),
    "stalled": (faults.stalled(2), "deadline"),
    "another session": (faults.given_uuid(OTHER), "another session"),
    "list": (faults.raw(b"[]"), "object"),
    "nothing": (faults.raw(b"{}"), "neither a phase nor a uuid"),
    "redirect": (faults.redirected("http://elsewhere.example/x"), "redirect"),
    "unauthorized": (faults.error(401), "401"),
}


@pytest.mark.parametrize("name", RUBBISH)
async def test_what_can_not_be_read_leaves_the_last_known_state(
    federation, offer, name
):
    fault, words = RUBBISH[name]
    uuid = NEW.uuid(offer)
    federation.sites["site"].script("read", fault)
    response = await federation.get(f"/sessions/{uuid}")
    shown = await response.json()
    assert response.status == 200
    assert shown["phase"] == "OFFERED"
    assert NEW.uuid(shown) == uuid
    assert shown["compute"]["cores"] == offer["compute"]["cores"]
    message = shown["meta"]["messages"][-1]
    assert message["level"] == "WARN"
    assert message["values"]["site"] == "site"
    assert words in message["message"]
    well = await (await federation.get(f"/sessions/{uuid}")).json()
    assert [one["message"] for one in well["meta"]["messages"]] == ["at site"]


async def test_a_session_that_its_site_forgot(federation, offer):
    uuid = NEW.uuid(offer)
    await update(federation, uuid, "ACCEPTED")
    federation.sites["site"].forget(uuid)
    shown = await (await federation.get(f"/sessions/{uuid}")).json()
    assert shown["phase"] in {"ACCEPTED", "WAITING", "PREPARING"}
    message = shown["meta"]["messages"][-1]
    assert message["kind"] == "urn:metabroker:session-lost-at-site"


@pytest.mark.parametrize("phase", ["DANCING", "", 5, None, {"a": 1}])
async def test_a_phase_that_does_not_exist_changes_nothing(federation, offer, phase):
    uuid = NEW.uuid(offer)
    federation.sites["site"].script("read", faults.shown_phase(phase))
    response = await federation.get(f"/sessions/{uuid}")
    assert response.status == 200
    assert (await response.json())["phase"] == "OFFERED"


@pytest.mark.parametrize("name", ["html", "error", "another session", "nothing"])
async def test_an_acceptance_answered_with_rubbish_is_found_out_by_reading(
    federation, offer, name
):
    site, uuid = federation.sites["site"], NEW.uuid(offer)
    site.script("update", RUBBISH[name][0])
    response = await update(federation, uuid, "ACCEPTED")
    assert response.status == 200
    assert SessionPhase((await response.json())["phase"]) in TAKEN
    assert site.accepted == (uuid,)


@pytest.mark.parametrize("phase", ["CANCELLED", "REJECTED"])
async def test_an_end_answered_with_rubbish_is_told_again_or_found_out(
    federation, offer, phase
):
    site, uuid = federation.sites["site"], NEW.uuid(offer)
    site.script("update", faults.lost_answer())
    response = await update(federation, uuid, phase)
    assert response.status == 200
    assert (await response.json())["phase"] == phase
    assert site.sessions[uuid] is SessionPhase(phase)


async def test_a_cancellation_that_nobody_confirms_is_said_to_be_so(federation, offer):
    site, uuid = federation.sites["site"], NEW.uuid(offer)
    site.script("update", faults.error(503), times=None)
    site.script("read", faults.error(503), times=None)
    response = await update(federation, uuid, "CANCELLED", Accept="application/yaml")
    problem = await problem_of(response, 503)
    assert "Retry-After" in response.headers
    assert "CANCELLED" in problem["detail"]
    site.clear_script()
    response = await update(federation, uuid, "CANCELLED")
    assert (await response.json())["phase"] == "CANCELLED"


async def test_an_answer_whose_body_broke_is_read_where_its_location_says(federation):
    federation.sites["site"].script("request", faults.truncated())
    response = await federation.post(
        "/requests", json.dumps(NEW.request()), headers=JSON
    )
    assert len((await response.json())["offers"]) == 2
    methods = [call.method for call in federation.sites["site"].requests]
    assert methods.count("POST") == 1
