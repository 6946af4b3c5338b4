"""What every adapter promises: the ports ``SiteBroker`` and ``SiteProbe``."""

import asyncio
import time
from uuid import uuid4

import aiohttp
import pytest

from aggregator.domain.outcomes import NOT_ASKED, Outcome
from aggregator.domain.phases import TAKEN, SessionPhase
from aggregator.domain.updates import Update, phase_update
from site_adapters.simulated import faults
from tests.contract.backends import BACKENDS
from tests.support.leaks import assert_no_task_remains
from tests.support.requests import a_request
from tests.support.site_calls import within

SHORT = 0.2
SLACK = 10 * SHORT
LATE = faults.late(5.0)

REQUEST = a_request()
ACCEPT = phase_update(SessionPhase.ACCEPTED)
REJECT = phase_update(SessionPhase.REJECTED)
CANCEL = phase_update(SessionPhase.CANCELLED)


@pytest.fixture(autouse=True)
async def no_leaked_tasks():
    yield
    await assert_no_task_remains()


@pytest.fixture
async def session(no_leaked_tasks):
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield session


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def backend(request):
    return request.param


@pytest.fixture
async def pair(backend, session):
    async with backend.running(session) as pair:
        yield pair


@pytest.fixture
def adapter(pair):
    return pair.adapter


@pytest.fixture
def site(pair):
    return pair.site


@pytest.fixture
async def offer(adapter):
    answer = await adapter.request_offers(REQUEST, within())
    return answer.offers[0]


async def test_offers_are_the_sites_reservations(adapter, site):
    answer = await adapter.request_offers(REQUEST, within())

    assert answer.outcome is Outcome.OK
    assert answer.detail == ""
    assert answer.site == "here"
    assert answer.seconds > 0
    assert len(answer.offers) > 1
    assert {offer.site_session for offer in answer.offers} == site.open_reservations()
    assert answer.surplus == ()


async def test_an_offer_says_what_ranking_reads(adapter):
    answer = await adapter.request_offers(REQUEST, within())

    for position, offer in enumerate(answer.offers):
        assert offer.site == "here"
        assert offer.session == offer.site_session
        assert offer.position == position
        assert offer.start is not None
        assert offer.expires is not None
        assert offer.cores.min >= 2
        assert offer.payload["phase"] == "OFFERED"
        assert offer.payload["meta"]["uuid"] == offer.session


async def test_a_site_that_says_no_gives_its_reasons(adapter, site):
    site.behave(says_no="closed for the night")

    answer = await adapter.request_offers(REQUEST, within())

    assert answer.outcome is Outcome.NO_OFFER
    assert answer.offers == ()
    assert "closed for the night" in str(answer.messages)


async def test_requests_at_the_same_time_do_not_mix(adapter, site):
    answers = await asyncio.gather(
        *(adapter.request_offers(REQUEST, within()) for _ in range(10))
    )

    assert {answer.outcome for answer in answers} == {Outcome.OK}
    sessions = [offer.session for answer in answers for offer in answer.offers]
    assert len(sessions) == len(set(sessions))
    assert set(sessions) == site.open_reservations()


