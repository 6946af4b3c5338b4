"""Many clients at once: one winner, one call, one answer for all."""

import asyncio
import json

import pytest

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")


@pytest.fixture
async def federation(tmp_path):
    sites = [
        SimulatedSite(
            name=dialect, dialect=dialect, latency={"update": 0.05, "read": 0.05}
        )
        for dialect in ("2025-06", "2026-02", "2026-07")
    ]
    async with running_federation(
        tmp_path, *sites, settings={"status": {"freshness": 1.0}}
    ) as running:
        yield running


async def offers_of(federation):
    response = await federation.post(
        "/requests", json.dumps(NEW.request()), headers=JSON
    )
    return [NEW.uuid(offer) for offer in (await response.json())["offers"]]


async def move(federation, uuid, phase):
    response = await federation.post(
        f"/sessions/{uuid}",
        json.dumps(NEW.update(phase)),
        headers={**JSON, "Prefer": "handling=strict"},
    )
    return response.status, await response.json()


def calls(federation, part):
    return [
        call
        for site in federation.sites.values()
        for call in site.requests
        if part in call.body
    ]


async def test_of_siblings_accepted_at_once_one_wins(federation):
    offers = await offers_of(federation)
    answers = await asyncio.gather(*(move(federation, o, "ACCEPTED") for o in offers))
    won = [
        uuid for uuid, (status, _) in zip(offers, answers, strict=True) if status == 200
    ]
    assert len(won) == 1
    assert sorted(status for status, _ in answers) == [200] + [409] * (len(offers) - 1)
    accepted = [u for site in federation.sites.values() for u in site.accepted]
    assert accepted == won


async def test_one_offer_accepted_by_many_at_once_is_asked_for_once(federation):
    uuid, *_ = await offers_of(federation)
    answers = await asyncio.gather(
        *(move(federation, uuid, "ACCEPTED") for _ in range(9))
    )
    for status, session in answers:
        assert status == 200
        assert SessionPhase(session["phase"]) in TAKEN
    assert len(calls(federation, b"ACCEPTED")) == 1


async def test_an_offer_accepted_and_rejected_at_once_is_one_of_both(federation):
    for _ in range(3):
        uuid, *_ = await offers_of(federation)
        (taken, accepted), (refused, rejected) = await asyncio.gather(
            move(federation, uuid, "ACCEPTED"), move(federation, uuid, "REJECTED")
        )
        assert {taken, refused} <= {200, 409}
        shown = await (await federation.get(f"/sessions/{uuid}")).json()
        owner = next(s for s in federation.sites.values() if uuid in s.sessions)
        if shown["phase"] == "REJECTED":
            assert uuid not in owner.accepted
            assert rejected["phase"] == "REJECTED"
        else:
            assert SessionPhase(shown["phase"]) in TAKEN
            assert owner.accepted == (uuid,)
            assert SessionPhase(accepted["phase"]) in TAKEN
        await owner.restart()


async def test_a_thousand_watchers_cost_a_site_one_poll(federation):
    uuid, *_ = await offers_of(federation)
    owner = next(s for s in federation.sites.values() if uuid in s.sessions)
    before = len(owner.requests)

    async def watch():
        async with await federation.get(f"/sessions/{uuid}") as response:
            return (await response.json())["phase"]

    seen = await asyncio.gather(*(watch() for _ in range(200)))
    assert set(seen) == {"OFFERED"}
    assert len(owner.requests) == before + 1


async def test_an_update_is_seen_by_the_next_poll_though_answers_are_fresh(federation):
    uuid, *_ = await offers_of(federation)
    assert (await federation.get(f"/sessions/{uuid}")).status == 200
    await move(federation, uuid, "ACCEPTED")
    shown = await (await federation.get(f"/sessions/{uuid}")).json()
    assert SessionPhase(shown["phase"]) in TAKEN


async def test_an_accepted_set_shows_what_became_of_each_offer(federation):
    response = await federation.post(
        "/requests", json.dumps(NEW.request()), headers=JSON
    )
    offers = [NEW.uuid(offer) for offer in (await response.json())["offers"]]
    await move(federation, offers[1], "ACCEPTED")
    again = await (await federation.get(response.headers["Location"])).json()
    phases = {NEW.uuid(offer): offer["phase"] for offer in again["offers"]}
    assert list(phases) == offers
    assert SessionPhase(phases.pop(offers[1])) in TAKEN
    assert set(phases.values()) == {"REJECTED"}
    assert again["result"] == "YES"


async def test_many_requests_at_once_are_many_sets(federation):
    for site in federation.sites.values():
        site.script("request", faults.late(0.05), times=None)
    sets = await asyncio.gather(*(offers_of(federation) for _ in range(10)))
    uuids = [uuid for offers in sets for uuid in offers]
    assert len(uuids) == len(set(uuids)) == 120
