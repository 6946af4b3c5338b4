"""How the dialect of a site is found out, remembered and doubted."""

import asyncio
import math
import time
from contextlib import asynccontextmanager

import orjson
import pytest

from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.sites import CredentialsMode, Site
from aggregator.domain.updates import phase_update
from site_adapters.base import CallLimits
from site_adapters.execution_broker import ExecutionBrokerAdapter
from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.raw_site import answers, http, raw_site
from tests.support.requests import a_request
from tests.support.site_calls import CLOCK, LIMITS, within

PROBE = b"{}"
TRIALS = (b'{"computer": {"type": "urn:none"}}', b'{"volumes": [{"kind": "urn:none"}]}')
ALWAYS = CallLimits(reprobe_after=0.0)
DIALECTS = ["2025-05", "2025-06", "2025-11", "2026-02", "2026-04", "2026-07"]


def adapter_for(url, session, limits=LIMITS, *, probing=True, **site):
    site = Site("here", url, **{"dialect": "auto", **site})
    return ExecutionBrokerAdapter(
        site, session, limits, clock=CLOCK, dialect_probe=probing
    )


@asynccontextmanager
async def simulated(session, *args, probing=True, configured=None, **behaviour):
    async with run(SimulatedSite(name="here", **behaviour)) as site:
        yield (
            site,
            adapter_for(site.url, session, *args, probing=probing, **configured or {}),
        )


def probes(site):
    return sum(call.body == PROBE for call in site.requests)


