import json
from pathlib import Path

import pytest

from aggregator.wire.dialects import DIALECTS, detect_dialect

GOLDEN = Path(__file__).parents[2] / "data" / "dialects"
OLD = "https://www.purl.org/ivoa.net/EB/schema/types"
VERSIONED = "https://www.purl.org/ivoa.net/EB/schema/v1.0/types"
NEW = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"


def golden(name, file):
    return json.loads((GOLDEN / name / f"{file}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DIALECTS)
def test_a_full_request_tells_its_dialect(name):
    assert detect_dialect(golden(name, "request"), "none").name == name


@pytest.mark.parametrize("body", ["offer_set", "session"])
@pytest.mark.parametrize("name", DIALECTS)
def test_an_answer_tells_its_dialect_or_a_newer_one_that_fits(name, body):
    found = detect_dialect(golden(name, body), "none").name

    assert found == ("2026-04" if name == "2026-02" else name)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (
            {"executable": {"type": f"{OLD}/executables/docker-container-1.0"}},
            "2025-05",
        ),
        ({"executable": {"type": f"{OLD}/executable/docker-container-1.0"}}, "2025-11"),
        ({"executable": {"type": f"{OLD}/executable/docker-container"}}, "2025-11"),
        ({"executable": {"type": f"{OLD}/executable/quantum-1.0"}}, "2025-11"),
        (
            {"executable": {"kind": f"{VERSIONED}/executable/docker-container-1.0"}},
            "2026-04",
        ),
        (
            {"executable": {"kind": f"{NEW}/executable/docker-container.yaml"}},
            "2026-07",
        ),
        ({"executable": {"kind": f"{NEW}/executable/docker-container"}}, "2026-07"),
    ],
)
def test_the_family_of_a_uri_tells_the_dialect(document, name):
    assert detect_dialect(document, "none").name == name


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"executable": {"type": "urn:x"}}, "2025-11"),
        ({"executable": {"kind": "urn:x"}}, "2026-07"),
        ({"executable": {"type": "urn:x"}, "computer": {}}, "2025-06"),
        ({"executable": {"type": "urn:x"}, "resources": {"data": []}}, "2025-05"),
        ({"executable": {"type": "urn:x"}, "schedule": {"offered": {}}}, "2025-06"),
        ({"schedule": {"requested": {"start": ["P1D"]}}}, "2025-06"),
        ({"executable": {"kind": "urn:x"}, "volumes": [{"kind": "urn:v"}]}, "2026-02"),
        ({"compute": {"kind": "urn:x", "volumes": ["input"]}}, "2026-02"),
        ({"compute": {"kind": "urn:x", "volumes": [{"kind": "urn:v"}]}}, "2026-07"),
        ({"compute": {"kind": f"{VERSIONED}/compute/x", "volumes": ["a"]}}, "2026-02"),
        ({"meta": {"uuid": "x"}, "result": "NO"}, "2026-07"),
        ({"uuid": "x", "href": "y", "result": "NO"}, "2025-11"),
        ({"costs": [{"kind": "urn:x"}]}, "2026-07"),
    ],
)
def test_the_discriminator_and_the_nesting_tell_the_newest_that_fits(document, name):
    assert detect_dialect(document, "none").name == name


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (
            {"kind": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"},
            "2026-07",
        ),
        (
            {"type": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"},
            "2025-11",
        ),
        ({"update": {"type": "uri:enum-value-update"}}, "2025-11"),
        ({"update": {"path": "phase"}}, "2025-11"),
    ],
)
def test_updates_tell_their_dialect(document, name):
    assert detect_dialect(document, "none").name == name


@pytest.mark.parametrize("default", ["2025-11", "2026-07"])
@pytest.mark.parametrize(
    "document",
    [{}, {"executable": {}}, {"result": "NO"}, {"executable": 5, "data": "x"}],
)
def test_with_nothing_to_tell_by_it_is_the_default(document, default):
    assert detect_dialect(document, default).name == default


def test_uris_weigh_more_than_nesting():
    document = {
        "name": "said as in 2025-11",
        "executable": {"kind": f"{NEW}/executable/docker-container.yaml"},
        "volumes": [{"type": "urn:v"}],
    }

    assert detect_dialect(document, "none").name == "2026-07"
