"""What a ranking tells: the document, the sentences, and how it is replayed."""

import json

import pytest

from aggregator.domain.humane import humane_duration, humane_size
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.replay import replay_inputs, replayed
from tests.support.ranking import (
    NOW,
    by_site,
    facts,
    knowing,
    located,
    offer,
    plain_policy,
    ranked,
    wanting,
)

KNOWLEDGE = knowing(
    facts("A"),
    facts("B"),
    facts("ELSEWHERE"),
    data=(located("x", 100, "B_DISK"), located("other", 1, "ELSEWHERE_DISK")),
    links=Links(
        classes={"lan": 8.0},
        table={("B", "A"): "lan", ("A", "B"): 3.0, ("ELSEWHERE", "A"): 2.0},
        rse_sites={"B_DISK": ("B",), "ELSEWHERE_DISK": ("ELSEWHERE",)},
    ),
)
FILTERS = [{"name": "site_list", "deny": ["C"]}]
OFFERS = [offer("A", 30, payload={"kept": 1}), offer("B", 600), offer("C")]


def test_the_document_tells_everything():
    ranking = ranked(plain_policy(filters=FILTERS), OFFERS, wanting("x"), KNOWLEDGE)
    document = ranking.as_document()
    assert document["policy"] == {"name": "plain", "revision": 1, "sha256": "0" * 64}
    assert document["moment"] == "2026-03-01T12:00:00Z"
    assert document["funnel"][1] == {
        "filter": "site_list",
        "before": 3,
        "after": 2,
        "relaxed": False,
    }
    assert document["offers"][0] == {
        "rank": 1,
        "site": "A",
        "session": "A-0",
        "delay_s": 162,
        "bucket": 1,
        "seconds": {"time_to_start": 162},
        "estimate": {
            "offered_start_s": 30,
            "start_known": True,
            "lateness_s": 0,
            "data_ready_s": 162,
            "start_s": 162,
            "bytes_to_move": 100_000_000_000,
            "bytes_total": 100_000_000_000,
            "bytes_from_tape": 0,
            "files_to_move": 1,
            "sources": ["B_DISK"],
            "confidence": "high",
            "notes": [],
        },
        "reason": "start promised in 30 s; 93.1 GiB to move from B_DISK, "
        "data ready in 2 min 42 s; delay 2 min 42 s",
        "concessions": [],
        "ahead_by": "delay",
    }
    assert document["dropped"] == [
        {
            "site": "C",
            "session": "C-0",
            "filter": "site_list",
            "reason": "C is denied by the policy",
        }
    ]
    assert json.loads(json.dumps(document)) == document


def test_offers_come_out_as_they_went_in():
    ranking = ranked(plain_policy(filters=FILTERS), OFFERS, wanting("x"), KNOWLEDGE)
    assert ranking.ranked[0].offer is OFFERS[0]
    assert ranking.dropped[0].offer is OFFERS[2]


def test_a_decision_is_made_again_from_what_was_recorded():
    policy = plain_policy(filters=FILTERS)
    inputs = replay_inputs(wanting("x"), "r-1", OFFERS, KNOWLEDGE, NOW)
    recorded = json.loads(json.dumps(inputs))
    first = ranked(policy, OFFERS, wanting("x"), KNOWLEDGE)
    assert replayed(policy, recorded).as_document() == first.as_document()
    other = plain_policy(filters=[{"name": "site_list", "deny": ["A"]}])
    assert by_site(replayed(other, recorded)).keys() == {"B", "C"}


@pytest.mark.parametrize("rse", ["SOURCE_DISK", "NOBODYS"])
def test_the_speed_of_links_is_recorded_whoever_sends(rse):
    knowledge = knowing(
        facts("A"),
        facts("SOURCE"),
        data=(located("x", 100, rse),),
        links=Links(table={("SOURCE", "A"): 7.0, ("NOBODYS", "A"): 5.0}),
    )
    first = ranked(plain_policy(), [offer("A")], wanting("x"), knowledge)
    inputs = replay_inputs(wanting("x"), "r-1", [offer("A")], knowledge, NOW)
    assert replayed(plain_policy(), inputs).as_document() == first.as_document()
    assert first.ranked[0].estimate.start == 62 + (160 if rse == "NOBODYS" else 800 / 7)


def test_of_the_knowledge_only_what_mattered_is_recorded():
    inputs = replay_inputs(wanting("x"), "r-1", OFFERS[:1], KNOWLEDGE, NOW)
    written = json.dumps(inputs)
    assert "ELSEWHERE" not in written
    assert "kept" not in written
    assert inputs["knowledge"]["links"]["table"] == [[["B", "A"], "lan"]]


@pytest.mark.parametrize("broken", [{}, {"request": {"size": 1}}, {"request": 5}])
def test_inputs_that_are_none(broken):
    with pytest.raises(ValueError, match="not the inputs of a ranking"):
        replayed(plain_policy(), broken)


def reason(one, request=None, knowledge=None, **sections):
    ranking = ranked(plain_policy(**sections), [one], request, knowledge)
    return ranking.ranked[0].reason


def test_reasons_in_words():
    assert reason(offer("A", 0)) == "starts at once; delay 0 s"
    assert reason(offer("A", 600)) == "starts in 10 min; delay 10 min"
    assert reason(offer("A", None)) == (
        "start unknown, taken as in 1 h; delay 1 h; "
        "low confidence: the site doesn't say when it starts, 1 h assumed"
    )
    assert reason(offer("B", 60), wanting("x"), KNOWLEDGE) == (
        "starts in 1 min; all data at the site; delay 1 min"
    )
    on_tape = knowing(facts("A"), data=(located("x", 300, "A_TAPE"),))
    assert reason(offer("A", 0), wanting("x"), on_tape) == (
        "start promised at once; all data at the site; 279.4 GiB to recall from tape, "
        "data ready in 32 min 40 s; delay 32 min 40 s"
    )
    assert reason(offer("A", 0), wanting("y")) == (
        "start promised at once; 93.1 GiB to move from an unknown place, data ready in "
        "14 min 22 s; delay 14 min 22 s; low confidence: size of testing:y unknown, "
        "100 GB assumed, no replica of testing:y known, 1 Gb/s assumed"
    )


def test_a_reason_stays_short_whatever_is_assumed():
    many = wanting(*(f"d{number:03}" for number in range(200)))
    assert reason(offer("A", 0), many).endswith("100 GB assumed and 397 more")


def test_a_reason_names_what_else_adds_to_the_delay():
    weighers = [
        {"name": "time_to_start"},
        {"name": "failure_risk", "retry_s": 1800},
        {"name": "preference", "sites": {"A": -30}},
        {"name": "cost", "missing": 0},
    ]
    assert reason(offer("A", 60), weighers=weighers) == (
        "starts in 1 min; delay 2 min (failure risk 1 min 30 s, preference -30 s)"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (130, "2 min 10 s"),
        (3599.7, "1 h"),
        (3600, "1 h"),
        (39_720, "11 h 2 min"),
        (86_399, "1 d"),
        (86_400 * 2 + 3600 * 5 + 59, "2 d 5 h"),
        (-130, "-2 min 10 s"),
    ],
)
def test_durations_as_people_read_them(seconds, text):
    assert humane_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (27_487_790_694_400, "25.0 TiB"),
        (26_843_545_600, "25.0 GiB"),
        (2**73, "8192.0 EiB"),
    ],
)
def test_sizes_as_people_read_them(count, text):
    assert humane_size(count) == text
