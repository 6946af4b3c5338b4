"""What sites send that is not, or not quite, an offer set."""

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from aggregator import strict_yaml
from aggregator.domain.phases import SessionPhase
from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.conversation import (
    accept,
    ask,
    eventually,
    outcomes,
    read,
    see,
    site_reports,
    update,
)
from tests.support.raw_site import answers, http, raw_site
from tests.support.running import running_federation
from tests.support.site_answers import DIALECT, offer_set

GOOD = SimulatedSite(name="good")
BAD = SimulatedSite(name="bad")
SPOKEN = {"broker": {"dialect": DIALECT}}


async def through(directory, answer, **settings):
    """Ask a good site and one that gives ``answer``; return what was heard of both."""
    async with (
        raw_site(answers(answer)) as site,
        running_federation(
            directory,
            GOOD,
            elsewhere={"bad": site.url},
            entries={"bad": SPOKEN},
            settings=settings,
        ) as federation,
    ):
        heard = await ask(federation)
        assert heard.status == 303
        shown = await read(federation, f"/offersets/{heard.uuid}")
        assert (shown.status, shown.sessions) == (200, heard.sessions)
        return heard, (await outcomes(federation, heard.uuid))["bad"]


def as_json(document):
    return json.dumps(document).encode()


def doubled(text):
    """Say one member twice."""
    return text.replace(b'"result"', b'"result": "NO", "result"', 1)


BODIES = {
    "cut off": (lambda d: as_json(d)[:-20], "application/json", "bad_payload"),
    "a page": (lambda _: b"<!DOCTYPE html><p>Welcome", "text/html", "bad_payload"),
    "empty": (lambda _: b"", "application/json", "bad_payload"),
    "a list": (lambda d: as_json([d]), "application/json", "bad_payload"),
    "a number": (lambda _: b"5", "application/json", "bad_payload"),
    "XML": (lambda _: b"<offers/>", "application/xml", "bad_payload"),
    "bytes": (lambda _: b"\xff\xfe\x00", "application/json", "bad_payload"),
    "nothing of ours": (lambda _: b'{"a": 1}', "application/json", "bad_payload"),
    "of no type": (as_json, "", "ok"),
    "of a wrong type": (as_json, "text/plain", "ok"),
    "with a BOM": (
        lambda d: b"\xef\xbb\xbf" + as_json(d),
        "application/json; charset=utf-8",
        "ok",
    ),
    "YAML": (strict_yaml.dump, "application/yaml", "ok"),
    "with a member twice": (lambda d: doubled(as_json(d)), "application/json", "ok"),
    "with NaN": (
        lambda d: as_json({**d, "x": float("nan")}),
        "application/json",
        "bad_payload",
    ),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_row_10_odd_bodies_are_decoded_or_said_to_be_bad(tmp_path, kind):
    write, content_type, outcome = BODIES[kind]
    body = write(await offer_set())
    heard, found = await through(tmp_path, http(200, body, content_type))
    assert found == outcome
    assert len(heard.sessions) == (6 if outcome == "ok" else 4)


async def test_row_10_an_accepted_session_survives_odd_answers(tmp_path):
    async with running_federation(tmp_path, BAD) as federation:
        bad = federation.sites["bad"]
        session = (await ask(federation)).sessions[0]
        assert (await accept(federation, session)).status == 200
        for fault in (faults.truncated(), faults.html(), faults.raw(b"[]")):
            bad.script("read", fault)
            seen = await see(federation, session)
            assert seen.status == 200
            assert "urn:metabroker:status-stale" in seen.kinds


def nested(levels):
    return (
        b'{"result": "YES", "offers": [], "x": ' + b"[" * levels + b"]" * levels + b"}"
    )


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n + 1, n + 1, b", ".join([b"*%c" % n] * 9))
    for n in range(ord("a"), ord("k"))
)
HUGE = 2**30
CAP = 2**20


