"""What a client asks of its session: done, refused, or carried to its site."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.phases import TAKEN, SessionPhase
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import eventually
from tests.support.problems import problem_of
from tests.support.ranking import ROOT
from tests.support.running import running_federation
from tests.support.simulated_dialogue import DIALECTS, Dialogue

JSON = {"Content-Type": "application/json"}
STRICT = {"Prefer": "handling=strict"}
NEW = Dialogue("2026-07")
UNTAKEN = ("OFFERED", "REJECTED", "EXPIRED")


@pytest.fixture
async def federation(tmp_path):
    default = (ROOT / "config" / "ranking" / "default.yaml").read_text()
    hasty = tmp_path / "hasty.yaml"
    hasty.write_text(default.replace("min_validity_s: 30", "min_validity_s: 0"))
    async with running_federation(
        tmp_path,
        SimulatedSite(name="old", dialect="2025-11", offers=2),
        SimulatedSite(name="new", dialect="2026-07", offers=2),
        settings={"ranking": [str(hasty)]},
    ) as running:
        yield running


async def offers_of(federation, speaks=NEW):
    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    return [speaks.uuid(offer) for offer in (await response.json())["offers"]]


async def send(federation, uuid, document, **headers):
    return await federation.post(
        f"/sessions/{uuid}", json.dumps(document), headers={**JSON, **headers}
    )


async def move(federation, uuid, phase, **headers):
    return await send(federation, uuid, NEW.update(phase, "/phase"), **headers)


async def seen(federation, uuid):
    return await (await federation.get(f"/sessions/{uuid}")).json()


def owner_of(federation, uuid):
    return next(s for s in federation.sites.values() if uuid in s.sessions)


async def impossible(federation, uuid, phase, stays, kind):
    """Hold that an update is answered unchanged with a reason, and strictly 409."""
    before = await seen(federation, uuid)
    answered = await move(federation, uuid, phase)
    session = await answered.json()
    assert answered.status == 200
    assert session["phase"] == before["phase"]
    assert session["phase"] in stays
    errors = [m for m in session["meta"]["messages"] if m["level"] == "ERROR"]
    (message,) = errors
    assert message["kind"] == f"urn:metabroker:{kind}"
    problem = await problem_of(await move(federation, uuid, phase, **STRICT), 409)
    assert problem["type"] == f"urn:metabroker:problem:{kind}"
    assert problem["detail"] == message["message"]
    return session


async def test_accepting_twice_is_the_same_answer_and_one_acceptance(federation):
    uuid, *_ = await offers_of(federation)
    for headers in ({}, {}, STRICT):
        response = await move(federation, uuid, "ACCEPTED", **headers)
        session = await response.json()
        assert response.status == 200
        assert SessionPhase(session["phase"]) in TAKEN
        assert NEW.uuid(session) == uuid
    site = owner_of(federation, uuid)
    asked = [call for call in site.requests if b"ACCEPTED" in call.body]
    assert len(asked) == 1


async def test_siblings_of_the_accepted_offer_are_lost_everywhere(federation):
    uuids = await offers_of(federation)
    await move(federation, uuids[0], "ACCEPTED")
    for uuid in uuids[1:]:
        await impossible(federation, uuid, "ACCEPTED", UNTAKEN, "sibling-accepted")
        assert (await seen(federation, uuid))["phase"] == "REJECTED"
    taken = [uuid for site in federation.sites.values() for uuid in site.accepted]
    assert taken == [uuids[0]]

    async def released():
        return not any(s.open_reservations() for s in federation.sites.values())

    await eventually(released)


async def test_an_expired_offer_can_not_be_accepted(federation):
    soon = datetime.now(UTC) + timedelta(seconds=3)
    for site in federation.sites.values():
        site.script("request", faults.expired(soon.isoformat().replace("+00:00", "Z")))
    uuid, *_ = await offers_of(federation)

    async def has_expired():
        return (await seen(federation, uuid))["phase"] == "EXPIRED"

    await eventually(has_expired)
    await impossible(federation, uuid, "ACCEPTED", {"EXPIRED"}, "offer-expired")
    await impossible(federation, uuid, "REJECTED", {"EXPIRED"}, "illegal-transition")
    assert not any(site.accepted for site in federation.sites.values())


async def test_a_rejected_offer_stays_so_though_its_site_forgets(federation):
    uuid, other, *_ = await offers_of(federation)
    response = await move(federation, uuid, "REJECTED")
    assert (await response.json())["phase"] == "REJECTED"
    assert owner_of(federation, uuid).sessions[uuid] is SessionPhase.OFFERED
    assert (await seen(federation, uuid))["phase"] == "REJECTED"
    await impossible(federation, uuid, "ACCEPTED", {"REJECTED"}, "not-offered")
    await impossible(federation, uuid, "CANCELLED", {"REJECTED"}, "illegal-transition")
    accepted = await move(federation, other, "ACCEPTED", **STRICT)
    assert accepted.status == 200


async def test_a_cancelled_session_stays_so_though_its_site_forgets(federation):
    uuid, *_ = await offers_of(federation)
    await move(federation, uuid, "ACCEPTED")
    response = await move(federation, uuid, "CANCELLED", **STRICT)
    assert response.status == 200
    assert (await response.json())["phase"] == "CANCELLED"
    assert (await seen(federation, uuid))["phase"] == "CANCELLED"
    await impossible(federation, uuid, "ACCEPTED", {"CANCELLED"}, "not-offered")


@pytest.mark.parametrize(
    ("phase", "asked"),
    [
        ("COMPLETED", "CANCELLED"),
        ("COMPLETED", "FAILED"),
        ("RELEASING", "CANCELLED"),
        ("RUNNING", "REJECTED"),
        ("RUNNING", "COMPLETED"),
        ("RUNNING", "OFFERED"),
    ],
)
async def test_a_step_that_phases_do_not_allow(federation, phase, asked):
    uuid, *_ = await offers_of(federation)
    await move(federation, uuid, "ACCEPTED")
    owner_of(federation, uuid).move(uuid, SessionPhase(phase))
    await impossible(federation, uuid, asked, {phase}, "illegal-transition")


async def test_a_site_that_does_not_grant_a_rejection(federation):
    uuid, *_ = await offers_of(federation)
    owner_of(federation, uuid).script("update", faults.error(403), times=2)
    response = await move(federation, uuid, "REJECTED")
    session = await response.json()
    assert session["phase"] == "REJECTED"
    message = session["meta"]["messages"]
    assert "urn:metabroker:release-queued" in {m["kind"] for m in message}


async def test_a_site_that_refuses_a_cancellation(federation):
    uuid, *_ = await offers_of(federation)
    await move(federation, uuid, "ACCEPTED")
    owner_of(federation, uuid).script("update", faults.error(403), times=None)
    session = await impossible(federation, uuid, "CANCELLED", TAKEN, "update-refused")
    assert "403" in session["meta"]["messages"][-1]["message"]


OTHER_UPDATES = {
    "string": {"kind": "uri:string-value-update", "path": "/notes", "value": "hello"},
    "enum": {"kind": "uri:enum-value-update", "path": "/size", "value": "LARGE"},
    "integer": {
        "kind": "uri:integer-value-update",
        "path": "/compute/cores",
        "value": 2**62,
        "units": "cores",
    },
    "delta": {
        "kind": "uri:integer-delta-update",
        "path": "/compute/memory",
        "delta": -3,
        "units": "GiB",
    },
    "unknown": {"kind": "uri:matrix-update", "path": "/m", "value": [[1]], "x": {}},
}


@pytest.mark.parametrize("name", OTHER_UPDATES)
async def test_other_updates_are_carried_to_the_owner_in_its_dialect(federation, name):
    update = OTHER_UPDATES[name]
    spelt = {"type" if key == "kind" else key: update[key] for key in update}
    for uuid in await offers_of(federation):
        site = owner_of(federation, uuid)
        for form in (update, {"update": spelt}, spelt, {"update": update}):
            response = await send(federation, uuid, form)
            assert response.status == 200
            assert NEW.uuid(await response.json()) == uuid
            assert site.requests[-1].path == f"/sessions/{uuid}"
            sent = json.loads(site.requests[-1].body)
            assert sent == ({"update": spelt} if site.name == "old" else update)


async def test_an_update_that_its_site_ignores_is_said_to_have_changed_nothing(
    federation,
):
    uuid, *_ = await offers_of(federation)
    answered = await send(federation, uuid, OTHER_UPDATES["string"])
    said = (await answered.json())["meta"]["messages"]
    assert said[-1]["kind"] == "urn:metabroker:nothing-changed"
    assert said[-1]["level"] == "WARN"

    def noted(document, words):
        return {**document, "notes": "hello"}

    owner_of(federation, uuid).script("update", faults.rewritten(noted))
    answered = await send(federation, uuid, OTHER_UPDATES["string"])
    session = await answered.json()
    assert session["notes"] == "hello"
    kinds = {one["kind"] for one in session["meta"]["messages"]}
    assert "urn:metabroker:nothing-changed" not in kinds


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_options_are_shown_in_the_clients_dialect(federation, dialect):
    speaks = Dialogue(dialect)
    option = {
        "path": "/compute/cores",
        "min": 1,
        "max": 8,
        "units": "cores",
        "x-extension": [None],
    }

    def rewrite(document, words):
        for session in document["offers"]:
            about = words.identity(session)
            kind = {words.discriminator: "uri:integer-delta-option"}
            about["options"] = [{**kind, **option}]
        return document

    for site in federation.sites.values():
        site.script("request", faults.rewritten(rewrite))
    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    for offer in (await response.json())["offers"]:
        assert speaks.about(offer)["options"] == [
            {speaks.key: "uri:integer-delta-option", **option}
        ]


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_another_update_that_the_site_refuses(federation, status):
    uuid, *_ = await offers_of(federation)
    owner_of(federation, uuid).script("update", faults.error(status), times=2)
    response = await send(federation, uuid, OTHER_UPDATES["delta"])
    session = await response.json()
    assert response.status == 200
    assert session["phase"] == "OFFERED"
    assert session["meta"]["messages"][-1]["kind"] == "urn:metabroker:update-refused"
    response = await send(federation, uuid, OTHER_UPDATES["delta"], **STRICT)
    await problem_of(response, 409)


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("", "text/html"),
        ("", "application/json;dialect=1999-01"),
        ("?dialect=1999-01", "*/*"),
        ("?dialect=2025-11", "application/xml"),
    ],
)
@pytest.mark.parametrize("phase", ["ACCEPTED", "REJECTED"])
async def test_an_update_that_could_not_be_answered_is_not_made(
    federation, phase, query, accept
):
    uuid, *_ = await offers_of(federation)
    site = owner_of(federation, uuid)
    before = len(site.requests)
    response = await send(federation, uuid + query, NEW.update(phase), Accept=accept)
    await problem_of(response, 406)
    assert len(site.requests) == before
    assert uuid in site.open_reservations()


async def test_an_update_is_not_made_where_the_sets_dialect_has_no_xml(federation):
    old = Dialogue("2025-11")
    asked = await federation.post(old.path, json.dumps(old.request()), headers=JSON)
    uuid = old.uuid((await asked.json())["offers"][0])
    response = await send(
        federation, uuid, old.update("ACCEPTED"), Accept="application/xml"
    )
    await problem_of(response, 406)
    assert uuid in owner_of(federation, uuid).open_reservations()


async def test_another_update_that_is_not_confirmed(federation):
    uuid, *_ = await offers_of(federation)
    owner_of(federation, uuid).script("update", faults.error(503))
    response = await send(federation, uuid, OTHER_UPDATES["delta"])
    problem = await problem_of(response, 503)
    assert problem["type"].endswith(":site-unavailable")
    assert "Retry-After" in response.headers


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_update_may_be_of_any_dialect(federation, dialect):
    uuid, *_ = await offers_of(federation)
    response = await send(federation, uuid, Dialogue(dialect).update("ACCEPTED"))
    session = await response.json()
    assert session["kind"] == NEW.uris["session"]
    assert SessionPhase(session["phase"]) in TAKEN


async def test_an_update_may_be_yaml_at_a_path_with_a_slash(federation):
    uuid, *_ = await offers_of(federation)
    response = await federation.post(
        f"/sessions/{uuid.upper()}/",
        "update:\n  type: uri:enum-value-update\n  path: phase\n  value: ACCEPTED\n",
        headers={"Content-Type": "text/yaml"},
    )
    assert response.status == 200
    assert uuid in owner_of(federation, uuid).accepted


async def test_an_update_that_would_change_the_phase_unseen_never_reaches_a_site(
    federation,
):
    uuid, *_ = await offers_of(federation)
    before = len(owner_of(federation, uuid).requests)
    unseen = {"kind": "uri:string-value-update", "path": "/phase", "value": "ACCEPTED"}
    response = await federation.post(
        f"/sessions/{uuid}", json.dumps(unseen), headers=JSON
    )
    problem = await response.json()
    assert response.status == 422
    assert [fault["pointer"] for fault in problem["errors"]] == ["/kind"]
    assert len(owner_of(federation, uuid).requests) == before
    assert not any(site.accepted for site in federation.sites.values())


async def test_an_acceptance_of_an_older_family_is_one(federation):
    uuid, *_ = await offers_of(federation)
    family = "https://www.purl.org/ivoa.net/EB/schema/types/update"
    accept = {
        "type": f"{family}/enum-value-update-1.0",
        "path": "phase",
        "value": "ACCEPTED",
    }
    response = await federation.post(
        f"/sessions/{uuid}", json.dumps(accept), headers=JSON
    )
    assert (response.status, (await response.json())["phase"]) == (200, "ACCEPTED")
    assert owner_of(federation, uuid).accepted == (uuid,)
