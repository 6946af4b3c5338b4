import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.domain.offers import Amount, DataItem, Quote
from aggregator.domain.phases import SessionPhase
from aggregator.domain.replicas import Did
from aggregator.domain.schedules import StartInterval
from aggregator.wire.dialects import CANONICAL_KINDS, DIALECTS
from aggregator.wire.reading import (
    BadPayload,
    offer_from_payload,
    read_site_offer_set,
    read_site_session,
)

GOLDEN = Path(__file__).parents[2] / "data" / "dialects"
NEW = DIALECTS["2026-07"]
FIRST = "6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a10"
SECOND = "6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a11"
COST = CANONICAL_KINDS["costs/simple-minmax-float-cost"]


def golden(name, file):
    return json.loads((GOLDEN / name / f"{file}.json").read_text(encoding="utf-8"))


def an_offer(uuid=FIRST, **parts):
    return {"kind": "urn:x", "meta": {"uuid": uuid}, "phase": "OFFERED", **parts}


def read(document, dialect=NEW):
    return read_site_offer_set("here", document, dialect)


def offered(*offers, **envelope):
    return read({"kind": "urn:s", "result": "YES", "offers": list(offers), **envelope})


def from_payload(**parts):
    return offer_from_payload("here", an_offer(**parts), {}, 0)


def available(start, **more):
    return {"schedule": {"available": {"start": start, **more}}}


@pytest.mark.parametrize("name", DIALECTS)
def test_what_ranking_reads_of_an_offer_is_the_same_in_every_dialect(name):
    answer = read(golden(name, "offer_set"), DIALECTS[name])

    assert answer.result is True
    assert answer.dropped == 0
    assert [offer.session for offer in answer.offers] == [FIRST, SECOND]
    first, second = answer.offers
    moment = datetime(2026, 9, 1, 18, tzinfo=UTC)
    assert first.site == "here"
    assert first.site_session == FIRST
    assert (first.position, second.position) == (0, 1)
    assert first.start == StartInterval(moment, moment)
    assert first.preparing == 120
    assert first.available == 6 * 3600
    assert first.expires == datetime(2026, 8, 31, 12, 5, 0, 440116, tzinfo=UTC)
    assert first.cores == Amount(8, 8)
    assert first.memory == Amount(16, 16)
    did = Did("lofar", "L2026-field-7")
    assert first.data == (DataItem("field-7", did, 27487790694400, ("NLSRC_DCACHE",)),)
    assert first.payload == golden("2026-07", "offer_set")["offers"][0]
    assert first.residue == {}
    assert [message["kind"] for message in answer.messages] == ["urn:resource-limit"]


@pytest.mark.parametrize("spoken", DIALECTS)
@pytest.mark.parametrize("thought", DIALECTS)
def test_a_site_that_speaks_another_dialect_than_thought_is_understood(spoken, thought):
    answer = read(golden(spoken, "offer_set"), DIALECTS[thought])

    assert [offer.session for offer in answer.offers] == [FIRST, SECOND]
    assert answer.offers[0].payload == golden("2026-07", "offer_set")["offers"][0]


@pytest.mark.parametrize(
    "document",
    [None, [], "<html>", 5, {}, {"error": "x"}, {"result": 5}, {"offers": {}}],
)
def test_what_is_no_offer_set_is_a_bad_payload(document):
    with pytest.raises(BadPayload) as caught:
        read(document)

    assert len(str(caught.value)) < 80


@pytest.mark.parametrize(
    ("document", "result"),
    [
        ({"result": "NO"}, False),
        ({"result": "YES"}, True),
        ({"result": "yes"}, True),
        ({"result": "NO", "offers": []}, False),
        ({"result": "NO", "offers": None}, False),
        ({"offers": []}, False),
        ({"offers": [an_offer()]}, True),
        ({"result": "NO", "offers": [an_offer()]}, True),
        ({"result": "MAYBE", "offers": [an_offer()]}, True),
    ],
)
def test_the_result_is_what_it_says_or_does(document, result):
    assert read(document).result is result


