"""What is known with doubts, or only by distance: counted, told, and replayed."""

from dataclasses import replace

import pytest

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.replay import replay_inputs, replayed
from aggregator.domain.sites import DataKind
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

LINKS = Links(
    default_gbps=1.0,
    classes={"near": 8.0, "far": 2.0},
    table={("B", "C"): 4.0},
    distances={("B", "A"): 3, ("B", "C"): 1, ("B", "D"): 9, ("C", "A"): 1},
    distance_classes=((3, "near"), (5, "far")),
)


def test_a_caveat_is_told_and_costs_the_confidence():
    data = replace(located("x", 100, "A_DISK"), caveat="it is old")
    knowledge = knowing(facts("A"), data=(data,))
    estimate = by_site(ranked(plain_policy(), [offer("A")], wanting("x"), knowledge))[
        "A"
    ].estimate
    assert estimate.bytes_to_move == 0
    assert estimate.notes == ("testing:x: it is old",)
    assert estimate.confidence == "low"


@pytest.mark.parametrize(
    ("target", "gbps"), [("A", 8.0), ("C", 4.0), ("D", 1.0), ("E", 1.0)]
)
def test_a_distance_stands_for_a_class_where_the_table_is_silent(target, gbps):
    assert LINKS.gbps("B", target) == gbps


def test_a_distance_can_not_stand_for_a_class_that_there_is_not():
    with pytest.raises(ValueError, match="lunar is no class of links"):
        Links(distance_classes=((1, "lunar"),))


def test_decisions_by_distance_are_made_again_from_what_was_recorded():
    data = replace(located("x", 100, "B_DISK"), caveat="it is old")
    site = facts("A", data_kinds=(DataKind.SIMPLE, DataKind.S3))
    knowledge = knowing(site, facts("B"), facts("D"), data=(data,), links=LINKS)
    first = ranked(plain_policy(), [offer("A")], wanting("x"), knowledge)
    inputs = replay_inputs(wanting("x"), "r-1", [offer("A")], knowledge, NOW)
    assert replayed(plain_policy(), inputs).as_document() == first.as_document()
    assert inputs["knowledge"]["links"]["distances"] == [[["B", "A"], 3]]
