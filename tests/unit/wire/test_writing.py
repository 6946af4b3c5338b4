import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import strict_yaml
from aggregator.domain.messages import Level, Message
from aggregator.domain.phases import SessionPhase
from aggregator.domain.views import OfferSetView, SessionView
from aggregator.wire.dialects import CANONICAL_KINDS, DIALECTS
from aggregator.wire.reading import read_request, read_site_offer_set, read_site_session
from aggregator.wire.writing import write_offer_set, write_session, write_site_request

DATA = Path(__file__).parents[2] / "data"
OUR_SET = "11111111-2222-4333-8444-555555555555"
OUR_SESSION = "11111111-2222-4333-8444-666666666666"
SITES_SESSION = "6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a10"
URL = "https://metabroker.example.org/eb/"
CREATED = datetime(2026, 8, 31, 12, 0, 1, tzinfo=UTC)
WHY = Message("urn:metabroker:rank", Level.INFO, "Rank {rank}", {"rank": "1"})
SCHEDULED = CANONICAL_KINDS["session/scheduled-execution-session"]
SIMPLE_COST = CANONICAL_KINDS["costs/simple-minmax-float-cost"]
ABSTRACT_COST = CANONICAL_KINDS["costs/abstract-cost-item"]
SIMPLE_METRIC = CANONICAL_KINDS["metrics/simple-minmax-float-metric"]
ABSTRACT_METRIC = CANONICAL_KINDS["metrics/abstract-metric-item"]

each_dialect = pytest.mark.parametrize("name", DIALECTS)


def golden(name, file):
    path = DATA / "dialects" / name / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def the_view(name="2026-07", **more):
    payload, residue, _ = read_site_session(golden(name, "session"), DIALECTS[name])
    return SessionView(OUR_SESSION, payload, residue, **more)


def shown(payload, name="2026-07", **more):
    return write_session(SessionView(OUR_SESSION, payload, **more), DIALECTS[name], URL)


def parts_of(session):
    body = {**session, **session.get("resources", {})}
    compute = body.get("compute", body.get("computer"))
    compute = compute[0] if isinstance(compute, list) else compute
    return body["executable"], compute, body["storage"][0], body["data"][0]


def meta_of(node):
    return node.get("meta", node)


def url_of(node):
    return meta_of(node).get("url", node.get("href"))


# Sessions


@each_dialect
def test_a_session_is_shown_as_its_site_gave_it_but_for_uuid_and_urls(name):
    expected = golden(name, "session")
    if DIALECTS[name].discriminator == "kind":
        expected["meta"] |= {"uuid": OUR_SESSION, "url": f"{URL}sessions/{OUR_SESSION}"}
    else:
        expected |= {"uuid": OUR_SESSION, "href": f"{URL}sessions/{OUR_SESSION}"}

    assert write_session(the_view(name), DIALECTS[name], URL) == expected


@each_dialect
@pytest.mark.parametrize("spoken_by_site", DIALECTS)
def test_a_session_is_shown_alike_whatever_its_site_speaks(name, spoken_by_site):
    one = write_session(the_view(spoken_by_site), DIALECTS[name], URL)
    other = write_session(the_view(name), DIALECTS[name], URL)

    assert one == other


@each_dialect
def test_showing_changes_neither_payload_nor_residue(name):
    view = the_view(name, phase=SessionPhase.FAILED, messages=(WHY,))
    before = copy.deepcopy((view.payload, view.residue))

    write_session(view, DIALECTS[name], URL)

    assert (view.payload, view.residue) == before


@each_dialect
def test_every_url_is_rebuilt_on_ours(name):
    payload = golden("2026-07", "session")
    volume = {"kind": "urn:v", "meta": {"uuid": SITES_SESSION, "url": "http://site/v"}}
    payload["compute"]["volumes"] = [volume]
    for node in parts_of(payload):
        node["meta"]["url"] = f"http://site/{node['meta']['uuid']}"

    session = shown(payload, name)

    assert "http://site" not in json.dumps(session)
    routes = ("executables", "compute", "storage", "data")
    for route, node in zip(routes, parts_of(session), strict=True):
        assert url_of(node) == f"{URL}{route}/{meta_of(node)['uuid']}"
    assert f'"{URL}volumes/{SITES_SESSION}"' in json.dumps(session)
    assert url_of(session) == f"{URL}sessions/{OUR_SESSION}"


def test_a_url_of_something_without_a_uuid_is_left_out():
    payload = {"executable": {"kind": "urn:x", "meta": {"url": "http://site/x"}}}

    assert shown(payload)["executable"] == {"kind": "urn:x", "meta": {}}