def test_a_no_carries_its_reasons():
    messages = [{"kind": "uri:unknown-type", "level": "ERROR"}, "rubbish", None]

    assert read({"result": "NO", "meta": {"messages": messages}}).messages == (
        messages[0],
    )


@pytest.mark.parametrize(
    "broken",
    [
        None,
        5,
        [],
        {},
        {"phase": "OFFERED"},
        an_offer(uuid="not-a-uuid"),
        an_offer(uuid=5),
        an_offer(uuid=FIRST[:-1]),
        an_offer(uuid=FIRST + "0"),
        an_offer(uuid="{" + FIRST + "}"),
        an_offer(phase="ACCEPTED"),
        an_offer(phase="READY"),
        an_offer(phase="offered"),
        an_offer(phase=5),
        an_offer(phase=["OFFERED"]),
    ],
)
def test_a_broken_offer_costs_only_itself(broken):
    answer = offered(an_offer(FIRST), broken, an_offer(SECOND))

    assert [offer.session for offer in answer.offers] == [FIRST, SECOND]
    assert [offer.position for offer in answer.offers] == [0, 2]
    assert answer.dropped == 1


def test_of_two_offers_with_one_uuid_the_first_is_kept():
    answer = offered(
        an_offer(cores=1), an_offer(FIRST.upper(), cores=2), an_offer(SECOND)
    )

    assert [offer.payload.get("cores") for offer in answer.offers] == [1, None]
    assert answer.dropped == 1


def test_a_uuid_is_known_in_lower_case():
    assert offered(an_offer(FIRST.upper())).offers[0].session == FIRST


def test_an_offer_without_a_phase_is_one():
    assert offered({"kind": "x", "meta": {"uuid": FIRST}}).offers[0].session == FIRST


def test_an_offer_nested_without_end_costs_only_itself():
    deep = "x"
    for _ in range(900):
        deep = {"x": deep}

    answer = offered(an_offer(), an_offer(SECOND, extension=deep))

    assert [offer.session for offer in answer.offers] == [FIRST]
    with pytest.raises(BadPayload):
        read({"result": "YES", "extension": deep})


COMPUTE_AVAILABLE = {"compute": available("2026-01-01T10:00:00Z/PT0S", duration="PT1H")}


@pytest.mark.parametrize(
    ("parts", "hour"),
    [
        (available("2026-01-01T09:00:00Z/PT0S") | COMPUTE_AVAILABLE, 9),
        (available("2026-01-01T09:00:00Z") | COMPUTE_AVAILABLE, 9),
        (available("1970-01-01T00:00:01Z/PT0S") | COMPUTE_AVAILABLE, 10),
        (available("rubbish") | COMPUTE_AVAILABLE, 10),
        (available(5) | COMPUTE_AVAILABLE, 10),
        ({"schedule": "now"} | COMPUTE_AVAILABLE, 10),
        (COMPUTE_AVAILABLE, 10),
        ({"compute": available("1970-01-01T00:00:01Z/PT0S")}, None),
        ({"compute": available("9999-12-31T23:59:59Z/P9999Y")}, None),
        ({"executable": available("2026-01-01T09:00:00Z/PT0S")}, None),
        ({}, None),
    ],
)
def test_the_start_is_the_sessions_else_that_of_compute(parts, hour):
    start = from_payload(**parts).start

    assert (start and start.earliest) == (
        None if hour is None else datetime(2026, 1, 1, hour, tzinfo=UTC)
    )


def test_a_start_interval_keeps_both_ends():
    start = from_payload(**available("2026-01-01T09:00:00Z/PT2H")).start

    assert (start.latest - start.earliest).total_seconds() == 7200