async def test_an_accepted_offer_is_taken(adapter, site, offer):
    reading = await adapter.update_session(offer.site_session, ACCEPT, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase in TAKEN
    assert reading.seconds > 0
    assert reading.payload["meta"]["uuid"] == offer.site_session
    assert site.accepted == (offer.site_session,)


async def test_a_rejected_offer_is_given_back(adapter, site, offer):
    reading = await adapter.update_session(offer.site_session, REJECT, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase is SessionPhase.REJECTED
    assert offer.site_session not in site.open_reservations()


async def test_an_accepted_session_can_be_cancelled(adapter, offer):
    await adapter.update_session(offer.site_session, ACCEPT, within())
    reading = await adapter.update_session(offer.site_session, CANCEL, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase is SessionPhase.CANCELLED


async def test_a_session_can_be_read(adapter, offer):
    reading = await adapter.read_session(offer.site_session, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase is SessionPhase.OFFERED
    assert reading.seconds > 0
    assert reading.payload["meta"]["uuid"] == offer.site_session
    assert "executable" in reading.payload


async def test_an_adapter_that_was_just_made_can_update_a_session(
    backend, session, site, offer
):
    just_made = backend.adapter_for(site, session)

    reading = await just_made.update_session(offer.site_session, ACCEPT, within())

    assert reading.phase in TAKEN
    assert site.accepted == (offer.site_session,)


async def test_the_phase_decides_not_the_status(adapter, site, offer):
    site.script("update", faults.ignored())

    reading = await adapter.update_session(offer.site_session, ACCEPT, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase is SessionPhase.OFFERED


async def test_a_phase_that_nobody_knows_is_none(adapter, site, offer):
    site.script("read", faults.shown_phase("DREAMING"))

    reading = await adapter.read_session(offer.site_session, within())

    assert reading.outcome is Outcome.OK
    assert reading.phase is None


async def test_an_update_of_something_else_is_passed_on(adapter, site, offer):
    update = Update(
        None, {"kind": "uri:integer-delta-update", "path": "/cores", "delta": 1}
    )

    reading = await adapter.update_session(offer.site_session, update, within())

    assert reading.outcome is Outcome.OK
    assert b"uri:integer-delta-update" in site.requests[-1].body


@pytest.mark.parametrize("uuid", [str(uuid4()), "no uuid", "..", "a/b?c#d", ""])
async def test_a_session_that_the_site_does_not_know(adapter, uuid):
    wanted = {Outcome.NOT_FOUND, Outcome.REFUSED_4XX, Outcome.MISCONFIGURED}

    read = await adapter.read_session(uuid, within())
    updated = await adapter.update_session(uuid, ACCEPT, within())

    assert {read.outcome, updated.outcome} <= wanted
    assert read.payload == updated.payload == {}


async def test_another_sites_uuid_is_a_bad_payload(adapter, site, offer):
    site.script("read", faults.given_uuid(str(uuid4())))
    site.script("update", faults.given_uuid(str(uuid4())))

    read = await adapter.read_session(offer.site_session, within())
    updated = await adapter.update_session(offer.site_session, ACCEPT, within())

    assert read.outcome is updated.outcome is Outcome.BAD_PAYLOAD
    assert read.payload == updated.payload == {}


IN_SEVEN_SECONDS = {"Retry-After": "7"}
FAILURES = {
    "500": (faults.error(500), Outcome.ERROR_5XX),
    "503": (faults.error(503, IN_SEVEN_SECONDS), Outcome.ERROR_5XX),
    "401": (faults.error(401), Outcome.UNAUTHORIZED),
    "403": (faults.error(403), Outcome.FORBIDDEN),
    "409": (faults.error(409), Outcome.REFUSED_4XX),
    "415": (faults.error(415), Outcome.MISCONFIGURED),
    "429": (faults.error(429, IN_SEVEN_SECONDS), Outcome.THROTTLED),
    "508": (faults.error(508), Outcome.LOOP),
    "lost request": (faults.lost_request(), Outcome.CONNECT_ERROR),
    "lost answer": (faults.lost_answer(), Outcome.CONNECT_ERROR),
    "html": (faults.html(), Outcome.BAD_PAYLOAD),
    "truncated": (faults.truncated(), Outcome.BAD_PAYLOAD),
    "reset": (faults.reset(), Outcome.BAD_PAYLOAD),
    "huge": (faults.huge(5 * 2**20), Outcome.TOO_LARGE),
    "wrong types": (faults.wrong_types(), Outcome.BAD_PAYLOAD),
    "list": (faults.raw(b"[]"), Outcome.BAD_PAYLOAD),
    "empty object": (faults.raw(b"{}"), Outcome.BAD_PAYLOAD),
    "deep": (faults.raw(b'{"a":' * 5000 + b"1" + b"}" * 5000), Outcome.BAD_PAYLOAD),
    "redirect": (faults.redirected("http://127.0.0.1:1/x"), Outcome.BAD_PAYLOAD),
}


async def test_every_failure_is_a_value(adapter, site, offer):
    for name, (fault, outcome) in FAILURES.items():
        site.clear_script()
        for operation in ("request", "read", "update"):
            site.script(operation, fault, times=None)

        answer = await adapter.request_offers(REQUEST, within())
        read = await adapter.read_session(offer.site_session, within())
        updated = await adapter.update_session(offer.site_session, ACCEPT, within())

        ends = [answer, read, updated]
        assert [end.outcome for end in ends] == [outcome] * 3, name
        assert all(end.detail for end in ends), name
        assert answer.offers == (), name
        wait = 7.0 if fault.headers == IN_SEVEN_SECONDS else None
        assert [end.retry_after for end in ends] == [wait] * 3, name


async def test_a_site_that_is_down_is_a_value(adapter, site, offer):
    await site.stop()

    answer = await adapter.request_offers(REQUEST, within())
    read = await adapter.read_session(offer.site_session, within())
    probed = await adapter.probe(within())

    outcomes = {answer.outcome, read.outcome, probed.outcome}
    assert outcomes == {Outcome.CONNECT_ERROR}


async def test_the_deadline_is_kept(adapter, site, offer):
    for operation in ("request", "read", "update"):
        site.script(operation, LATE)

    began = time.monotonic()
    ends = await asyncio.gather(
        adapter.request_offers(REQUEST, within(SHORT)),
        adapter.read_session(offer.site_session, within(SHORT)),
        adapter.update_session(offer.site_session, ACCEPT, within(SHORT)),
    )
    seconds = time.monotonic() - began

    assert {ended.outcome for ended in ends} == {Outcome.TIMEOUT}
    assert min(ended.seconds for ended in ends) >= SHORT * 0.5
    assert seconds < SLACK


async def test_nothing_is_sent_after_the_deadline(adapter, site, offer):
    before = len(site.requests)

    answer = await adapter.request_offers(REQUEST, within(-1))
    read = await adapter.read_session(offer.site_session, within(-1))
    updated = await adapter.update_session(offer.site_session, ACCEPT, within(-1))

    assert {answer.outcome, read.outcome, updated.outcome} == {Outcome.TIMEOUT}
    assert len(site.requests) == before


async def test_a_request_is_sent_once_whatever_happens(adapter, site, offer):
    submitted = [call.body for call in site.requests if call.method == "POST"]
    site.script("request", faults.lost_answer())

    await adapter.request_offers(REQUEST, within())

    again = [call.body for call in site.requests if call.method == "POST"]
    assert again == [*submitted, submitted[-1]]


async def test_cancellation_passes_through_and_leaves_the_adapter_usable(
    adapter, site, offer
):
    site.script("request", LATE)
    call = asyncio.create_task(adapter.request_offers(REQUEST, within()))
    _, waiting = await asyncio.wait([call], timeout=SHORT)
    assert waiting
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    answer = await adapter.request_offers(REQUEST, within())
    assert answer.outcome is Outcome.OK


async def test_a_probe_finds_the_site_up_and_changes_nothing(adapter, site):
    reading = await adapter.probe(within())

    assert reading.outcome is Outcome.OK
    assert reading.detail == ""
    assert reading.seconds > 0
    assert site.sessions == {}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (faults.error(500), Outcome.ERROR_5XX),
        (faults.lost_answer(), Outcome.CONNECT_ERROR),
        (faults.error(401), Outcome.OK),
        (LATE, Outcome.TIMEOUT),
    ],
)
async def test_a_probe_tells_a_site_that_fails(adapter, site, fault, outcome):
    site.script("read", fault, times=None)

    reading = await adapter.probe(within(SHORT))

    assert reading.outcome is outcome


async def test_preparing_reserves_nothing(adapter, site):
    preparation = await adapter.prepare(within())

    assert preparation.outcome is Outcome.OK
    assert preparation.offers == ()
    assert site.sessions == {}


async def test_no_call_says_that_it_was_not_made(adapter, site):
    """What is in ``NOT_ASKED`` would let others take silence for a refusal."""
    await site.stop()

    answer = await adapter.request_offers(REQUEST, within())

    assert answer.outcome not in NOT_ASKED