def submissions(site):
    return [
        call.path
        for call in site.requests
        if call.method == "POST" and call.body not in (PROBE, *TRIALS)
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_a_site_says_to_next_to_nothing_names_its_dialect(session, dialect):
    async with simulated(session, dialect=dialect) as (site, adapter):
        preparation = await adapter.prepare(within())

        assert preparation.outcome is Outcome.OK
        assert preparation.dialect == dialect
        assert site.sessions == {}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_request_is_made_in_the_dialect_that_was_found(session, dialect):
    async with simulated(session, dialect=dialect) as (site, adapter):
        answer = await adapter.request_offers(a_request(), within())
        preparation = await adapter.prepare(within())

        assert answer.outcome is Outcome.OK
        assert {o.site_session for o in answer.offers} == site.open_reservations()
        assert probes(site) == (2 if dialect < "2026-07" else 1)
        assert preparation.dialect == dialect


async def test_a_configured_dialect_is_never_probed(session):
    configured = {"dialect": "2026-04"}
    async with simulated(session, dialect="2026-07", configured=configured) as (
        site,
        adapter,
    ):
        preparation = await adapter.prepare(within())
        answer = await adapter.request_offers(a_request(), within())

        assert preparation.dialect == "2026-04"
        assert answer.outcome is Outcome.MISCONFIGURED
        assert probes(site) == 0


def test_an_unknown_dialect_is_refused_at_once(session):
    with pytest.raises(ValueError, match="unknown dialect '1999-01'"):
        adapter_for("http://127.0.0.1:1", session, dialect="1999-01")


async def test_without_probing_auto_begins_with_the_newest(session):
    async with simulated(session, dialect="2026-07", probing=False) as (site, adapter):
        preparation = await adapter.prepare(within())
        answer = await adapter.request_offers(a_request(), within())

        assert preparation.dialect == "2026-07"
        assert answer.outcome is Outcome.OK
        assert probes(site) == 0


async def test_requests_at_the_same_time_wait_for_one_probe(session):
    async with simulated(session, dialect="2026-07") as (site, adapter):
        answers = await asyncio.gather(
            *(adapter.request_offers(a_request(), within()) for _ in range(8))
        )

        assert {answer.outcome for answer in answers} == {Outcome.OK}
        assert probes(site) == 1


async def say_nothing(writer):
    await asyncio.Event().wait()


async def test_who_waits_for_a_probe_keeps_to_its_own_deadline(session):
    async with raw_site(say_nothing) as site:
        adapter = adapter_for(site.url, session)
        slow = asyncio.create_task(adapter.prepare(within()))
        await site.asked.wait()
        quick = await adapter.request_offers(a_request(), within(0.2))
        slow.cancel()
        await asyncio.wait([slow])

    assert quick.outcome is Outcome.TIMEOUT
    assert "dialect" in quick.detail
    assert len(site.requests) == 1


async def test_a_probe_that_is_cancelled_leaves_the_way_free(session):
    waiting = [say_nothing]

    async def script(writer):
        if waiting:
            await waiting.pop()(writer)
        writer.write(http(400))

    async with raw_site(script) as site:
        adapter = adapter_for(site.url, session)
        call = asyncio.create_task(adapter.prepare(within()))
        await site.asked.wait()
        call.cancel()
        await asyncio.wait([call])

        assert (await adapter.prepare(within())).dialect == "2026-07"


async def test_a_session_is_not_updated_in_a_dialect_that_nobody_knows(session):
    async with raw_site(answers(http(503))) as site:
        adapter = adapter_for(site.url, session)
        reading = await adapter.update_session(
            "1", phase_update(SessionPhase.ACCEPTED), within()
        )

    assert reading.outcome is Outcome.ERROR_5XX
    assert [request[:4] for request in site.requests] == [b"GET "]


async def test_a_site_that_was_down_is_probed_by_its_first_request(session):
    async with simulated(session, dialect="2026-04") as (site, adapter):
        await site.stop()
        preparation = await adapter.prepare(within())
        failed = await adapter.request_offers(a_request(), within())
        await site.start()
        answer = await adapter.request_offers(a_request(), within())

        assert preparation.outcome is failed.outcome is Outcome.CONNECT_ERROR
        assert "refused" in preparation.detail
        assert answer.outcome is Outcome.OK


async def test_a_site_that_wants_credentials_is_probed_with_the_clients(session):
    configured = {"credentials": CredentialsMode.RELAY}
    async with simulated(
        session, dialect="2026-07", requires_authorization=True, configured=configured
    ) as (_, adapter):
        preparation = await adapter.prepare(within())
        refused = await adapter.request_offers(a_request(), within())
        answer = await adapter.request_offers(
            a_request(), within(authorization="Bearer abc")
        )

        assert preparation.outcome is refused.outcome is Outcome.UNAUTHORIZED
        assert answer.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("before", "after"),
    [("2026-04", "2026-07"), ("2025-11", "2026-04"), ("2025-11", "2026-07")],
)
async def test_a_site_that_was_upgraded_is_spoken_to_anew(session, before, after):
    async with simulated(session, ALWAYS, dialect=before) as (site, adapter):
        await adapter.prepare(within())
        port = int(site.url.rpartition(":")[2])

    upgraded = SimulatedSite(name="here", dialect=after)
    async with run(upgraded, port=port) as site:
        answer = await adapter.request_offers(a_request(), within())

        assert answer.outcome is Outcome.OK
        assert {o.site_session for o in answer.offers} == site.open_reservations()
        assert len(submissions(site)) == 2


async def test_a_refusal_raises_doubts_only_now_and_then(session):
    async with simulated(session, dialect="2026-07") as (site, adapter):
        await adapter.prepare(within())
        site.script("request", faults.error(400), times=None)
        for _ in range(5):
            answer = await adapter.request_offers(a_request(), within())
            assert answer.outcome is Outcome.REFUSED_4XX

        assert probes(site) == 1


async def test_doubts_that_come_to_nothing_are_followed_ever_more_seldom(session):
    limits = CallLimits(reprobe_after=0.05, longest_reprobe=60.0)
    async with simulated(session, limits, dialect="2026-07") as (site, adapter):
        site.script("request", faults.error(400), times=None)
        began = time.monotonic()
        for _ in range(80):
            await adapter.request_offers(a_request(), within())
            await asyncio.sleep(0.02)
        doublings = math.log2((time.monotonic() - began) / 0.05)

        assert 3 <= probes(site) <= doublings + 3


async def test_a_doubt_that_is_not_confirmed_changes_nothing(session):
    async with simulated(session, ALWAYS, dialect="2026-07") as (site, adapter):
        await adapter.prepare(within())
        site.script("request", faults.error(422))
        answer = await adapter.request_offers(a_request(), within())

        assert answer.outcome is Outcome.REFUSED_4XX
        assert probes(site) == 2
        assert submissions(site) == ["/requests"]