@pytest.mark.parametrize(
    ("parts", "preparing", "lasting"),
    [
        (COMPUTE_AVAILABLE, None, 3600),
        (
            available("2026-01-01T09:00:00Z", duration="PT2H") | COMPUTE_AVAILABLE,
            None,
            7200,
        ),
        ({"schedule": {"preparing": {"duration": "PT2M10S"}}}, 130, None),
        ({"compute": {"schedule": {"preparing": {"duration": "PT15S"}}}}, 15, None),
        ({"schedule": {"preparing": {"duration": "quick"}}}, None, None),
        ({"schedule": {"preparing": {"duration": 5}, "available": []}}, None, None),
    ],
)
def test_the_durations(parts, preparing, lasting):
    offer = from_payload(**parts)

    assert (offer.preparing, offer.available) == (preparing, lasting)


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        (
            "2026-08-04T05:27:10.440116552Z",
            datetime(2026, 8, 4, 5, 27, 10, 440116, tzinfo=UTC),
        ),
        ("2026-08-04T07:27:10+02:00", datetime(2026, 8, 4, 5, 27, 10, tzinfo=UTC)),
        ("2026-08-04T05:27:10", datetime(2026, 8, 4, 5, 27, 10, tzinfo=UTC)),
        ("in five minutes", None),
        (1754285230, None),
        (None, None),
    ],
)
def test_the_expiry(text, expires):
    assert from_payload(expires=text).expires == expires


@pytest.mark.parametrize(
    ("cores", "amount"),
    [
        ({"min": 2, "max": 4}, Amount(2, 4)),
        ({"min": 2}, Amount(2, None)),
        ({"min": "2", "max": True}, Amount()),
        ({"min": 2.0}, Amount()),
        ([2, 4], Amount()),
    ],
)
def test_the_amounts(cores, amount):
    offer = from_payload(compute={"cores": cores, "memory": cores})

    assert (offer.cores, offer.memory) == (amount, amount)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"meta": {"name": "d"}}, DataItem("d")),
        ({"meta": {"uuid": "u"}}, DataItem("u")),
        ({}, DataItem("")),
        (
            {"skao": {"namespace": "n", "objectname": "o", "datasize": 2**44}},
            DataItem("", Did("n", "o"), 2**44),
        ),
        ({"rucio": {"scope": "s", "object": "o"}}, DataItem("", Did("s", "o"))),
        ({"skao": {"namespace": "n"}}, DataItem("")),
        (
            {"skao": {"namespace": 1, "objectname": "o", "datasize": "big"}},
            DataItem(""),
        ),
        ({"skao": {"datasize": -1}}, DataItem("")),
        (
            {
                "skao": {
                    "replicas": [
                        {"rsename": "A"},
                        {},
                        5,
                        {"rsename": 5},
                        {"rsename": "B"},
                    ]
                }
            },
            DataItem("", rses=("A", "B")),
        ),
    ],
)
def test_the_data(item, found):
    assert from_payload(data=[item, "rubbish"]).data == (found,)


def test_costs_are_the_sessions_else_those_of_compute():
    quote = {"kind": COST, "type": "urn:money", "min": 1, "max": 2.5}
    other = {"kind": COST, "type": "urn:carbon", "min": 3}

    both = from_payload(costs=[quote], compute={"costs": [other], "metrics": [other]})

    assert both.costs == (Quote("urn:money", 1.0, 2.5),)
    assert both.metrics == (Quote("urn:carbon", 3.0, None),)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "1", True, None, 10**400]
)
def test_only_finite_numbers_are_costs(value):
    costs = [{"kind": COST, "type": "urn:money", "max": value}, {"max": 1}, 5]

    assert from_payload(costs=costs).costs == (Quote("urn:money"),)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_session_is_read_in_every_dialect(name):
    payload, residue, phase = read_site_session(golden(name, "session"), DIALECTS[name])

    assert payload == golden("2026-07", "session")
    assert residue == {}
    assert phase is SessionPhase.AVAILABLE


@pytest.mark.parametrize(
    ("phase", "known"),
    [
        ("ACCEPTED", SessionPhase.ACCEPTED),
        ("READY", SessionPhase.AVAILABLE),
        ("PROPOSED", SessionPhase.INITIAL),
        ("DANCING", None),
        (5, None),
        (None, None),
    ],
)
def test_the_phase_of_a_session(phase, known):
    _, _, found = read_site_session(an_offer(phase=phase), NEW)

    assert found is known


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"error": "x"}, {"phase": "?"}]
)
def test_what_is_no_session_is_a_bad_payload(document):
    with pytest.raises(BadPayload):
        read_site_session(document, NEW)
