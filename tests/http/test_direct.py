"""One session at once: at the best site that takes it, and never at two."""

import json

import pytest

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import eventually
from tests.support.problems import problem_of
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")
HOUR = 3600
BRIEF = {"deadline": 3.0, "call": 0.5, "first_pause": 0.05, "longest_pause": 0.1}


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="third", dialect="2026-07", offers=1, first_start=9 * HOUR),
        SimulatedSite(name="best", dialect="2026-04", offers=1, first_start=60),
        SimulatedSite(name="second", dialect="2025-11", offers=1, first_start=4 * HOUR),
        settings={"acceptance": BRIEF},
    ) as running:
        yield running


def wanted(speaks=NEW):
    request = speaks.request()
    del request["data"], request["compute"]["volumes"]
    return request


async def direct(federation, speaks=NEW, path=None, **headers):
    return await federation.post(
        path or speaks.direct_path,
        json.dumps(wanted(speaks)),
        headers={**JSON, **headers},
    )


def accepted(federation):
    return {name for name, site in federation.sites.items() if site.accepted}


def refuses_to_act(site, phase):
    """Let a site act on no update, and say that its sessions are in ``phase``."""

    def rewrite(document, _):
        document["phase"] = phase
        return document

    fault = faults.Fault(ignores=True, rewrite=rewrite)
    site.script("update", fault, times=None)
    site.script("read", faults.rewritten(rewrite), times=None)


@pytest.mark.parametrize(
    ("speaks", "path"),
    [
        (NEW, "/direct"),
        (NEW, "/sessions"),
        (Dialogue("2026-04"), "/sessions"),
        (Dialogue("2026-04"), "/direct/"),
    ],
    ids=str,
)
async def test_the_best_offer_is_accepted_at_once(federation, speaks, path):
    response = await direct(federation, speaks, path)
    session = await response.json()
    assert response.status == 303
    assert response.headers["Location"] == speaks.url(session)
    assert session[speaks.key] == speaks.uris["session"]
    assert SessionPhase(session["phase"]) in TAKEN
    uuid = speaks.uuid(session)
    assert federation.sites["best"].accepted == (uuid,)
    followed = await federation.get(response.headers["Location"])
    assert followed.status == 200
    assert speaks.uuid(await followed.json()) == uuid

    async def released():
        return not any(site.open_reservations() for site in federation.sites.values())

    await eventually(released)
    assert accepted(federation) == {"best"}


@pytest.mark.parametrize("path", ["/direct", "/requests"])
async def test_both_kinds_of_client_get_the_same(federation, path):
    body = json.dumps(wanted())
    followed = await federation.client.post(
        federation.url + path, data=body, headers=JSON, allow_redirects=True
    )
    assert followed.status == 200
    assert followed.history[0].status == 303
    straight = await federation.post(path, body, headers=JSON)
    assert straight.status == 303
    one, other = await followed.json(), await straight.json()
    assert one.keys() == other.keys()
    assert one["kind"] == other["kind"]
    assert NEW.url(one) == str(followed.url)


@pytest.mark.parametrize("phase", ["EXPIRED", "REJECTED", "FAILED", "CANCELLED"])
async def test_a_definite_refusal_of_the_best_leads_to_the_next(federation, phase):
    refuses_to_act(federation.sites["best"], phase)
    response = await direct(federation)
    session = await response.json()
    assert response.status == 303
    assert accepted(federation) == {"second"}
    assert NEW.uuid(session) in federation.sites["second"].accepted
    message = session["meta"]["messages"][-1]
    assert message["level"] == "WARN"
    assert message["values"]["site"] == "best"
    assert phase in message["message"]


@pytest.mark.parametrize("status", [404, 400, 409, 422])
async def test_a_status_that_refuses_leads_to_the_next(federation, status):
    federation.sites["best"].script("update", faults.error(status), times=None)
    response = await direct(federation)
    assert response.status == 303
    assert accepted(federation) == {"second"}


async def test_an_offer_that_its_site_leaves_as_it_is_is_a_refusal(federation):
    federation.sites["best"].script("update", faults.ignored(), times=None)
    response = await direct(federation)
    assert response.status == 303
    assert accepted(federation) == {"second"}


async def test_where_nobody_takes_it_the_session_has_failed_with_all_reasons(
    federation,
):
    for site in federation.sites.values():
        refuses_to_act(site, "EXPIRED")
    response = await direct(federation)
    session = await response.json()
    assert response.status == 400
    assert session["kind"] == NEW.uris["session"]
    assert session["phase"] == "FAILED"
    assert session["executable"]["kind"] == NEW.uris["docker"]
    refused = {
        message["values"]["site"]
        for message in session["meta"]["messages"]
        if "did not take" in message["message"]
    }
    assert refused == set(federation.sites)
    assert accepted(federation) == set()