@pytest.mark.parametrize("name", ["2026-02", "2026-04", "2026-07"])
def test_what_a_site_wrote_beside_meta_tells_nothing_of_the_site(name):
    document = {
        "kind": "urn:x",
        "uuid": SITES_SESSION,
        "href": f"http://site/sessions/{SITES_SESSION}",
        "executable": {"kind": "urn:x", "uuid": "u", "href": "http://site/x/u"},
        "phase": "OFFERED",
    }
    payload, residue, _ = read_site_session(document, DIALECTS[name])

    text = json.dumps(shown(payload, name, residue=residue))

    assert "http://site" not in text
    assert SITES_SESSION not in text


@each_dialect
def test_locations_of_connectors_are_left_alone(name):
    session = write_session(the_view(), DIALECTS[name], URL)

    assert session["connectors"][0]["location"] == "https://run.example.org/app"


@each_dialect
def test_our_phase_and_messages_are_put_over_and_after_the_sites(name):
    payload = golden("2026-07", "session")
    payload["meta"]["messages"] = [{"kind": "urn:of-the-site", "level": "WARN"}]

    session = shown(payload, name, phase=SessionPhase.CANCELLED, messages=(WHY,))

    assert session["phase"] == "CANCELLED"
    first, second = meta_of(session)["messages"]
    key = DIALECTS[name].discriminator
    assert first == {key: "urn:of-the-site", "level": "WARN"}
    assert second == {
        key: "urn:metabroker:rank",
        "level": "INFO",
        "template": "Rank {rank}",
        "values": {"rank": "1"},
        "message": "Rank 1",
    }


def test_without_messages_there_is_no_list_of_them():
    assert "messages" not in shown({"kind": "urn:x"})["meta"]


@each_dialect
def test_our_phase_is_said_in_the_words_of_the_dialect(name):
    session = shown({"phase": "OFFERED"}, name, phase=SessionPhase.AVAILABLE)

    early = name in ("2025-05", "2025-06")
    assert session["phase"] == ("READY" if early else "AVAILABLE")


# What strict clients need


@pytest.mark.parametrize(
    "kind",
    [SCHEDULED, CANONICAL_KINDS["session/simple-execution-session"], "urn:x", None, 5],
)
def test_every_session_is_a_scheduled_one(kind):
    assert shown({"kind": kind})["kind"] == SCHEDULED
    assert shown({})["kind"] == SCHEDULED


def test_costs_and_metrics_are_of_the_kinds_that_clients_can_parse():
    def listed(simple, abstract):
        return [
            {"kind": abstract, "type": "urn:a", "max": 1},
            {"kind": simple, "type": "urn:b", "max": 2.5},
            {"kind": "urn:unknown", "max": 3},
            {"max": 4},
            "rubbish",
        ]

    def parsable(simple):
        return [
            {"kind": simple, "type": "urn:a", "max": 1},
            {"kind": simple, "type": "urn:b", "max": 2.5},
        ]

    session = shown(
        {
            "costs": listed(SIMPLE_COST, ABSTRACT_COST),
            "compute": {
                "kind": "urn:c",
                "metrics": listed(SIMPLE_METRIC, ABSTRACT_METRIC),
            },
        }
    )

    assert session["costs"] == parsable(SIMPLE_COST)
    assert session["compute"]["metrics"] == parsable(SIMPLE_METRIC)


@pytest.mark.parametrize("phase", ["DANCING", 5, None, ["OFFERED"], "offered"])
def test_no_phase_is_outside_of_the_enumeration(phase):
    session = shown({"phase": phase, "compute": {"kind": "urn:c", "phase": phase}})

    assert session.get("phase") is None
    assert session["compute"].get("phase") is None


@each_dialect
def test_the_start_of_availability_is_an_interval_from_2025_11_on(name):
    schedule = {"available": {"start": "2026-01-01T10:00:00Z", "duration": "PT1H"}}
    document = {"phase": "OFFERED", "schedule": schedule}
    payload, residue, _ = read_site_session(document, DIALECTS[name])

    written = shown(payload, name, residue=residue)["schedule"]

    start = written.get("available", written.get("offered", {}).get("available"))[
        "start"
    ]
    early = name in ("2025-05", "2025-06")
    assert start == ("2026-01-01T10:00:00Z" if early else "2026-01-01T10:00:00Z/PT0S")


# Offer sets


def a_set(name, *offers, **more):
    return OfferSetView(
        OUR_SET, more.pop("label", None), CREATED, offers, dialect=name, **more
    )


