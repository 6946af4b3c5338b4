"""One request, offer set, session and update, as each dialect says it."""

import copy
import json
from pathlib import Path

import pytest

from aggregator.wire.dialects import CANONICAL, DIALECTS, NEWEST, Canonical

GOLDEN = Path(__file__).parents[2] / "data" / "dialects"
BODIES = ("request", "offer_set", "session", "update")

each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_body = pytest.mark.parametrize("body", BODIES)


def golden(name, file):
    return json.loads((GOLDEN / name / f"{file}.json").read_text(encoding="utf-8"))


def to_canonical(name, body, document):
    return getattr(DIALECTS[name], f"{body}_to_canonical")(document)


def from_canonical(name, body, canonical):
    return getattr(DIALECTS[name], f"{body}_from_canonical")(canonical)


def test_there_are_golden_files_of_each_dialect():
    assert list(DIALECTS) == sorted(path.name for path in GOLDEN.iterdir())
    assert DIALECTS.keys() >= {
        *("2025-05", "2025-06", "2025-11"),
        *("2026-02", "2026-04", "2026-07"),
    }
    assert list(DIALECTS)[-1] == NEWEST


def test_the_canonical_vocabulary_is_that_of_what_is_stored():
    assert CANONICAL == "2026-07"


@each_body
@each_dialect
def test_each_dialect_says_the_same(name, body):
    canonical = to_canonical(name, body, golden(name, body))

    assert canonical.payload == golden(CANONICAL, body)
    assert canonical.residue == {}


@each_body
@each_dialect
def test_the_canonical_form_is_written_in_each_dialect(name, body):
    document = from_canonical(name, body, Canonical(golden(CANONICAL, body)))

    assert document == golden(name, body)


@each_body
@each_dialect
def test_translating_changes_no_argument(name, body):
    document, payload = golden(name, body), golden(CANONICAL, body)

    to_canonical(name, body, document)
    from_canonical(name, body, Canonical(payload))

    assert document == golden(name, body)
    assert payload == golden(CANONICAL, body)


@each_body
def test_the_canonical_dialect_is_passed_on_as_it_is(body):
    document = golden(CANONICAL, body)

    canonical = to_canonical(CANONICAL, body, document)

    assert canonical.payload is document
    assert from_canonical(CANONICAL, body, canonical) is document


@each_dialect
def test_what_did_not_change_is_shared_and_not_copied(name):
    document = golden(name, "session")

    payload = to_canonical(name, "session", document).payload

    assert (
        payload["data"][0]["skao"]
        is (document.get("data") or document["resources"]["data"])[0]["skao"]
    )


@each_dialect
def test_a_document_keeps_the_order_of_its_first_keys(name):
    document = golden(name, "session")

    again = from_canonical(name, "session", to_canonical(name, "session", document))

    assert list(again)[:5] == list(document)[:5]
    assert list(again["executable"]) == list(document["executable"])


def test_the_flattened_form_is_restored_and_remembered():
    dialect = DIALECTS["2025-05"]
    document = golden("2025-05", "request-flattened")

    canonical = dialect.request_to_canonical(document)

    assert canonical.payload == golden(CANONICAL, "request")
    assert dialect.request_from_canonical(canonical) == document
    session = Canonical(golden(CANONICAL, "session"))
    flattened = dialect.answering(canonical.residue).session_from_canonical(session)
    assert flattened["computer"]["uuid"] == session.payload["compute"]["meta"]["uuid"]
    assert "resources" not in flattened
    assert "resources" in dialect.answering({}).session_from_canonical(session)


def test_residues_of_one_dialect_mean_nothing_to_another():
    seed = {"executable": {"kind": "x", "type": "y"}, "computer": {"type": "z"}}
    residue = DIALECTS["2025-11"].request_to_canonical(seed).residue
    payload = golden(CANONICAL, "request")

    assert residue
    for name in ("2025-05", "2026-07"):
        with_residue = Canonical(copy.deepcopy(payload), residue)
        assert from_canonical(name, "request", with_residue) == golden(name, "request")