async def test_where_all_say_no_the_session_has_failed_with_all_reasons(federation):
    for name, site in federation.sites.items():
        site.behave(says_no=f"{name} is closed")
    response = await direct(federation)
    session = await response.json()
    assert response.status == 400
    assert session["phase"] == "FAILED"
    told = " ".join(m["message"] for m in session["meta"]["messages"])
    for name in federation.sites:
        assert f"{name} is closed" in told


async def test_no_answer_at_all_is_not_a_no(federation):
    for site in federation.sites.values():
        site.script("request", faults.error(500), times=None)
    problem = await problem_of(await direct(federation), 503)
    assert {site["site"] for site in problem["sites"]} == set(federation.sites)


AMBIGUOUS = {
    "lost answer": faults.lost_answer(),
    "lost request": faults.lost_request(),
    "server error": faults.error(500),
    "unavailable": faults.error(503),
    "html": faults.html(),
    "late": faults.late(1),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_a_site_that_does_not_say_is_never_followed_by_another(federation, name):
    best = federation.sites["best"]
    best.script("update", AMBIGUOUS[name], times=None)
    best.script("read", faults.error(503), times=None)
    response = await direct(federation)
    problem = await problem_of(response, 503)
    assert problem["type"].endswith(":accept-pending")
    assert problem["session"].startswith(f"{federation.url}/sessions/")
    assert "Retry-After" in response.headers
    assert accepted(federation) <= {"best"}
    asked = {
        name
        for name, site in federation.sites.items()
        for call in site.requests
        if call.method == "POST" and b"ACCEPTED" in call.body
    }
    assert asked == {"best"}
    best.clear_script()

    async def found_out():
        return accepted(federation)

    assert await eventually(found_out) == {"best"}


async def offers_of(federation):
    response = await federation.post("/requests", json.dumps(wanted()), headers=JSON)
    return [NEW.uuid(offer) for offer in (await response.json())["offers"]]


async def accept(federation, uuid, prefer):
    return await federation.post(
        f"/sessions/{uuid}",
        json.dumps(NEW.update("ACCEPTED")),
        headers={**JSON, "Prefer": prefer},
    )


async def test_with_failover_the_next_offer_is_accepted(federation):
    offers = await offers_of(federation)
    refuses_to_act(federation.sites["best"], "EXPIRED")
    response = await accept(federation, offers[0], "failover")
    session = await response.json()
    assert response.status == 200
    assert NEW.uuid(session) == offers[1]
    assert SessionPhase(session["phase"]) in TAKEN
    assert session["meta"]["messages"][-1]["values"]["session"] == offers[0]
    assert accepted(federation) == {"second"}


async def test_without_failover_no_other_offer_is_accepted(federation):
    offers = await offers_of(federation)
    refuses_to_act(federation.sites["best"], "EXPIRED")
    response = await accept(federation, offers[0], "respond-async")
    session = await response.json()
    assert NEW.uuid(session) == offers[0]
    assert session["phase"] == "EXPIRED"
    assert accepted(federation) == set()


async def test_failover_begins_at_the_offer_that_was_asked_for(federation):
    offers = await offers_of(federation)
    refuses_to_act(federation.sites["second"], "REJECTED")
    response = await accept(federation, offers[1], 'wait=5, failover="next"')
    assert NEW.uuid(await response.json()) == offers[2]
    assert accepted(federation) == {"third"}


@pytest.mark.parametrize("prefer", ["failover", "failover, handling=strict"])
async def test_failover_that_finds_nobody(federation, prefer):
    offers = await offers_of(federation)
    for site in federation.sites.values():
        refuses_to_act(site, "EXPIRED")
    response = await accept(federation, offers[0], prefer)
    if "strict" in prefer:
        problem = await problem_of(response, 409)
        assert problem["type"].endswith(":offer-refused")
    else:
        session = await response.json()
        assert response.status == 200
        assert NEW.uuid(session) == offers[0]
        assert session["meta"]["messages"][-1]["level"] == "ERROR"
    assert accepted(federation) == set()


async def test_failover_ends_once_a_sibling_has_won(federation):
    offers = await offers_of(federation)
    await accept(federation, offers[2], "handling=strict")
    response = await accept(federation, offers[0], "failover, handling=strict")
    problem = await problem_of(response, 409)
    assert "accepted" in problem["detail"]
    assert accepted(federation) == {"third"}
