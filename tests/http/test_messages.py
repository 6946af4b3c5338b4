"""What an offer set says of the sites: who refused and why, and who warned."""

import json

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
MEMBERS = {"kind", "time", "level", "template", "values", "message"}


async def submit(federation, dialogue, **wishes):
    return await federation.post(
        dialogue.path, json.dumps(dialogue.request(**wishes)), headers=JSON
    )


@pytest.mark.parametrize("dialect", ["2025-11", "2026-07"])
async def test_a_no_tells_each_sites_reason(tmp_path, dialect):
    speaks = Dialogue(dialect)
    async with running_federation(
        tmp_path,
        SimulatedSite(name="small", dialect="2025-11", cores=2),
        SimulatedSite(name="closed", dialect="2026-07", says_no="we are moving house"),
    ) as federation:
        response = await submit(federation, speaks, cores=4)
        offer_set = await response.json()
        assert response.status == 303
        assert offer_set["result"] == "NO"
        assert not offer_set.get("offers")
        messages = speaks.about(offer_set)["messages"]
        said = {m["values"]["site"]: m for m in messages if "outcome" in m["values"]}
        assert said.keys() == {"small", "closed"}
        assert "we are moving house" in said["closed"]["message"]
        assert "Minimum cores exceeds limit" in said["small"]["message"]
        own = {
            (m["values"]["site"], m[speaks.key])
            for m in messages
            if "outcome" not in m["values"]
        }
        assert ("small", "urn:resource-limit") in own
        assert ("closed", "urn:not-supported") in own


async def test_a_sites_warning_comes_with_its_offers(tmp_path):
    speaks = Dialogue("2026-07")
    request = speaks.request()
    request["compute"]["cores"]["max"] = 64
    async with running_federation(
        tmp_path, SimulatedSite(name="small", dialect="2026-07")
    ) as federation:
        response = await federation.post("/requests", json.dumps(request), headers=JSON)
        offer_set = await response.json()
        assert offer_set["result"] == "YES"
        warning = offer_set["meta"]["messages"][0]
        assert warning["level"] == "WARN"
        assert warning["kind"] == "urn:resource-limit"
        assert warning["values"]["site"] == "small"
        again = await (await federation.get(response.headers["Location"])).json()
        assert again["meta"]["messages"] == offer_set["meta"]["messages"]


async def test_messages_of_ours_have_every_member_and_no_gap(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="well"),
        SimulatedSite(name="gone", down=True),
        SimulatedSite(name="closed", says_no="we are moving house"),
    ) as federation:
        offer_set = await (await submit(federation, Dialogue("2026-07"))).json()
        messages = [
            *offer_set["meta"]["messages"],
            *(m for o in offer_set["offers"] for m in o["meta"]["messages"]),
        ]
        ours = [m for m in messages if m["kind"].startswith("urn:metabroker:")]
        missing = {
            m["values"]["site"]: m["level"] for m in ours if "outcome" in m["values"]
        }
        assert missing == {"gone": "WARN", "closed": "INFO"}
        for message in ours:
            assert message.keys() == MEMBERS
            assert "{" not in message["message"]
            for name, value in message["values"].items():
                assert name == "outcome" or value in message["message"]


async def test_a_request_without_a_name_is_answered_without_one(tmp_path):
    speaks = Dialogue("2025-11")
    document = speaks.request()
    del document["name"]
    async with running_federation(tmp_path, SimulatedSite(name="well")) as federation:
        response = await federation.post(
            "/offersets", json.dumps(document), headers=JSON
        )
        assert "name" not in await response.json()