async def pour(writer):
    """Send a gigabyte, as long as anybody reads it."""
    writer.write(http(200, Content_Length=HUGE))
    for _ in range(HUGE // CAP):
        writer.write(b" " * CAP)
        await writer.drain()


@pytest.mark.parametrize(
    ("body", "content_type", "outcome"),
    [
        pytest.param(BOMB, "application/yaml", "bad_payload", id="aliases"),
        pytest.param(nested(10_000), "application/json", "bad_payload", id="deep"),
        pytest.param(
            b"a: " + b"[" * 10_000, "application/yaml", "bad_payload", id="deep YAML"
        ),
        pytest.param(
            b'{"result": "YES", "offers": [' + b"{}," * 100_000 + b"{}]}",
            "application/json",
            "bad_payload",
            id="a hundred thousand offers of nothing",
        ),
        pytest.param(
            b'{"x": "' + b"x" * CAP + b'"}', "application/json", "too_large", id="large"
        ),
    ],
)
async def test_row_11_what_is_made_to_exhaust_us_is_refused(
    tmp_path, body, content_type, outcome
):
    bodies = {"max_site_bytes": CAP}
    answer = http(200, body, content_type)
    heard, found = await through(tmp_path, answer, bodies=bodies)
    assert found == outcome
    assert len(heard.sessions) == 4
    assert heard.seconds < 1.5


async def test_row_11_a_gigabyte_is_not_read(tmp_path):
    async with (
        raw_site(pour) as site,
        running_federation(
            tmp_path,
            GOOD,
            elsewhere={"bad": site.url},
            entries={"bad": SPOKEN},
            settings={"bodies": {"max_site_bytes": CAP}},
        ) as federation,
    ):
        tracemalloc.start()
        heard = await ask(federation)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (await outcomes(federation, heard.uuid))["bad"] == "too_large"
        assert len(heard.sessions) == 4
        assert peak < 16 * CAP


async def test_row_11_more_offers_than_are_read_are_left_out_and_said(tmp_path):
    limits = {"fan_out": {"offers": 3}}
    async with running_federation(tmp_path, GOOD, settings=limits) as federation:
        heard = await ask(federation)
        assert len(heard.sessions) == 3
        sites = (await read(federation, f"/offersets/{heard.uuid}/sites")).document
        assert sites["sites"][0]["detail"] == "offers beyond the limit: 1"


def of_the_future(document, words):
    """Add what a later version of the protocol may have."""
    for session in document["offers"]:
        session["mood"] = {"kind": "https://example.org/mood.yaml", "colour": "blue"}
        session["executable"]["kind"] = "https://example.org/executable/quantum.yaml"
    return document


def without(*members):
    def rewrite(document, words):
        for session in document["offers"]:
            for member in members:
                session.pop(member, None)
        return document

    return faults.rewritten(rewrite)


@pytest.fixture
async def federation(tmp_path):
    bad = replace(BAD, dialect="2026-07")
    async with running_federation(tmp_path, GOOD, bad) as running:
        yield running


async def test_row_12_what_is_not_known_passes_through(federation):
    federation.sites["bad"].script("request", faults.rewritten(of_the_future))
    heard = await ask(federation)
    offers = [o for o in heard.document["offers"] if "mood" in o]
    assert len(offers) == 4
    for offer in offers:
        assert offer["mood"]["colour"] == "blue"
        assert offer["executable"]["kind"].endswith("/quantum.yaml")


@pytest.mark.parametrize(
    "fault", [faults.no_schedule(), without("schedule"), without("expires")]
)
async def test_row_12_what_an_offer_does_not_say_costs_rank_and_not_the_offer(
    federation, fault
):
    bad = federation.sites["bad"]
    bad.script("request", fault)
    heard = await ask(federation)
    assert len(heard.sessions) == 8
    ranking = (await read(federation, f"/offersets/{heard.uuid}/ranking")).document
    assert len(ranking["offers"]) == 8
    session = next(s for s in heard.sessions if s in bad.sessions)
    assert (await accept(federation, session)).status == 200
    assert bad.accepted == (session,)


async def test_row_13_one_site_says_one_uuid_twice(federation):
    federation.sites["bad"].script("request", faults.duplicate_uuids())
    heard = await ask(federation)
    assert len(heard.sessions) == len(set(heard.sessions)) == 5


async def test_row_13_two_sites_say_one_uuid(federation):
    good, bad = federation.sites["good"], federation.sites["bad"]
    first = (await ask(federation)).sessions
    theirs = next(s for s in first if s in good.sessions)
    bad.script("request", faults.given_uuid(theirs))
    second = await ask(federation)
    assert len(second.sessions) == 8
    assert theirs not in second.sessions
    assert (await accept(federation, theirs)).status == 200
    assert (good.accepted, bad.accepted) == ((theirs,), ())


async def test_row_13_one_site_says_one_uuid_to_two_requests(federation):
    """Who got the reservation first keeps it: the second can't end it, nor see it."""
    good = federation.sites["good"]
    first = await ask(federation)
    theirs = next(s for s in first.sessions if s in good.sessions)
    assert (await accept(federation, theirs)).status == 200
    good.script("request", faults.given_uuid(theirs))
    second = await ask(federation)
    assert len(second.sessions) == 7
    good.script("request", faults.given_uuid(theirs))
    assert len((await ask(federation)).sessions) == 7
    for session in second.sessions:
        await update(federation, session, "CANCELLED")
    assert good.accepted == (theirs,)


async def test_row_14_one_site_reached_twice_is_shown_once(tmp_path):
    (tmp_path / "near").mkdir()
    async with running_federation(tmp_path / "near", GOOD) as near:
        metabroker = {"kind": "metabroker", "dialect": "2026-07"}
        async with running_federation(
            tmp_path,
            elsewhere={"good": near.sites["good"].url, "near": near.url},
            entries={"near": {"broker": metabroker}},
        ) as far:
            heard = await ask(far)
            assert len(heard.sessions) == len(set(heard.sessions)) == 8
            assert await outcomes(far, heard.uuid) == {"good": "ok", "near": "ok"}


async def test_row_14_the_same_offers_by_two_ways_are_shown_once(tmp_path):
    body = as_json(await offer_set())
    metabroker = {"kind": "metabroker", "dialect": "2026-07"}
    async with (
        raw_site(answers(http(200, body))) as site,
        raw_site(answers(http(200, body))) as gateway,
        running_federation(
            tmp_path,
            elsewhere={"site": site.url, "gateway": gateway.url},
            entries={"site": SPOKEN, "gateway": {"broker": metabroker}},
        ) as federation,
    ):
        heard = await ask(federation)
        assert len(heard.sessions) == 2
        ranking = (await read(federation, f"/offersets/{heard.uuid}/ranking")).document
        assert {offer["site"] for offer in ranking["offers"]} == {"site"}


async def test_row_14_a_request_that_comes_back_is_refused(federation):
    first = await ask(federation)
    via = federation.sites["good"].requests[-1].headers["via"]
    again = await ask(federation, Via=f"1.1 elsewhere, {via}")
    assert first.status == 303
    assert (again.status, again.document["title"]) == (
        508,
        "The request came back to us",
    )


def starting(interval):
    def rewrite(document, words):
        for session in document["offers"]:
            session["compute"]["schedule"]["available"]["start"] = interval
        return document

    return faults.rewritten(rewrite)


def in_the_zone(hours):
    """Say the moment of expiry in another time zone."""

    def rewrite(document, words):
        for session in document["offers"]:
            moment = datetime.fromisoformat(session["expires"])
            zone = timezone(timedelta(hours=hours))
            session["expires"] = moment.astimezone(zone).isoformat()
        return document

    return faults.rewritten(rewrite)


async def ranked(federation, heard):
    path = f"/offersets/{heard.uuid}/ranking"
    return (await read(federation, path)).document


@pytest.mark.parametrize("seconds", [-1e8, -1, 1, 20])
async def test_row_15_offers_that_nobody_can_take_in_time_are_taken_out(
    federation, seconds
):
    bad = federation.sites["bad"]
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    bad.script("request", faults.expired(moment.isoformat()))
    heard = await ask(federation)
    assert len(heard.sessions) == 4
    assert not set(heard.sessions) & set(bad.sessions)
    assert "urn:metabroker:offers-filtered" in heard.kinds
    dropped = (await ranked(federation, heard))["dropped"]
    assert {one["filter"] for one in dropped} == {"expired"}
    assert all(one["reason"] for one in dropped)


@pytest.mark.parametrize(
    "fault",
    [
        starting("2001-01-01T00:00:00Z/PT0S"),
        starting("2099-01-01T00:00:00Z/2098-01-01T00:00:00Z"),
        starting("tomorrow"),
        starting(5),
        in_the_zone(9),
        in_the_zone(-11),
        faults.rewritten(lambda d, _: _with_expiry(d, "in a while")),
        faults.rewritten(lambda d, _: _with_expiry(d, "2099-01-01T00:00:00")),
    ],
)
async def test_row_15_odd_times_neither_hide_an_offer_nor_bend_the_order(
    federation, fault
):
    federation.sites["bad"].script("request", fault)
    heard = await ask(federation)
    assert len(heard.sessions) == 8
    ranks = (await ranked(federation, heard))["offers"]
    assert all(one["estimate"]["start_s"] >= 0 for one in ranks)
    assert (await accept(federation, heard.sessions[-1])).status == 200


def _with_expiry(document, text):
    for session in document["offers"]:
        session["expires"] = text
    return document


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_row_15_a_site_whose_clock_is_wrong(tmp_path, minutes):
    def clock():
        return datetime.now(UTC) + timedelta(minutes=minutes)

    async with (
        run(BAD, clock=clock) as bad,
        running_federation(tmp_path, GOOD, elsewhere={"bad": bad.url}) as federation,
    ):
        heard = await ask(federation)
        theirs = set(heard.sessions) & set(bad.sessions)
        if minutes > 0:
            assert len(theirs) == 4
            assert (await accept(federation, theirs.pop())).status == 200
        else:
            assert not theirs
            dropped = (await ranked(federation, heard))["dropped"]
            assert {one["filter"] for one in dropped} == {"expired"}


async def test_row_15_probes_tell_by_how_much_a_clock_is_wrong(tmp_path):
    async def ahead(writer):
        date = datetime.now(UTC) + timedelta(minutes=10)
        writer.write(http(404, Date=format_datetime(date, usegmt=True)))

    probes = {"health": {"probes": True, "interval": 0.1}}
    async with (
        raw_site(ahead) as site,
        running_federation(
            tmp_path, elsewhere={"bad": site.url}, settings=probes
        ) as federation,
    ):

        async def skew():
            return (await site_reports(federation))["bad"]["clock_skew"]

        assert await eventually(skew) == pytest.approx(600, abs=5)


@pytest.mark.parametrize("dialect", ["2025-05", "2025-11", "2026-02", "2026-07"])
async def test_row_37_a_site_of_any_version_is_found_out_and_understood(
    tmp_path, dialect
):
    site = SimulatedSite(name="any", dialect=dialect)
    async with running_federation(
        tmp_path, site, entries={"any": {"broker": {"dialect": "auto"}}}
    ) as federation:
        heard = await ask(federation)
        assert len(heard.sessions) == 4
        session = heard.sessions[0]
        assert (await accept(federation, session)).phase == "ACCEPTED"
        federation.sites["any"].move(session, SessionPhase.AVAILABLE)
        assert (await see(federation, session)).phase == "AVAILABLE"
        assert not federation.sites["any"].open_reservations()
