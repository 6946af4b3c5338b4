"""Members that a generated client would stumble over are left out, and no others."""

import copy
import json
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from aggregator.domain.schedules import parse_instant
from aggregator.wire.conformity import conforming_message, conforming_session
from aggregator.wire.dialects import CANONICAL_KINDS

GOLDEN = Path(__file__).parents[2] / "data" / "dialects" / "2026-07"
DOCKER = CANONICAL_KINDS["executable/docker-container"]
NOTEBOOK = CANONICAL_KINDS["executable/jupyter-notebook"]
UUID = "6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a10"


def at(path, value):
    """Return a session whose only member, at the end of the path, is the value."""
    for step in reversed(path.split("/")):
        value = [value] if step == "0" else {step: value}
    return value


def kinded(document):
    for key in ("executable", "compute"):
        if key in document:
            document[key] = {"kind": DOCKER, **document[key]}
    for key in ("storage", "data"):
        document[key] = [{"kind": "urn:x", **item} for item in document.get(key, [])]
    return document


def after(path, value):
    document = conforming_session(kinded(at(path, value)))
    for step in path.split("/"):
        if isinstance(document, list):
            document = document[0] if document else None
        else:
            document = (document or {}).get(step)
    return document


def test_a_session_that_conforms_is_returned_itself():
    for file in ("session", "request"):
        document = json.loads((GOLDEN / f"{file}.json").read_text(encoding="utf-8"))
        before = copy.deepcopy(document)

        assert conforming_session(document) is document
        assert document == before


RANGES = ["compute/cores/min", "compute/memory/max", "storage/0/size/min"]
TEXTS = [
    "meta/name",
    "meta/description",
    "executable/image/digest",
    "executable/entrypoint",
    "executable/image/locations/0",
    "executable/command/0",
    "executable/environment/KEY",
    "data/0/location",
    "data/0/storage",
    "data/0/skao/objectname",
    "data/0/skao/replicas/0/rsename",
    "data/0/rucio/scope",
    "data/0/ivoa/ivoid",
    "data/0/ivoa/obscore/obs_id",
    "storage/0/data/0",
    "connectors/0/location",
    "meta/messages/0/template",
    "meta/messages/0/values/x",
]


@pytest.mark.parametrize("path", TEXTS)
def test_texts_are_texts(path):
    assert after(path, "text") == "text"
    for wrong in (5, True, 1.5, {"a": 1}, ["a"]):
        assert after(path, wrong) is None


@pytest.mark.parametrize("path", [*RANGES, "data/0/skao/datasize"])
def test_whole_numbers_are_whole(path):
    assert after(path, 2**53 + 1) == 2**53 + 1
    for wrong in ("5", True, 1.5, [1]):
        assert after(path, wrong) is None


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ("phase", ["OFFERED", "INITIAL"], ["READY", "offered", "INITIALIZING"]),
        ("executable/phase", ["INITIALIZING", "RUNNING"], ["OFFERED", "INITIAL"]),
        ("meta/messages/0/level", ["WARN", "OTHER"], ["WARNING", "warn"]),
        ("connectors/0/status", ["AVAILABLE", "FINISHED"], ["READY"]),
        ("data/0/skao/objecttype", ["FILE", "DATASET"], ["file"]),
        ("data/0/rucio/type", ["CONTAINER"], ["BLOB"]),
        ("executable/privileged", [True, False], ["yes", 1]),
        ("executable/network/ports/0/internal/port", [8080], ["8080", 80.5]),
        ("meta/uuid", [UUID, UUID.upper()], ["x", UUID[1:], UUID + "0", UUID + "\n"]),
        ("meta/created", ["2026-08-04T05:27:10.440116552Z"], ["2026-08-04", "now"]),
        ("expires", ["2026-08-04T05:27:10+02:00"], ["in 5 minutes", 1754285230]),
        (
            "schedule/preparing/start",
            ["2026-08-04T05:27:10Z", "2026-08-04T05:27:10.5+01:00"],
            ["2026-08-04", "2026-08-04T05:27:10", "2026-08-04T05:27:10Z/PT0S", "now"],
        ),
        (
            "compute/schedule/available/start",
            [
                "2026-08-04T05:27:10Z/PT0S",
                "2026-08-04/P1W",
                "PT2H/2026-08-04",
                "2026-08-04T05:27Z/2026-08-05T05:27:10.5+02:00",
            ],
            [
                "2026-08-04T05:27:10Z",
                "2026-13-04/PT1S",
                "PT1H/PT1H",
                "/",
                "P/2026-01-01",
            ],
        ),
        (
            "schedule/available/duration",
            ["PT1H", "P1Y2M3DT4H5M6.5S", "P2W", "-PT5M"],
            ["1 hour", "PT", "P", "P1WT1H30", "PT1H\n", "x" * 1000],
        ),
    ],
)
def test_values_are_within_their_patterns_and_enumerations(path, right, wrong):
    for value in right:
        assert after(path, value) == value
    for value in wrong:
        assert after(path, value) is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("20260804T052710Z", "2026-08-04T05:27:10Z"),
        ("2026-08-04T05:27:10", "2026-08-04T05:27:10Z"),
        ("2026-08-04T05Z", "2026-08-04T05:00:00Z"),
        ("2026-08-04T05:27Z", "2026-08-04T05:27:00Z"),
        ("2026-W32-2T05:27:10Z", "2026-08-04T05:27:10Z"),
        ("2026-08-04T05:27:10+02", "2026-08-04T03:27:10Z"),
        ("2026-08-04T05:27:10+0200", "2026-08-04T03:27:10Z"),
        ("2026-08-04T05:27:10+02:00:30", "2026-08-04T03:26:40Z"),
        ("2026-08-04T05:27:10,5Z", "2026-08-04T05:27:10.500000Z"),
    ],
)
@pytest.mark.parametrize("path", ["expires", "meta/created", "meta/messages/0/time"])
def test_moments_are_shown_as_strict_clients_read_them(path, written, shown):
    assert after(path, written) == shown
    assert TypeAdapter(datetime).validate_python(shown) == parse_instant(written)


