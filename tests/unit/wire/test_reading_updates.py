import pytest

from aggregator.domain.errors import InvalidInput
from aggregator.domain.phases import SessionPhase
from aggregator.domain.updates import phase_update
from aggregator.wire.dialects import DIALECTS
from aggregator.wire.reading import read_update
from aggregator.wire.writing import write_site_update

ENUM = "uri:enum-value-update"
ACCEPT = {"kind": ENUM, "path": "/phase", "value": "ACCEPTED"}


def violations(document):
    with pytest.raises(InvalidInput) as caught:
        read_update(document)
    return [(each.pointer, each.reason) for each in caught.value.violations]


@pytest.mark.parametrize("path", ["phase", "/phase", "phase/", "//phase"])
@pytest.mark.parametrize("key", ["type", "kind"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_phase_asked_for_is_read_in_every_form(path, key, wrapped):
    bare = {key: ENUM, "path": path, "value": "ACCEPTED"}

    update = read_update({"update": bare} if wrapped else bare)

    assert update.phase is SessionPhase.ACCEPTED
    assert update.payload == {"kind": ENUM, "path": path, "value": "ACCEPTED"}


@pytest.mark.parametrize(
    "kind",
    [
        "uri:enum-value-update-1.0",
        "enum-value-update",
        "https://www.purl.org/ivoa.net/EB/schema/types/update/enum-value-update-1.0",
        "https://example.org/v1.0/kinds/update/enum-value-update.yaml",
    ],
)
def test_the_phase_is_read_whatever_the_family_of_the_kind(kind):
    update = read_update(
        {"update": {"type": kind, "path": "phase", "value": "ACCEPTED"}}
    )

    assert update.phase is SessionPhase.ACCEPTED
    assert update.payload["kind"] == ENUM
    other = {"kind": kind, "path": "/mode", "value": "FAST"}
    assert read_update(other).payload == other


@pytest.mark.parametrize(
    "kind", ["uri:string-value-update", "urn:my-update", "uri:integer-value-update"]
)
@pytest.mark.parametrize("path", ["phase", "/phase", "phase/"])
def test_no_other_kind_of_update_reaches_the_phase_of_a_session(kind, path):
    update = {"type": kind, "path": path, "value": "ACCEPTED"}

    refused = dict(violations({"update": update}))

    assert "must be uri:enum-value-update" in refused["/update/type"]


@pytest.mark.parametrize(
    ("word", "phase"),
    [("READY", "AVAILABLE"), ("PROPOSED", "INITIAL"), ("CANCELLED", "CANCELLED")],
)
def test_old_words_for_phases_are_understood(word, phase):
    update = read_update({"type": ENUM, "path": "phase", "value": word})

    assert update.phase == SessionPhase(phase)
    assert update.payload["value"] == phase


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "uri:string-value-update", "path": "/name", "value": "x"},
        {"kind": ENUM, "path": "/mode", "value": "FAST"},
        {"kind": "uri:integer-value-update", "path": "/cores", "value": 2**63 - 1},
        {
            "kind": "uri:integer-delta-update",
            "path": "/cores",
            "delta": -(2**63),
            "units": "core",
        },
        {"kind": "urn:my-update", "path": "/x", "anything": {"goes": True}},
    ],
)
def test_other_updates_pass_as_they_are(payload):
    update = read_update(payload)

    assert update.phase is None
    assert update.payload == payload


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/kind"),
        ({"path": "/phase", "value": "ACCEPTED"}, "/kind"),
        ({"kind": ENUM, "value": "ACCEPTED"}, "/path"),
        ({"kind": ENUM, "path": "/phase"}, "/value"),
        ({"kind": ENUM, "path": "/phase", "value": 5}, "/value"),
        ({"kind": ENUM, "path": 5, "value": "x"}, "/path"),
        ({"kind": ENUM, "path": "/phase", "value": "accepted"}, "/value"),
        ({"kind": "uri:integer-value-update", "path": "/x", "value": "1"}, "/value"),
        ({"kind": "uri:integer-value-update", "path": "/x", "value": True}, "/value"),
        ({"kind": "uri:integer-delta-update", "path": "/x", "delta": 1.5}, "/delta"),
        ({"kind": "uri:integer-delta-update", "path": "/x", "delta": 2**63}, "/delta"),
        ({"kind": "uri:integer-delta-update", "path": "/x", "value": 1}, "/delta"),
        ({"update": {"path": "phase", "value": "ACCEPTED"}}, "/update/type"),
        (
            {"update": {"type": ENUM, "path": "phase", "value": "LATER"}},
            "/update/value",
        ),
        (
            {"update": {"type": ENUM, "path": "phase", "value": float("nan")}},
            "/update/value",
        ),
    ],
)
def test_what_is_no_update_is_refused_with_its_place(document, pointer):
    assert [place for place, _ in violations(document)][:1] == [pointer]


@pytest.mark.parametrize("document", [None, [], "ACCEPTED", 5])
def test_what_is_no_mapping_is_no_update(document):
    assert violations(document) == [("", "is not a mapping, as every update is")]


def test_sites_get_an_update_in_their_dialect_with_the_path_that_they_know():
    update = phase_update(SessionPhase.ACCEPTED)

    sent = {
        name: write_site_update(update, dialect) for name, dialect in DIALECTS.items()
    }

    old = {"update": {"type": ENUM, "path": "phase", "value": "ACCEPTED"}}
    bare = {"kind": ENUM, "path": "phase", "value": "ACCEPTED"}
    assert sent == {
        "2025-05": old,
        "2025-06": old,
        "2025-11": old,
        "2026-02": bare,
        "2026-04": bare,
        "2026-07": ACCEPT,
    }


def test_the_path_of_other_updates_is_left_alone():
    update = read_update({"kind": ENUM, "path": "/mode", "value": "FAST"})

    sent = write_site_update(update, DIALECTS["2025-11"])

    assert sent == {"update": {"type": ENUM, "path": "/mode", "value": "FAST"}}
