"""Acceptances under faults: one winner, or an answer that says why not."""

import asyncio

import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import (
    accept,
    ask,
    eventually,
    metric,
    read,
    see,
    update,
)
from tests.support.running import running_federation

A = SimulatedSite(name="a", offers=2)
B = SimulatedSite(name="b", offers=2, first_start=600)
QUICK = {
    "acceptance": {
        "deadline": 2.0,
        "call": 0.5,
        "first_pause": 0.05,
        "longest_pause": 0.2,
    },
    "fan_out": {"deadline": 2.0, "shortest_wait": 0.2},
    "releases": {"interval": 0.1, "first_pause": 0.05},
}


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(tmp_path, A, B, settings=QUICK) as running:
        yield running


def updates(site):
    return [call for call in site.requests if call.path.startswith("/sessions/")]


def accepted(federation):
    return [s for site in federation.sites.values() for s in site.accepted]


def nothing_reserved(federation, *but):
    async def check():
        sites = federation.sites.values()
        return not any(site.open_reservations() for site in sites)

    return check


async def accepts(federation, outcome):
    return await metric(federation, "metabroker_accepts_total", outcome=outcome)


@pytest.mark.parametrize("how", ["expired", "forgotten"])
async def test_row_16_an_offer_that_vanished_is_refused_and_the_rest_is_left(
    federation, how
):
    heard = await ask(federation)
    gone, *others = heard.sessions
    site = federation.sites["a"]
    if how == "expired":
        site.move(gone, SessionPhase.EXPIRED)
    else:
        site.forget(gone)
    refused = await accept(federation, gone)
    assert refused.status == 409
    assert refused.document["type"].endswith(":offer-refused")
    assert "a did not take the acceptance" in refused.document["detail"]
    lenient = await update(federation, gone, "ACCEPTED")
    assert lenient.status == 200
    assert "urn:metabroker:offer-refused" in lenient.kinds
    left = await read(federation, f"/offersets/{heard.uuid}")
    shown = {o["meta"]["uuid"]: o["phase"] for o in left.document["offers"]}
    assert {shown[session] for session in others} == {"OFFERED"}
    assert (await accept(federation, others[0])).status == 200
    assert accepted(federation) == [others[0]]


async def test_row_16_the_next_best_is_taken_where_the_client_wishes_it(federation):
    heard = await ask(federation)
    federation.sites["a"].move(heard.sessions[0], SessionPhase.EXPIRED)
    taken = await accept(federation, heard.sessions[0], Prefer="failover")
    assert taken.status == 200
    assert accepted(federation) == [heard.sessions[1]]
    assert taken.document["meta"]["uuid"] == heard.sessions[1]


@pytest.mark.parametrize("hold", [0.0, 1.0])
async def test_row_17_a_lost_answer_is_found_out_by_reading(federation, hold):
    heard = await ask(federation)
    site = federation.sites["a"]
    site.script("update", faults.lost_answer(hold))
    taken = await accept(federation, heard.sessions[0])
    assert (taken.status, taken.phase) == (200, "ACCEPTED")
    assert accepted(federation) == [heard.sessions[0]]
    assert [call.method for call in updates(site)] == ["POST", "GET"]
    assert await accepts(federation, "ambiguous") == 1
    assert await accepts(federation, "reconciled_accepted") == 1
    await eventually(nothing_reserved(federation))


async def test_row_18_a_lost_request_is_sent_once_more(federation):
    heard = await ask(federation)
    site = federation.sites["a"]
    site.script("update", faults.lost_request())
    taken = await accept(federation, heard.sessions[0])
    assert (taken.status, taken.phase) == (200, "ACCEPTED")
    assert accepted(federation) == [heard.sessions[0]]
    assert [call.method for call in updates(site)] == ["POST", "GET", "POST"]


async def test_row_18_what_gets_through_after_the_refusal_is_given_back(federation):
    """The site forgets that the offer was rejected, and then takes it."""
    heard = await ask(federation)
    first, *_, last = heard.sessions
    site = federation.sites["a"]
    for fault in (faults.late(1.5), faults.ignored(), faults.ignored()):
        site.script("update", fault)
    refused = await accept(federation, first)
    assert (refused.status, site.accepted) == (409, ())
    assert (await accept(federation, last)).status == 200

    async def got_through():
        return site.accepted == (first,)

    async def given_back():
        return not site.taken

    await eventually(got_through)
    await eventually(given_back)
    assert federation.sites["b"].taken == {last}
    assert (await see(federation, first)).phase == "REJECTED"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_row_18_an_error_of_the_site_is_no_refusal(federation, status):
    heard = await ask(federation)
    federation.sites["a"].script("update", faults.error(status))
    assert (await accept(federation, heard.sessions[0])).status == 200
    assert accepted(federation) == [heard.sessions[0]]


async def test_row_18_while_nobody_knows_nothing_else_can_be_accepted(federation):
    heard = await ask(federation)
    first, *_, last = heard.sessions
    site = federation.sites["a"]
    site.script("update", faults.lost_answer())
    site.script("read", faults.error(503), times=None)
    pending = await accept(federation, first, Prefer="handling=strict, wait=1")
    assert pending.status == 503
    assert pending.document["type"].endswith(":accept-pending")
    assert pending.headers["Retry-After"]
    assert 0.9 < pending.seconds < 3
    refused = await accept(federation, last)
    assert refused.status == 409
    assert refused.document["type"].endswith(":sibling-accepted")
    assert updates(federation.sites["b"]) == []
    site.clear_script()
    assert (await accept(federation, first)).status == 200
    assert accepted(federation) == [first]


async def test_row_19_of_concurrent_accepts_of_siblings_one_wins(federation):
    for _ in range(5):
        heard = await ask(federation)
        answers = await asyncio.gather(
            *(accept(federation, session) for session in heard.sessions)
        )
        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
        (winner,) = (s for s in accepted(federation) if s in heard.sessions)
        statuses = dict(zip(heard.sessions, answers, strict=True))
        assert statuses[winner].status == 200
        phases = {s: (await see(federation, s)).phase for s in heard.sessions}
        assert phases.pop(winner) in {"ACCEPTED", "WAITING"}
        assert set(phases.values()) == {"REJECTED"}
    await eventually(nothing_reserved(federation))


async def test_row_19_of_concurrent_accepts_with_faults_one_wins(federation):
    losing = (faults.lost_answer(), faults.lost_request(), faults.error(500))
    for number in range(6):
        heard = await ask(federation)
        for site in federation.sites.values():
            site.script("update", losing[number % 3])
        answers = await asyncio.gather(
            *(accept(federation, session) for session in heard.sessions)
        )
        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
        assert sum(s in heard.sessions for s in accepted(federation)) == 1
        for site in federation.sites.values():
            site.clear_script()


async def test_row_19_a_refused_offer_does_not_answer_for_its_sibling(federation):
    """Both are accepted at once: the one is refused, the other gets its own answer."""
    for _ in range(10):
        heard = await ask(federation)
        first, last = heard.sessions[0], heard.sessions[-1]
        federation.sites["a"].move(first, SessionPhase.EXPIRED)
        one, other = await asyncio.gather(
            accept(federation, first), _until_decided(federation, last)
        )
        assert one.status == 409
        assert other.status == 200
        assert accepted(federation)[-1:] == [last]


async def _until_decided(federation, session):
    """Accept, again and again while a sibling is in the way."""
    while (heard := await accept(federation, session)).status == 409:
        assert heard.document["type"].endswith(":sibling-accepted")
    return heard
