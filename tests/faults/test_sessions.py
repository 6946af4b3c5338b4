"""Sites that lose, forget or bend the sessions that users have."""

import pytest

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import accept, ask, metric, see, update
from tests.support.running import running_federation

SITE = SimulatedSite(name="here")


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(tmp_path, SITE) as running:
        yield running


@pytest.fixture
async def session(federation):
    session = (await ask(federation)).sessions[0]
    assert (await accept(federation, session)).phase == "ACCEPTED"
    return session


def warnings(heard):
    return {m["kind"]: m["message"] for m in heard.messages if m["level"] == "WARN"}


async def test_row_21_a_session_that_its_site_forgot_is_lost_there_and_known_here(
    federation, session
):
    site = federation.sites["here"]
    site.move(session, SessionPhase.RUNNING)
    assert (await see(federation, session)).phase == "RUNNING"
    await site.restart()
    seen = await see(federation, session)
    assert (seen.status, seen.phase) == (200, "RUNNING")
    told = warnings(seen)["urn:metabroker:session-lost-at-site"]
    assert "here no longer knows this session" in told
    assert " s ago" in told
    refused = await update(federation, session, "CANCELLED", Prefer="handling=strict")
    assert refused.status == 409
    assert refused.document["type"].endswith(":update-refused")


async def test_row_21_an_offer_that_its_site_forgot_can_not_be_accepted(federation):
    session = (await ask(federation)).sessions[0]
    await federation.sites["here"].restart()
    assert (await accept(federation, session)).status == 409
    assert (await see(federation, session)).status == 200


async def test_row_22_a_session_that_goes_backwards_is_shown_as_it_is(
    federation, session
):
    site = federation.sites["here"]
    seen = []
    for phase in ("RUNNING", "PREPARING", "RUNNING"):
        site.move(session, SessionPhase(phase))
        seen.append((await see(federation, session)).phase)
    assert seen == ["RUNNING", "PREPARING", "RUNNING"]
    counted = [
        await metric(federation, "metabroker_session_phases_total", phase=phase)
        for phase in ("PREPARING", "RUNNING")
    ]
    assert counted == [1, 2]


@pytest.mark.parametrize("phase", ["SNOOZING", "", 7, None])
async def test_row_22_a_phase_that_nobody_knows_harms_nobody(
    federation, session, phase
):
    site = federation.sites["here"]
    site.script("read", faults.shown_phase(phase))
    seen = await see(federation, session)
    assert (seen.status, seen.phase) == (200, "ACCEPTED")
    site.move(session, SessionPhase.RUNNING)
    assert (await see(federation, session)).phase == "RUNNING"


async def test_row_22_a_session_that_ended_stays_ended(federation, session):
    site = federation.sites["here"]
    site.move(session, SessionPhase.COMPLETED)
    assert (await see(federation, session)).phase == "COMPLETED"
    site.move(session, SessionPhase.RUNNING)
    assert (await see(federation, session)).phase == "COMPLETED"


@pytest.mark.parametrize(
    "fault",
    [None, faults.error(500), faults.html(), faults.truncated(), faults.reset()],
)
async def test_row_23_a_site_that_is_away_leaves_the_last_known_state_with_its_age(
    federation, session, fault
):
    site = federation.sites["here"]
    site.move(session, SessionPhase.RUNNING)
    await see(federation, session)
    if fault is None:
        await site.stop()
    else:
        site.script("read", fault)
    seen = await see(federation, session)
    assert (seen.status, seen.phase) == (200, "RUNNING")
    told = warnings(seen)["urn:metabroker:status-stale"]
    assert "here could not be asked" in told
    assert " s ago" in told
    await site.start()
    again = await see(federation, session)
    assert again.phase == "RUNNING"
    assert "urn:metabroker:status-stale" not in again.kinds


async def test_row_23_a_cancellation_is_done_only_when_its_site_says_so(
    federation, session
):
    site = federation.sites["here"]
    await site.stop()
    pending = await update(federation, session, "CANCELLED")
    assert pending.status == 503
    assert pending.document["type"].endswith(":site-unavailable")
    assert pending.headers["Retry-After"]
    assert (await see(federation, session)).phase == "ACCEPTED"
    await site.start()
    assert (await update(federation, session, "CANCELLED")).phase == "CANCELLED"
    assert (await see(federation, session)).phase == "CANCELLED"
