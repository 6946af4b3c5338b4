import aiohttp
import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import (
    RunningSite,
    SimulatedSite,
    build_application,
    run,
)
from tests.support.simulated_dialogue import Client, Dialogue, HandClock


async def test_a_site_that_is_down_refuses_connections(http):
    async with run(SimulatedSite(name="alpha", down=True)) as running:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(running.url)


async def test_a_site_can_stop_and_come_back_with_its_sessions(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    url = client.running.url

    await client.running.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get(f"/sessions/{uuid}")
    await client.running.start()

    assert client.running.url == url
    assert (await client.read(uuid))["phase"] == "OFFERED"


async def test_a_restart_forgets_everything(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]

    await client.running.restart()

    async with await client.get(f"/sessions/{uuid}") as answer:
        assert answer.status == 404


async def test_a_site_can_forget_a_session(simulate):
    client = await simulate("2026-07")
    document = await client.submit(client.says.request())
    first, second, *_ = [one["meta"]["uuid"] for one in document["offers"]]

    client.running.forget(first)

    async with await client.get(f"/sessions/{first}") as answer:
        assert answer.status == 404
    async with await client.get(f"/offersets/{document['meta']['uuid']}") as answer:
        assert (await answer.json())["offers"][0]["meta"]["uuid"] == second
    with pytest.raises(KeyError):
        client.running.forget(first)


async def test_a_session_can_be_moved_to_a_phase(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    seen = []
    for phase in (SessionPhase.EXPIRED, SessionPhase.RUNNING, SessionPhase.FAILED):
        client.running.move(uuid, phase)
        session = await client.read(uuid)
        seen.append((session["phase"], session["executable"]["phase"]))

    assert seen == [
        ("EXPIRED", "INITIALIZING"),
        ("RUNNING", "RUNNING"),
        ("FAILED", "FAILED"),
    ]
    with pytest.raises(KeyError):
        client.running.move("nothing", SessionPhase.FAILED)


async def test_reservations_are_open_until_taken_or_released(simulate):
    client = await simulate("2026-07")
    first = [one["meta"]["uuid"] for one in await client.offers()]
    second = [one["meta"]["uuid"] for one in await client.offers()]
    assert client.running.open_reservations() == {*first, *second}

    await client.update(first[2], "ACCEPTED")
    await client.update(second[0], "REJECTED")
    await client.update(second[1], "CANCELLED")

    assert client.running.open_reservations() == set(second[2:])


async def test_calls_are_recorded(simulate):
    client = await simulate("2026-07")
    headers = {"Via": "1.1 broker-a", "X-Request-Id": "r1"}
    async with await client.post("/requests", {}, headers=headers):
        pass
    async with await client.get("/nowhere?x=1"):
        pass

    first, second = client.running.requests
    assert (first.method, first.path, first.body) == ("POST", "/requests", b"{}")
    assert first.headers["via"] == "1.1 broker-a"
    assert (second.method, second.path) == ("GET", "/nowhere?x=1")
    assert "via" not in repr(first)


async def test_latency_is_by_operation(simulate):
    client = await simulate("2026-07", latency={"read": 3600})
    uuid = (await client.offers())[0]["meta"]["uuid"]
    await client.update(uuid, "ACCEPTED")

    with pytest.raises(TimeoutError):
        await client.http.get(
            f"{client.running.url}/sessions/{uuid}",
            timeout=aiohttp.ClientTimeout(total=0.1),
        )


async def test_a_share_of_the_calls_fails_and_always_the_same(http):
    async def statuses(seed):
        site = SimulatedSite(
            name="alpha", dialect="2026-07", failure_share=0.5, seed=seed
        )
        async with run(site) as running:
            client = Client(http, running, Dialogue("2026-07"))
            found = []
            for _ in range(40):
                async with await client.post("/requests", {}) as answer:
                    found.append(answer.status)
            return found

    first, again, other = await statuses(1), await statuses(1), await statuses(2)

    assert first == again != other
    assert 10 < first.count(500) < 30
    assert set(first) == {303, 500}


async def test_only_so_many_offer_sets_are_remembered(simulate):
    client = await simulate("2026-07", remembers=2)
    sets = [await client.submit(client.says.request()) for _ in range(3)]

    statuses = []
    for one in sets:
        async with await client.get(f"/offersets/{one['meta']['uuid']}") as answer:
            statuses.append(answer.status)

    assert statuses == [404, 200, 200]
    assert len(client.running.sessions) == 8


async def test_behaviour_can_change_while_a_site_runs(simulate):
    client = await simulate("2026-07")

    client.running.behave(says_no="Full", memory=1)

    document = await client.submit(client.says.request())
    assert document["result"] == "NO"


async def test_health_is_answered(simulate):
    client = await simulate("2026-07")

    async with await client.get("/actuator/health") as answer:
        assert await answer.json() == {"status": "UP"}


async def test_a_taken_port_is_an_error():
    async with run(SimulatedSite(name="alpha")) as running:
        port = int(running.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            RunningSite(SimulatedSite(name="beta"), "127.0.0.1", port, HandClock())


async def test_an_application_serves_without_a_runner_of_ours(aiohttp_client):
    client = await aiohttp_client(build_application(SimulatedSite(name="alpha")))

    async with client.post("/offersets", json={}, allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        ({"dialect": "2024-01"}, "no dialect '2024-01'"),
        ({"failure_share": 1.5}, "failure_share"),
        ({"time_scale": 0}, "time_scale"),
        ({"latency": {"requests": 1}}, "no operation requests"),
    ],
)
def test_a_site_that_makes_no_sense_is_refused(behaviour, complaint):
    with pytest.raises(ValueError, match=complaint):
        SimulatedSite(name="alpha", **behaviour)
