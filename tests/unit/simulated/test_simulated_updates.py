import pytest

from aggregator.domain.phases import SessionPhase
from tests.support.simulated_dialogue import DIALECTS, META_DIALECTS


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("path", ["phase", "/phase"])
async def test_accepting_an_offer_rejects_its_siblings(simulate, dialect, path):
    client = await simulate(dialect)
    uuids = [client.says.uuid(one) for one in await client.offers()]
    others = [client.says.uuid(one) for one in await client.offers()]

    accepted = await client.update(uuids[1], "ACCEPTED", path)

    assert accepted["phase"] == "ACCEPTED"
    assert client.says.uuid(accepted) == uuids[1]
    phases = [(await client.read(uuid))["phase"] for uuid in uuids]
    assert phases == ["REJECTED", "ACCEPTED", "REJECTED", "REJECTED"]
    assert (await client.read(others[0]))["phase"] == "OFFERED"


async def test_accepting_again_changes_nothing_and_a_sibling_stays_rejected(simulate):
    client = await simulate("2026-07")
    first, second, *_ = [one["meta"]["uuid"] for one in await client.offers()]
    await client.update(first, "ACCEPTED")

    again = await client.update(first, "ACCEPTED")
    sibling = await client.update(second, "ACCEPTED")

    assert again["phase"] == "ACCEPTED"
    assert sibling["phase"] == "REJECTED"
    assert "messages" not in sibling["meta"]


@pytest.mark.parametrize("phase", ["REJECTED", "CANCELLED", "FAILED"])
async def test_an_end_that_a_client_asks_for_is_shown_once_and_forgotten(
    simulate, phase
):
    client = await simulate("2026-04")
    uuid = (await client.offers())[0]["meta"]["uuid"]

    shown = await client.update(uuid, phase)

    assert shown["phase"] == phase
    assert (await client.read(uuid))["phase"] == "OFFERED"
    assert uuid not in client.running.open_reservations()


@pytest.mark.parametrize("phase", ["REJECTED", "CANCELLED", "FAILED"])
async def test_a_better_broker_remembers_the_end(simulate, phase):
    client = await simulate("2026-07", forgets_rejections=False)
    uuid = (await client.offers())[0]["meta"]["uuid"]

    await client.update(uuid, phase)

    assert (await client.read(uuid))["phase"] == phase
    assert (await client.update(uuid, "ACCEPTED"))["phase"] == phase


async def test_an_acceptance_after_a_forgotten_rejection_works(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    await client.update(uuid, "REJECTED")

    assert (await client.update(uuid, "ACCEPTED"))["phase"] == "ACCEPTED"
    assert (await client.read(uuid))["phase"] == "ACCEPTED"


@pytest.mark.parametrize("phase", ["REJECTED", "AVAILABLE", "COMPLETED", "EXPIRED"])
async def test_illegal_transitions_are_a_200_without_effect(simulate, phase):
    client = await simulate("2026-07", forgets_rejections=False)
    uuid = (await client.offers())[0]["meta"]["uuid"]
    await client.update(uuid, "ACCEPTED")

    session = await client.update(uuid, phase)

    assert session["phase"] == "ACCEPTED"
    assert "messages" not in session["meta"]


@pytest.mark.parametrize(
    "update",
    [
        {"kind": "uri:enum-value-update", "path": "phase", "value": "NO-PHASE"},
        {"kind": "uri:enum-value-update", "path": "/name", "value": "ACCEPTED"},
        {"kind": "uri:enum-value-update", "path": "phase"},
        {"kind": "uri:string-value-update", "path": "phase", "value": "ACCEPTED"},
        {"kind": "uri:integer-delta-update", "path": "/cores", "delta": 1},
    ],
)
async def test_updates_of_anything_else_are_a_200_without_effect(simulate, update):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]

    async with await client.post(f"/sessions/{uuid}", update) as answer:
        assert answer.status == 200
        assert (await answer.json())["phase"] == "OFFERED"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_update_in_the_other_wrapping_is_a_400(simulate, dialect):
    client = await simulate(dialect)
    uuid = client.says.uuid((await client.offers())[0])
    update = client.says.update("ACCEPTED")
    other = {"update": update} if dialect in META_DIALECTS else update["update"]

    async with await client.post(f"/sessions/{uuid}", other) as answer:
        assert answer.status == 400
    assert client.running.sessions[uuid] is SessionPhase.OFFERED


async def test_an_update_in_another_dialect_s_words_is_a_400(simulate):
    client = await simulate("2026-07")
    uuid = (await client.offers())[0]["meta"]["uuid"]
    update = {"type": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"}

    async with await client.post(f"/sessions/{uuid}", update) as answer:
        assert answer.status == 400


async def test_an_update_of_an_unknown_session_is_an_empty_404(simulate):
    client = await simulate("2026-07")
    path = "/sessions/00000000-0000-4000-8000-000000000000"

    async with await client.post(path, client.says.update("ACCEPTED")) as answer:
        assert (answer.status, await answer.read()) == (404, b"")


async def test_updates_in_yaml_are_read(simulate):
    client = await simulate("2026-02")
    uuid = (await client.offers())[0]["meta"]["uuid"]

    async with client.http.post(
        f"{client.running.url}/sessions/{uuid}",
        data="kind:  uri:enum-value-update\npath:  phase\nvalue: REJECTED\n",
        headers={"Content-Type": "application/yaml"},
    ) as answer:
        assert (await answer.json())["phase"] == "REJECTED"
