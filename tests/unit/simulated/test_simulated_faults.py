import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import Operation, faults
from tests.support.simulated_dialogue import DIALECTS


async def asked(client):
    """Ask for offers once, whatever comes."""
    async with await client.post(client.says.path, client.says.request()) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_a_status_with_headers_comes_instead_of_offers(simulate):
    client = await simulate("2026-07")
    client.running.script("request", faults.error(503, {"Retry-After": "7"}))

    status, headers, _ = await asked(client)

    assert (status, headers["Retry-After"]) == (503, "7")
    assert not client.running.sessions
    assert (await asked(client))[0] == 303


async def test_faults_come_in_order_and_as_often_as_scripted(simulate):
    client = await simulate("2026-07")
    client.running.script(Operation.REQUEST, faults.error(500), times=2)
    client.running.script(Operation.REQUEST, faults.error(429), times=None)

    statuses = [(await asked(client))[0] for _ in range(5)]
    client.running.clear_script()

    assert statuses == [500, 500, 429, 429, 429]
    assert (await asked(client))[0] == 303


async def test_other_operations_go_on(simulate):
    client = await simulate("2026-07")
    client.running.script("update", faults.error(500))
    uuid = (await client.offers())[0]["meta"]["uuid"]

    assert (await client.read(uuid))["phase"] == "OFFERED"
    async with await client.post(
        f"/sessions/{uuid}", client.says.update("ACCEPTED")
    ) as answer:
        assert answer.status == 500
    assert client.running.sessions[uuid] is SessionPhase.OFFERED


@pytest.mark.parametrize(
    ("fault", "committed"),
    [(faults.lost_request(), False), (faults.lost_answer(), True)],
)
async def test_an_acceptance_can_be_lost_before_or_after_it_counts(
    simulate, fault, committed
):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    client.running.script("update", fault)

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(f"/sessions/{uuid}", client.says.update("ACCEPTED"))

    phase = (await client.read(uuid))["phase"]
    assert phase == ("ACCEPTED" if committed else "OFFERED")
    assert client.running.accepted == ((uuid,) if committed else ())


async def test_an_update_can_be_ignored(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    client.running.script("update", faults.ignored())

    assert (await client.update(uuid, "ACCEPTED"))["phase"] == "OFFERED"
    assert (await client.update(uuid, "ACCEPTED"))["phase"] == "ACCEPTED"


async def test_a_late_answer_still_reserves(simulate):
    client = await simulate("2026-07")
    client.running.script("request", replace(faults.late(0), hold=3600))

    with pytest.raises(TimeoutError):
        await client.http.post(
            client.running.url + "/requests",
            json=client.says.request(),
            timeout=aiohttp.ClientTimeout(total=0.3),
        )

    assert len(client.running.open_reservations()) == 4


async def test_a_late_broker_acts_late(simulate):
    client = await simulate("2026-07")
    client.running.script("request", faults.late(3600))

    with pytest.raises(TimeoutError):
        await client.http.post(
            client.running.url + "/requests",
            json=client.says.request(),
            timeout=aiohttp.ClientTimeout(total=0.1),
        )

    assert not client.running.open_reservations()


async def test_bodies_that_aren_t_json(simulate):
    client = await simulate("2026-07")
    for fault in (
        faults.html(),
        faults.truncated(),
        faults.raw(b"\xff\xfe"),
        faults.garbage(),
    ):
        client.running.script("request", fault)
    page, half, noise, odd = [await asked(client) for _ in range(4)]

    assert page[0] == 200
    assert page[1]["Content-Type"] == "text/html"
    assert page[2].startswith(b"<!DOCTYPE html>")
    assert half[0] == 303
    with pytest.raises(json.JSONDecodeError):
        json.loads(half[2])
    assert noise[2] == b"\xff\xfe"
    assert odd[1]["Content-Type"] == "application/x-garbage"


async def test_a_huge_body_is_sent_without_being_held(simulate):
    client = await simulate("2026-07")
    client.running.script("request", faults.huge(3 * 2**20 + 5))

    status, _, body = await asked(client)

    assert status == 303
    assert len(body) > 3 * 2**20
    assert json.loads(body)["result"] == "YES"


async def test_a_connection_breaks_in_the_middle_of_the_body(simulate):
    client = await simulate("2026-07")
    client.running.script("request", faults.reset())

    async with await client.post("/requests", client.says.request()) as answer:
        assert answer.status == 303
        with pytest.raises(aiohttp.ClientError):
            await answer.read()


@pytest.mark.parametrize("fault", [faults.stalled(3600), faults.dripping(3600)])
async def test_a_body_stalls_or_drips(simulate, fault):
    client = await simulate("2026-07")
    client.running.script("request", fault)

    async with await client.post("/requests", client.says.request()) as answer:
        begun = await answer.content.readany()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await answer.content.readany()
    assert 0 < len(begun) < answer.content_length


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_documents_are_spoilt_in_every_dialect(simulate, dialect):
    client = await simulate(dialect)
    says, spoil = client.says, client.running.script
    other = "11111111-1111-4111-8111-111111111111"
    for fault in (
        faults.duplicate_uuids(),
        faults.given_uuid(other),
        faults.expired(),
        faults.hrefs_to("https://elsewhere.example:444"),
        faults.no_schedule(),
        faults.shown_phase("SNOOZING"),
        faults.wrong_types(),
    ):
        spoil("request", fault)
    documents = [json.loads((await asked(client))[2]) for _ in range(7)]
    twins, given, late, away, unplanned, odd, wrong = documents

    assert len({says.uuid(one) for one in twins["offers"]}) == 1
    assert says.uuid(given["offers"][0]) == other
    assert says.uuid(given["offers"][1]) != other
    assert {one["expires"] for one in late["offers"]} == {"2001-01-01T00:00:00Z"}
    assert says.url(away).startswith("https://elsewhere.example:444/offersets/")
    assert client.running.url not in json.dumps(away)
    assert '"schedule"' not in json.dumps(unplanned)
    assert {one["phase"] for one in odd["offers"]} == {"SNOOZING"}
    assert wrong["result"] == 1
    assert says.uuid(wrong["offers"][0]) == 5


async def test_a_read_session_is_spoilt_too(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    client.running.script("read", faults.shown_phase("RUNNING"))

    assert (await client.read(uuid))["phase"] == "RUNNING"
    assert (await client.read(uuid))["phase"] == "OFFERED"


async def test_redirects_lead_elsewhere_or_in_circles(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    client.running.script("request", faults.redirected("http://169.254.169.254/"))
    client.running.script("read", faults.redirected(f"/sessions/{uuid}", 307), None)

    status, headers, body = await asked(client)
    with pytest.raises(aiohttp.TooManyRedirects):
        await client.http.get(f"{client.running.url}/sessions/{uuid}")

    assert (status, headers["Location"], body) == (303, "http://169.254.169.254/", b"")


async def test_anything_can_be_made_of_a_document(simulate):
    client = await simulate("2026-07")
    client.running.script(
        "request", faults.rewritten(lambda document, _: [document["result"]])
    )

    assert json.loads((await asked(client))[2]) == ["YES"]
