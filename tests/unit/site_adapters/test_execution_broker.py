"""What the adapter makes of a broker's answers, beyond what every adapter promises."""

from dataclasses import replace

import orjson
import pytest
from structlog.testing import capture_logs

from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.sites import CredentialsMode, Site
from aggregator.domain.updates import Update
from site_adapters.answers import read_reading, written
from site_adapters.base import CallLimits
from site_adapters.execution_broker import ExecutionBrokerAdapter
from site_adapters.outcomes import Failure
from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.raw_site import answers, http, raw_site
from tests.support.requests import a_request
from tests.support.site_calls import CLOCK, LIMITS, FixedClock, within

UUID = "0c2f4f0a-5a5e-4b0e-9f0e-1d7a3c6b9e21"
TOKEN = "Bearer s3cr3t"


@pytest.fixture
async def site():
    async with run(SimulatedSite(name="here", dialect="2026-07")) as site:
        yield site


def adapter_for(url, session, limits=LIMITS, clock=CLOCK, **site):
    site = Site("here", url, dialect="2026-07", **site)
    return ExecutionBrokerAdapter(site, session, limits, clock=clock)


def first_offers(document, change):
    for offer in document["offers"][:1]:
        change(offer)
    return document


async def test_offers_beyond_the_limit_are_left_out_and_counted(session, site):
    adapter = adapter_for(site.url, session, CallLimits(offers=3))
    answer = await adapter.request_offers(a_request(), within())

    assert answer.outcome is Outcome.OK
    assert [offer.position for offer in answer.offers] == [0, 1, 2]
    assert answer.detail == "offers beyond the limit: 1"


async def test_an_offer_that_cannot_be_read_costs_only_itself(session, site):
    site.script(
        "request",
        faults.rewritten(lambda d, _: first_offers(d, lambda o: o.pop("meta"))),
    )
    answer = await adapter_for(site.url, session).request_offers(a_request(), within())

    assert answer.outcome is Outcome.OK
    assert [offer.position for offer in answer.offers] == [1, 2, 3]
    assert answer.detail == "offers that can't be read: 1"


@pytest.mark.parametrize("offers", [[], [{}], [None], "none"])
async def test_a_yes_without_offers_is_a_bad_payload(session, site, offers):
    site.script("request", faults.rewritten(lambda d, _: {**d, "offers": offers}))
    answer = await adapter_for(site.url, session).request_offers(a_request(), within())

    assert answer.outcome is Outcome.BAD_PAYLOAD
    assert answer.detail


async def test_a_no_without_messages_is_a_no(session, site):
    site.script("request", faults.raw(b'{"result": "NO"}'))
    answer = await adapter_for(site.url, session).request_offers(a_request(), within())

    assert answer.outcome is Outcome.NO_OFFER
    assert answer.messages == ()


async def test_a_session_is_known_by_its_uuid_in_any_case(session, site):
    adapter = adapter_for(site.url, session)
    answer = await adapter.request_offers(a_request(), within())
    uuid = answer.offers[0].site_session
    site.script("read", faults.given_uuid(uuid.upper()))

    assert (await adapter.read_session(uuid, within())).outcome is Outcome.OK


async def test_a_session_without_a_uuid_is_a_bad_payload(session, site):
    document = orjson.dumps({"kind": "x", "phase": "ACCEPTED", "meta": {}})
    site.script("read", faults.raw(document))
    reading = await adapter_for(site.url, session).read_session(UUID, within())

    assert reading.outcome is Outcome.BAD_PAYLOAD
    assert reading.phase is None


async def test_a_request_that_the_site_cannot_be_told_is_not_sent(session, site):
    request = a_request()
    beyond = {**request.payload, "x-number": 2**70}
    adapter = adapter_for(site.url, session)
    answer = await adapter.request_offers(replace(request, payload=beyond), within())

    assert answer.outcome is Outcome.INCAPABLE
    assert answer.detail
    assert list(site.requests) == []


async def test_an_update_that_the_site_cannot_be_told_is_not_sent(session, site):
    update = Update(None, {"kind": "uri:integer-value-update", "value": 2**70})
    adapter = adapter_for(site.url, session)
    reading = await adapter.update_session(UUID, update, within())

    assert reading.outcome is Outcome.INCAPABLE
    assert reading.detail
    assert list(site.requests) == []


async def test_a_probe_tells_version_and_clock_skew(session):
    answer = http(
        404, Date="Tue, 04 Aug 2026 10:02:00 GMT", Server="Broker/1.2", X_Version="7"
    )
    async with raw_site(answers(answer)) as site:
        clock = FixedClock()
        reading = await adapter_for(site.url, session, clock=clock).probe(within())

    assert reading.outcome is Outcome.OK
    assert reading.version == "7"
    assert 120 <= reading.clock_skew < 121.5
    assert site.requests[0].startswith(b"GET /offersets/")


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429])
async def test_any_answer_but_a_failure_of_the_site_means_up(session, status):
    answer = http(status, b"<html>", "text/html", Location="http://elsewhere.example/")
    async with raw_site(answers(answer)) as site:
        reading = await adapter_for(site.url, session).probe(within())

    assert reading.outcome is Outcome.OK
    assert reading.clock_skew is None


async def test_nothing_that_is_logged_or_told_has_the_token(session):
    body = orjson.dumps({"detail": f"bad credentials {TOKEN}"})
    async with raw_site(answers(http(500, body), http(200, b"[]"))) as site:
        adapter = adapter_for(site.url, session, credentials=CredentialsMode.RELAY)
        context = within(authorization=TOKEN)
        with capture_logs() as logs:
            answer = await adapter.request_offers(a_request(), context)
            reading = await adapter.read_session(UUID, context)

    assert [TOKEN.encode() in request for request in site.requests] == [True, True]
    assert "s3cr3t" not in f"{logs} {answer} {reading} {context}"


class Unspeakable:
    """A dialect whose code has a fault."""

    discriminator = "kind"

    def __getattr__(self, name):
        raise ZeroDivisionError


def test_a_fault_of_ours_costs_only_the_answer_and_is_logged():
    document = {"kind": "x", "phase": "OFFERED", "meta": {"uuid": UUID}}
    with capture_logs() as logs:
        reading = read_reading("here", UUID, document, Unspeakable())

    assert reading.outcome is Outcome.BAD_PAYLOAD
    assert logs == [
        {
            "event": "site_answer_unreadable",
            "log_level": "error",
            "site": "here",
            "error": "ZeroDivisionError",
        }
    ]


def test_a_document_that_cannot_be_written_is_a_failure():
    with capture_logs() as logs:
        failure = written("here", lambda: {"phase": SessionPhase})

    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.INCAPABLE
    assert logs[0]["error"] == "TypeError"