@pytest.mark.parametrize(
    "written", ["0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z"]
)
def test_moments_that_no_calendar_has_are_left_out(written):
    assert after("expires", written) is None


@pytest.mark.parametrize(
    ("path", "bits"),
    [
        ("compute/cores/max", 64),
        ("data/0/skao/datasize", 64),
        ("data/0/ivoa/obscore/calib_level", 32),
        ("data/0/ivoa/datalink/content_length", 32),
        ("executable/network/ports/0/internal/port", 32),
        ("executable/network/ports/0/external/port", 32),
    ],
)
def test_whole_numbers_are_of_as_many_bits_as_the_schema_says(path, bits):
    greatest = 2 ** (bits - 1) - 1
    for value in (greatest, -greatest - 1):
        assert after(path, value) == value
    for value in (greatest + 1, -greatest - 2):
        assert after(path, value) is None


@pytest.mark.parametrize(
    "path",
    ["executable", "compute", "meta", "schedule", "storage", "data/0", "connectors"],
)
@pytest.mark.parametrize("wrong", [5, "text", True])
def test_what_is_of_another_structure_is_left_out(path, wrong):
    document = conforming_session(at(path, wrong))

    assert document in ({}, {"data": []})


def test_null_is_as_good_as_absent():
    document = {
        "phase": None,
        "meta": None,
        "data": [{"kind": "urn:x", "skao": None}],
        "unknown": None,
    }

    assert conforming_session(document) == {
        "data": [{"kind": "urn:x"}],
        "unknown": None,
    }


def test_lists_lose_only_the_items_that_do_not_fit():
    document = {"connectors": [{"location": "a"}, 5, {"location": 6, "kind": "k"}]}

    assert conforming_session(document) == {
        "connectors": [{"location": "a"}, {"kind": "k"}]
    }


def test_components_without_a_kind_are_left_out():
    document = {
        "executable": {"phase": "RUNNING"},
        "compute": {"kind": "urn:c", "volumes": [{"path": "/x"}]},
        "storage": [{}, {"kind": "urn:s"}],
        "data": [{"kind": None}],
    }

    assert conforming_session(document) == {
        "compute": {"kind": "urn:c", "volumes": []},
        "storage": [{"kind": "urn:s"}],
        "data": [],
    }


@pytest.mark.parametrize("choices", [{}, {"values": None}, {"values": "ACCEPTED"}])
def test_an_option_that_is_a_choice_says_of_what(choices):
    option = {"kind": "uri:enum-value-option", "path": "phase", **choices}

    document = conforming_session({"meta": {"options": [option]}})

    assert document == {"meta": {"options": []}}


def test_options_are_of_a_known_kind_and_have_a_path():
    option = {
        "kind": "uri:enum-value-option",
        "path": "/phase",
        "values": ["CANCELLED"],
    }
    options = [
        option,
        {"kind": "urn:x", "path": "/x"},
        {"kind": option["kind"]},
        {"path": "/"},
    ]

    document = conforming_session({"meta": {"options": options}})

    assert document == {"meta": {"options": [option]}}


def test_unknown_kinds_and_members_pass():
    document = {
        "extension": {"phase": 5},
        "executable": {"kind": "urn:mine", "image": 5, "command": "run"},
        "data": [{"kind": "urn:mine", "cutout": {"ra": 1.5}, "skao": {"extra": [1]}}],
    }

    assert conforming_session(document) is document


def test_a_notebook_has_a_location():
    document = {"executable": {"kind": NOTEBOOK, "location": 5, "image": 6}}

    assert conforming_session(document)["executable"] == {"kind": NOTEBOOK, "image": 6}


def test_messages_of_sites_conform_too():
    message = {
        "kind": "urn:x",
        "level": "WARN",
        "values": {"a": "b"},
        "time": "then",
        "x": 1,
    }

    assert conforming_message(message) == {
        "kind": "urn:x",
        "level": "WARN",
        "values": {"a": "b"},
        "x": 1,
    }
