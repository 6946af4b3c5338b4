"""Answers that come when nobody waits any more: taken in, or given back."""

import asyncio
from dataclasses import replace

import pytest

from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import (
    JSON,
    REQUEST,
    accept,
    ask,
    eventually,
    metric,
    outcomes,
    read,
)
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.running import running_federation
from tests.support.virtual_time import virtual_time

LATE = 0.6
QUICK = {
    "fan_out": {"deadline": 0.3, "shortest_wait": 0.1, "late_answers": 5},
    "releases": {"interval": 0.1},
}


@pytest.fixture
async def federation(tmp_path):
    good = SimulatedSite(name="good", offers=2)
    late = SimulatedSite(name="late", offers=2)
    async with running_federation(tmp_path, good, late, settings=QUICK) as running:
        running.sites["late"].script("request", replace(faults.late(0), hold=LATE))
        yield running


def nothing_reserved_at(site):
    async def check():
        return not site.open_reservations()

    return check


async def test_row_05_a_late_answer_joins_the_set_while_it_is_open(federation):
    heard = await ask(federation)
    assert len(heard.sessions) == 2
    shown = await read(federation, f"/offersets/{heard.uuid}")

    async def grown():
        again = await read(federation, f"/offersets/{heard.uuid}")
        return again if len(again.sessions) == 4 else None

    again = await eventually(grown)
    assert set(heard.sessions) < set(again.sessions)
    assert again.headers["ETag"] != shown.headers["ETag"]
    assert await outcomes(federation, heard.uuid) == {"good": "ok", "late": "ok"}
    joined = await metric(
        federation, "metabroker_late_answers_total", site="late", joined="true"
    )
    assert joined == 1
    first = next(s for s in again.sessions if s in federation.sites["late"].sessions)
    assert (await accept(federation, first)).phase in {"ACCEPTED", "WAITING"}


async def test_row_05_a_late_answer_is_released_once_an_offer_was_accepted(federation):
    late = federation.sites["late"]
    heard = await ask(federation)
    taken = await accept(federation, heard.sessions[0])
    assert taken.phase == "ACCEPTED"

    async def came():
        return late.sessions

    await eventually(came)
    await eventually(nothing_reserved_at(late))
    again = await read(federation, f"/offersets/{heard.uuid}")
    assert set(again.sessions) == set(heard.sessions)
    assert late.accepted == ()
    assert await outcomes(federation, heard.uuid) == {"good": "ok", "late": "cancelled"}
    said = [one["message"] for one in again.document["meta"]["messages"]]
    assert said == ["late was no longer waited for"]
    released = await metric(
        federation, "metabroker_late_answers_total", site="late", joined="false"
    )
    assert released == 1


@virtual_time
async def test_row_05_answers_join_exactly_until_the_late_answers_end():
    federation = InProcessFederation()
    federation.add("good")
    federation.add("last", delay=2 + 59.9)
    federation.add("too late", delay=2 + 60.1)
    async with federation.running():
        offer_set = await federation.ask(wait=2.0)
        await asyncio.sleep(61)
        grown = federation.store.sets[offer_set.uuid]
    assert {offer.site for offer in grown.offers} == {"good", "last"}
    assert {a.site: a.outcome for a in grown.answers}["too late"] == "timeout"


async def test_row_33_what_a_client_that_went_away_reserved_is_given_back(federation):
    good, late = federation.sites["good"], federation.sites["late"]
    asking = asyncio.create_task(
        federation.post("/requests", REQUEST, headers={**JSON, "Prefer": "wait=60"})
    )

    async def reserved():
        return good.open_reservations() and late.open_reservations()

    await eventually(reserved)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await eventually(nothing_reserved_at(good))
    await eventually(nothing_reserved_at(late))
    assert await metric(federation, "metabroker_fanouts_inflight") == 0


@virtual_time
async def test_row_33_the_calls_of_a_client_that_went_away_end_with_the_late_answers():
    federation = InProcessFederation()
    federation.add("good", delay=0.1)
    federation.add("slow", delay=30)
    federation.add("mute", delay=10_000)
    async with federation.running():
        asking = asyncio.create_task(federation.ask(wait=5.0))
        await asyncio.sleep(1)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.sleep(70)
        await federation.releasing.work_off()
        assert federation.calls.open_calls("mute") == 0
    for name in ("good", "slow"):
        assert federation.brokers[name].phases[session_uuid(name)] == "REJECTED"