@each_dialect
def test_an_offer_set_is_shown_as_its_site_gave_it_but_for_what_is_ours(name):
    document = golden(name, "offer_set")
    answer = read_site_offer_set("here", document, DIALECTS[name])
    offers = [
        SessionView(offer.session, offer.payload, offer.residue)
        for offer in answer.offers
    ]
    view = a_set(name, *offers, label="image-two-fields", site_messages=answer.messages)

    written = write_offer_set(view, DIALECTS[name], URL)

    text = json.dumps(document).replace("http://broker.example.org:8082/", URL)
    expected = json.loads(text)
    meta_of(expected).update(uuid=OUR_SET, created="2026-08-31T12:00:01Z")
    if "meta" in expected:
        expected["meta"]["url"] = f"{URL}offersets/{OUR_SET}"
    else:
        expected["href"] = f"{URL}offersets/{OUR_SET}"
    assert written == expected
    assert list(written)[-1] == "offers"


@each_dialect
def test_a_set_without_offers_is_a_no_with_reasons(name):
    reason = {"kind": "uri:unknown-type", "level": "ERROR", "template": "Unknown"}

    written = write_offer_set(
        a_set(name, messages=(WHY,), site_messages=(reason, {"level": "LOUD"})),
        DIALECTS[name],
        URL,
    )

    assert written["result"] == "NO"
    assert "offers" not in written
    assert "name" not in meta_of(written)
    levels = [message.get("level") for message in meta_of(written)["messages"]]
    assert levels == ["ERROR", None, "INFO"]


def test_expiry_is_said_of_offers_only():
    offer = SessionView(OUR_SESSION, {"expires": "2026-01-01T00:00:00Z"})

    written = write_offer_set(a_set("2026-07", offer), DIALECTS["2026-07"], URL)

    assert "expires" not in written
    assert written["offers"][0]["expires"] == "2026-01-01T00:00:00Z"


def test_who_asked_in_the_flattened_form_is_answered_in_it():
    dialect = DIALECTS["2025-05"]
    flattened = read_request(golden("2025-05", "request-flattened"), "2026-07")
    usual = read_request(golden("2025-05", "request"), "2026-07")
    view = the_view()

    for request, has_block in ((flattened, False), (usual, True)):
        mine = replace(view, request_residue=request.residue)
        written = write_offer_set(
            a_set("2025-05", mine, request_residue=request.residue), dialect, URL
        )
        assert ("resources" in write_session(mine, dialect, URL)) is has_block
        assert ("resources" in written["offers"][0]) is has_block


# Requests


@each_dialect
@pytest.mark.parametrize("client", DIALECTS)
def test_sites_get_the_request_in_their_own_words(name, client):
    request = read_request(golden(client, "request"), "none")

    assert write_site_request(request, DIALECTS[name]) == golden(name, "request")


@each_dialect
def test_the_reference_request_becomes_what_a_faithful_site_takes(name):
    text = (DATA / "reference-request.yaml").read_text(encoding="utf-8")
    request = read_request(strict_yaml.load(text), "2025-11")

    sent = write_site_request(request, DIALECTS[name])

    wording = DIALECTS[name].wording
    body = sent.get("resources", sent)
    compute = body[wording.compute_key]
    compute = compute[0] if isinstance(compute, list) else compute
    assert sent["executable"]["image"]["digest"] == "0000"
    kind = sent["executable"][wording.discriminator]
    assert kind == wording.kinds["executable/docker-container"]
    if wording.volumes_beside:
        (volume,) = body["volumes"]
        assert compute["volumes"] == ["Input data"]
        assert meta_of(volume)["name"] == "Input data"
        assert volume["resources"] == ["example-data-01", "example-data-02"]
        assert volume["path"] == "/inputs"
    else:
        resources = [volume["resource"] for volume in compute["volumes"]]
        assert resources == ["example-data-01", "example-data-02"]
    assert {item[wording.discriminator] for item in body["data"]} == {
        wording.kinds["data/skao-data-resource"]
    }


def test_how_a_client_spelt_its_request_does_not_go_to_sites():
    document = {
        "executable": {"kind": "urn:x"},
        "computer": {"kind": CANONICAL_KINDS["compute/simple-compute-resource"]},
        "schedule": {"requested": {"start": ["2026-01-01/P1D", "2026-02-01/P1D"]}},
    }
    request = read_request(document, "2026-07")

    sent = write_site_request(request, DIALECTS["2026-07"])

    assert "computer" not in sent
    assert sent["compute"] == document["computer"]
    assert sent["schedule"]["requested"]["start"] == "2026-01-01/P1D"


def test_extensions_of_a_request_go_to_sites_of_its_dialect_as_they_are():
    executable = {"kind": "urn:x", "options": {"a": 1}, "messages": "mine", "href": "h"}
    request = read_request({"executable": executable, "name": "n"}, "2026-07")

    sent = write_site_request(request, DIALECTS["2026-07"])

    assert sent == {"executable": executable, "meta": {"name": "n"}}
