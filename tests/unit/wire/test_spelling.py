"""A residue is applied as a whole, or not at all."""

import pytest

from aggregator.wire.dialects.spelling import StaleSpellingError, respelled, spelling

WORDED = {"a": 1, "b": {"c": [{"d": 1}, {"d": 2}], "x/y": {"~": 1}}, "e": [1, 2]}


@pytest.mark.parametrize(
    "written",
    [
        WORDED,
        {},
        {"a": 2, "b": WORDED["b"], "e": [1, 2]},
        {"f": 1, "b": {"c": [{"d": 1}, {"d": 3, "g": 4}], "x/y": {}}, "e": [1]},
        {"a": 1, "b": {"c": [{"d": 1}], "x/y": {"~": {"deep": None}}}, "e": "text"},
        {"a": {"now": "a mapping"}, "b": [], "e": {"0": 1}},
    ],
)
def test_what_is_worded_becomes_what_was_written(written):
    residue = spelling(WORDED, written, "x")

    assert respelled(WORDED, residue) == written
    assert (residue == {}) is (written == WORDED)


def test_an_entry_says_the_place_and_both_ways():
    written = {**WORDED, "b": {**WORDED["b"], "x/y": {"other": 2}}}

    assert spelling(WORDED, written, "2025-11") == {
        "/b/x~1y": {"in": "2025-11", "was": {"~": 1}, "is": {"other": 2}}
    }


@pytest.mark.parametrize(
    "changed",
    [
        {**WORDED, "a": 5},
        {key: WORDED[key] for key in ("b", "e")},
        {**WORDED, "f": "taken meanwhile"},
        {**WORDED, "b": {"c": [{"d": 1}]}},
        {**WORDED, "b": {"c": "gone"}},
        {**WORDED, "b": {}},
        {**WORDED, "b": 5},
        {**WORDED, "b": {"c": [{"d": 1}, 5]}},
    ],
)
def test_a_document_that_changed_is_not_respelled(changed):
    written = {"f": 1, "b": {"c": [{"d": 1}, {"g": 2}]}, "e": [1, 2]}
    residue = spelling(WORDED, written, "x")

    with pytest.raises(StaleSpellingError):
        respelled(changed, residue)


def test_what_the_residue_does_not_name_may_change():
    residue = spelling(WORDED, {**WORDED, "a": "one"}, "x")

    assert respelled({**WORDED, "e": "new", "h": 1}, residue) == {
        **WORDED,
        "a": "one",
        "e": "new",
        "h": 1,
    }