async def test_an_answer_that_cannot_be_read_is_probed_before_the_next(session):
    async with simulated(session, ALWAYS, dialect="2026-07") as (site, adapter):
        await adapter.prepare(within())
        site.script("request", faults.wrong_types())
        garbled = await adapter.request_offers(a_request(), within())
        asked_then = probes(site)
        answer = await adapter.request_offers(a_request(), within())

        assert garbled.outcome is Outcome.BAD_PAYLOAD
        assert asked_then == 1
        assert probes(site) == 2
        assert answer.outcome is Outcome.OK


async def test_the_health_probe_never_probes_the_dialect(session):
    async with simulated(session, ALWAYS, dialect="2026-07") as (site, adapter):
        for _ in range(3):
            await adapter.probe(within())

        assert {call.method for call in site.requests} == {"GET"}


async def test_offers_that_nobody_asked_for_are_told_and_not_asked_for_again(session):
    async with simulated(session, ALWAYS, dialect="2026-07") as (site, adapter):
        made = await offers_of(session, dialect="2026-07")
        site.script("request", faults.raw(made))
        preparation = await adapter.prepare(within())
        site.script("request", faults.error(400))
        await adapter.request_offers(a_request(), within())

        assert preparation.outcome is Outcome.OK
        assert len(preparation.offers) == 4
        assert probes(site) == 1


async def test_offers_made_while_a_request_waits_are_its_surplus(session):
    async with simulated(session, ALWAYS, dialect="2026-07") as (site, adapter):
        made = await offers_of(session, dialect="2026-07")
        site.script("request", faults.raw(made))
        answer = await adapter.request_offers(a_request(), within())

        assert answer.outcome is Outcome.OK
        assert len(answer.surplus) == 4
        assert {o.site_session for o in answer.offers} == site.open_reservations()


async def offers_of(session, **behaviour):
    """Return the body by which a broker makes offers."""
    async with simulated(session, **behaviour) as (site, adapter):
        bodies = []

        def keep(document, _):
            bodies.append(document)
            return document

        site.script("request", faults.Fault(), times=1)
        site.script("request", faults.rewritten(keep))
        await adapter.request_offers(a_request(), within())
    return orjson.dumps(bodies[-1])


ROUTES = {
    "no route": ({}, Outcome.MISCONFIGURED, ""),
    "the new route": ({"/requests": http(400)}, Outcome.OK, "2026-07"),
    "the old route": ({"/offersets": http(400)}, Outcome.OK, "2026-04"),
    "empty 303": (
        {"/offersets": http(303, Location="/offersets/1")},
        Outcome.OK,
        "2026-04",
    ),
    "no offer set": (
        {"/requests": http(422, b'{"type": "about:blank"}')},
        Outcome.OK,
        "2026-07",
    ),
    "breaks on nothing": ({"/offersets": http(500)}, Outcome.OK, "2026-04"),
    "broken": (
        {"/requests": http(502), "/offersets": http(502)},
        Outcome.ERROR_5XX,
        "",
    ),
    "forbidden": ({"/requests": http(403)}, Outcome.FORBIDDEN, ""),
    "throttled": ({"/requests": http(429)}, Outcome.THROTTLED, ""),
    "old words by the new route": (
        {
            "/requests": http(
                303,
                b'{"type": "https://www.purl.org/ivoa.net/EB/schema/types/offerset/'
                b'offerset-response-1.0", "uuid": "1", "result": "NO"}',
            )
        },
        Outcome.OK,
        "2026-07",
    ),
}


@pytest.mark.parametrize(("routes", "outcome", "dialect"), ROUTES.values(), ids=ROUTES)
async def test_the_route_tells_where_the_words_do_not(
    session, routes, outcome, dialect
):
    async def script(writer):
        path = site.requests[-1].split(b" ")[1].decode()
        writer.write(routes.get(path, http(404)))

    async with raw_site(script) as site:
        preparation = await adapter_for(site.url, session).prepare(within())

    assert preparation.outcome is outcome
    assert preparation.dialect == dialect
    assert bool(preparation.detail) is (outcome is not Outcome.OK)
