"""A set that grows and a session that moves can be followed."""

import asyncio

import orjson
import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import Operation, SimulatedSite, faults
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import REFERENCE, running_federation

ACCEPT = '{"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}'
QUICK = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))
SLOW = SimulatedSite(name="espsrc", rses=("SPSRC_STORM",), latency={"request": 1.5})


@pytest.fixture
async def growing(tmp_path):
    settings = {"following": {"interval": 0.1}}
    never = {"required": "never"}
    async with running_federation(
        tmp_path,
        QUICK,
        SLOW,
        settings={**settings, "fan_out": {"deadline": 1.0, "quorum": 0.5}},
        entries={"jpsrc": never, "espsrc": never},
    ) as running:
        yield running


async def events(response):
    name, data = "", ""
    async for line in response.content:
        text = line.decode().strip()
        key, _, value = text.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            data += value
        elif not text and name:
            yield name, orjson.loads(data)
            name, data = "", ""


async def test_a_client_that_waits_is_answered_when_the_set_has_grown(growing):
    response = await growing.post("/offersets", REFERENCE)
    offer_set = await response.json()
    location = response.headers["Location"]
    sites = await (await growing.get(location + "/sites")).json()
    assert [s["outcome"] for s in sites["sites"]] == ["ok", "pending"]
    tag = (await growing.get(location)).headers["ETag"]
    at_once = await growing.get(location, headers={"If-None-Match": tag})
    assert at_once.status == 304
    grown = await growing.get(
        location, headers={"If-None-Match": tag, "Prefer": "wait=10"}
    )
    assert grown.status == 200
    offers = (await grown.json())["offers"]
    assert len(offers) > len(offer_set["offers"])
    shown = {offer["uuid"] for offer in offer_set["offers"]}
    assert shown <= {offer["uuid"] for offer in offers}


async def test_a_client_that_waits_in_vain_is_told_so(growing):
    response = await growing.post("/offersets", REFERENCE, headers={"Prefer": "wait=5"})
    location = response.headers["Location"]
    tag = (await growing.get(location)).headers["ETag"]
    same = await growing.get(
        location, headers={"If-None-Match": tag, "Prefer": "wait=1"}
    )
    assert same.status == 304


async def test_the_set_is_told_as_it_grows(growing):
    response = await growing.post("/offersets", REFERENCE)
    counts = []
    async with asyncio.timeout(10):
        stream = await growing.get(response.headers["Location"] + "/events")
        assert stream.content_type == "text/event-stream"
        async for name, offer_set in events(stream):
            assert name == "offerset"
            counts.append(len(offer_set["offers"]))
            if len(counts) == 2:
                break
        stream.close()
    assert counts[1] > counts[0] > 0


async def test_a_session_is_told_until_it_ended(tmp_path):
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), time_scale=1000)
    settings = {"following": {"interval": 0.05}}
    async with running_federation(tmp_path, site, settings=settings) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        session = f"/sessions/{offer_set['offers'][0]['uuid']}"
        phases = []
        async with asyncio.timeout(15):
            stream = await federation.get(session + "/events")
            async for name, shown in events(stream):
                if name == "end":
                    break
                phases.append(shown["phase"])
                if len(phases) == 1:
                    accepting = await federation.post(
                        session, ACCEPT, headers={"Content-Type": "application/json"}
                    )
                    assert accepting.status == 200
            stream.close()
        assert phases[0] == "OFFERED"
        assert phases[-1] == "COMPLETED"


@pytest.mark.parametrize("kind", ["offersets", "sessions"])
async def test_what_is_unknown_can_not_be_followed(growing, kind):
    path = f"/{kind}/00000000-0000-4000-8000-000000000000/events"
    assert (await growing.get(path)).status == 404


async def test_a_site_that_is_away_does_not_end_the_stream(tmp_path):
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))
    settings = {"following": {"interval": 0.05}}
    async with running_federation(tmp_path, site, settings=settings) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        uuid = offer_set["offers"][0]["uuid"]
        async with asyncio.timeout(10):
            stream = await federation.get(f"/sessions/{uuid}/events")
            told = events(stream)
            await anext(told)
            running = federation.sites["jpsrc"]
            running.script(Operation.READ, faults.error(500), times=3)
            running.move(uuid, SessionPhase.CANCELLED)
            name, shown = await anext(told)
            while name == "session" and shown["phase"] != "CANCELLED":
                name, shown = await anext(told)
            stream.close()
        assert shown["phase"] == "CANCELLED"


async def test_a_set_that_nobody_answered_is_no_no_until_late_answers_fill_it(tmp_path):
    settings = {
        "fan_out": {"deadline": 0.5, "shortest_wait": 0.2},
        "following": {"interval": 0.1},
    }
    slow = SimulatedSite(name="espsrc", rses=("SPSRC_STORM",), latency={"request": 2.0})
    async with running_federation(tmp_path, slow, settings=settings) as federation:
        response = await federation.post("/offersets", REFERENCE)
        problem = await response.json()
        assert response.status == 504
        again = await federation.get(problem["offerset"])
        assert (again.status, (await again.json())["type"]) == (504, problem["type"])
        async with asyncio.timeout(10):
            filled = await federation.get(
                problem["offerset"], headers={"Prefer": "wait=10"}
            )
        assert filled.status == 200
        assert (await filled.json())["result"] == "YES"


async def test_one_user_can_not_wait_in_the_place_of_all_others(tmp_path):
    async with running_issuer() as issuer:
        settings = {
            "auth": {"mode": "optional", "issuer": issuer.url, "audience": AUDIENCE},
            "following": {"interval": 0.1, "followers_per_user": 1},
        }
        site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))
        async with running_federation(tmp_path, site, settings=settings) as federation:

            async def wait_for_change(user):
                asked = await federation.post("/offersets", REFERENCE, headers=user)
                location = asked.headers["Location"]
                shown = await federation.get(location, headers=user)
                waits = {"If-None-Match": shown.headers["ETag"], "Prefer": "wait=2"}
                return await federation.get(location, headers={**user, **waits})

            ana, bob = issuer.bearer("ana"), issuer.bearer("bob")
            answers = await asyncio.gather(*map(wait_for_change, (ana, ana, bob)))
            statuses = [answer.status for answer in answers]
            assert sorted(statuses[:2]) == [304, 429]
            assert statuses[2] == 304
            refused = next(answer for answer in answers if answer.status == 429)
            assert refused.headers["Retry-After"]
            problem = await refused.json()
            assert problem["detail"] == "1 of your clients wait, which is the limit"
