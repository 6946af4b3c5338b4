import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import strict_yaml
from aggregator.domain.errors import InvalidInput
from aggregator.domain.offers import Amount, DataItem, Quote
from aggregator.domain.replicas import Did
from aggregator.domain.schedules import StartInterval
from aggregator.wire.dialects import CANONICAL_KINDS, DIALECTS
from aggregator.wire.reading import read_request

DATA = Path(__file__).parents[2] / "data"
OLD = "https://www.purl.org/ivoa.net/EB/schema/types"
DOCKER = CANONICAL_KINDS["executable/docker-container"]
COMPUTE = CANONICAL_KINDS["compute/simple-compute-resource"]
SKAO = CANONICAL_KINDS["data/skao-data-resource"]
COST = CANONICAL_KINDS["costs/simple-minmax-float-cost"]


def golden(name, file="request"):
    path = DATA / "dialects" / name / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def a_request(**parts):
    return {"executable": {"kind": "urn:x"}, **parts}


def scheduled(**requested):
    return a_request(schedule={"requested": requested})


def violations(document, default="2026-07"):
    with pytest.raises(InvalidInput) as caught:
        read_request(document, default)
    return [(each.pointer, each.reason) for each in caught.value.violations]


def pointers(document, default="2026-07"):
    return [pointer for pointer, _ in violations(document, default)]


@pytest.mark.parametrize("name", DIALECTS)
def test_what_ranking_reads_is_the_same_in_every_dialect(name):
    request = read_request(golden(name), "none")

    assert request.dialect == name
    assert request.name == "image-two-fields"
    assert request.executable_kind == "docker-container"
    assert request.duration == 6 * 3600
    assert request.start == StartInterval(
        datetime(2026, 9, 1, 18, tzinfo=UTC), datetime(2026, 9, 2, 6, tzinfo=UTC)
    )
    assert request.cores == Amount(4, 16)
    assert request.memory == Amount(8, 64)
    assert request.data[:3] == (
        DataItem(
            "field-7", Did("lofar", "L2026-field-7"), 27487790694400, ("NLSRC_DCACHE",)
        ),
        DataItem("field-8", Did("lofar", "L2026-field-8")),
        DataItem("calibrator"),
    )
    assert request.data[3] == DataItem("catalogue", Did("lofar", "catalogue-2026"))
    assert [item.name for item in request.data[4:]] == ["survey", "model", "cutout"]
    assert request.payload == golden("2026-07")
    assert request.residue == {}


def test_costs_and_metrics_are_limits():
    costs = [
        {"kind": COST, "type": "urn:money", "max": 1.5},
        {"kind": COST, "type": "urn:carbon", "min": 1, "max": 2},
        {"kind": COST, "max": 3.0},
    ]

    request = read_request(a_request(costs=costs, metrics=costs[:1]), "2026-07")

    money = Quote("urn:money", None, 1.5)
    assert request.costs == (money, Quote("urn:carbon", 1.0, 2.0))
    assert request.metrics == (money,)


@pytest.mark.parametrize(
    ("uri", "short"),
    [
        (f"{OLD}/executable/jupyter-notebook-1.0", "jupyter-notebook"),
        (f"{OLD}/executables/jupyter-notebook", "jupyter-notebook"),
        ("https://example.org/kinds/quantum-circuit-2.10.3.yaml", "quantum-circuit"),
        ("https://example.org/kinds/s3-thing.yaml", "s3-thing"),
        ("urn:mine", "urn:mine"),
    ],
)
def test_the_short_kind_of_an_executable(uri, short):
    assert (
        read_request({"executable": {"kind": uri}}, "2026-07").executable_kind == short
    )


@pytest.mark.parametrize(
    ("document", "default", "dialect"),
    [
        ({"executable": {"kind": "urn:x"}}, "2025-11", "2026-07"),
        ({"executable": {"type": "urn:x"}}, "2026-07", "2025-11"),
    ],
)
def test_the_dialect_is_told_from_the_request(document, default, dialect):
    assert read_request(document, default).dialect == dialect


@pytest.mark.parametrize(
    "document",
    [
        {"name": "n", "executable": {"kind": "urn:x"}},
        {"meta": {"name": "n"}, "executable": {"kind": "urn:x"}},
        {"name": "n", "executable": {"type": "urn:x"}},
    ],
)
def test_the_name_of_a_request_stands_in_either_place(document):
    assert read_request(document, "2026-07").name == "n"


def test_a_request_of_mixed_dialects_is_read_where_its_meaning_is_clear():
    document = {
        "name": "mixed",
        "executable": {"kind": DOCKER, "meta": {"name": "e"}, "image": {"digest": "d"}},
        "computer": {
            "type": f"{OLD}/compute/simple-compute-resource-1.0",
            "cores": {"min": 2},
        },
        "data": [{"type": f"{OLD}/data/skao-data-resource-1.0", "name": "d"}],
    }

    request = read_request(document, "2025-11")

    assert request.dialect == "2026-07"
    assert request.cores == Amount(2, None)
    assert request.data == (DataItem("d"),)
    assert request.payload["compute"]["kind"] == COMPUTE
    assert request.payload["data"][0]["kind"] == SKAO


# Repairs


def the_reference_request():
    text = (DATA / "reference-request.yaml").read_text(encoding="utf-8")
    return strict_yaml.load(text)


def with_digest_in_image(document):
    executable = document["executable"]
    executable["image"]["digest"] = executable.pop("digest")


def with_volumes_on_top(document):
    document["volumes"] = document["compute"].pop("volumes")


def with_volumes_named(document):
    with_volumes_on_top(document)
    document["compute"]["volumes"] = ["Input data"]


def with_resources_in_volume(document):
    volume = document["compute"]["volumes"][0]
    volume["resources"] = document["compute"].pop("resources")


VARIANTS = [
    [],
    [with_digest_in_image],
    [with_volumes_on_top],
    [with_volumes_named],
    [with_resources_in_volume],
    [with_resources_in_volume, with_volumes_named, with_digest_in_image],
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_reference_request_is_repaired_by_adding(changes):
    document = the_reference_request()
    for change in changes:
        change(document)
    before = copy.deepcopy(document)

    request = read_request(document, "2026-07")

    assert request.dialect == "2025-11"
    assert request.name == "notebook-test"
    assert request.payload["executable"]["image"]["digest"] == "0000"
    volumes = request.payload["compute"]["volumes"]
    assert [
        (volume["meta"]["name"], volume["path"], volume["resource"], volume["mode"])
        for volume in volumes
    ] == [
        ("Input data", "/inputs/example-data-01", "example-data-01", "READONLY"),
        ("Input data", "/inputs/example-data-02", "example-data-02", "READONLY"),
    ]
    assert [str(item.did) for item in request.data] == [
        "testing:zrq-test-20250509-082506",
        "testing:zrq-test-20250509-094501",
    ]
    assert document == before


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_repaired_request_is_restored_as_it_was_written(changes):
    document = the_reference_request()
    for change in changes:
        change(document)
    request = read_request(document, "2026-07")
    dialect = DIALECTS["2025-11"]

    found = dialect.request_to_canonical(document)
    repaired = type(found)(dict(request.payload), dict(request.residue))

    assert dialect.request_from_canonical(repaired) == document


def test_a_repair_changes_nothing_that_is_said():
    volume = {"kind": "urn:v", "path": "/x", "resource": "mine"}
    document = {
        "executable": {"kind": DOCKER, "digest": "outer", "image": {"digest": "inner"}},
        "compute": {"kind": COMPUTE, "resources": ["other"], "volumes": [volume]},
    }

    request = read_request(document, "2026-07")

    assert request.payload is document


def test_a_request_of_the_newest_dialect_is_repaired_and_restored_too():
    document = {
        "executable": {
            "kind": DOCKER,
            "digest": "sha256:1",
            "image": {"locations": ["x"]},
        },
        "compute": {
            "kind": COMPUTE,
            "resources": ["a"],
            "volumes": [{"kind": "urn:v", "path": "/x", "resource": None}],
        },
    }

    request = read_request(document, "2026-07")

    assert request.payload["executable"]["image"]["digest"] == "sha256:1"
    assert request.payload["compute"]["volumes"][0]["resource"] == "a"
    dialect = DIALECTS["2026-07"]
    found = dialect.request_to_canonical(document)
    repaired = type(found)(dict(request.payload), dict(request.residue))
    assert dialect.request_from_canonical(repaired) == document


# Times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT10M", 600),
        ("P1D", 86400),
        ("P2W", 1209600),
        ("P1M", 365.2425 / 12 * 86400),
        ("P1Y", 365.2425 * 86400),
        ("PT1.5S", 1.5),
        ("P1Y2M3DT4H5M6S", 365.2425 / 12 * 14 * 86400 + 3 * 86400 + 14706),
    ],
)
def test_durations_with_years_and_months_have_their_mean_length(text, seconds):
    request = read_request(scheduled(duration=text), "2026-07")

    assert request.duration == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2026-01-31T10:00:00Z/2026-01-31T12:00:00Z", (1, 31, 10), (1, 31, 12)),
        ("2026-01-31T10:00:00Z/P1M", (1, 31, 10), (2, 28, 10)),
        ("PT2H/2026-01-31T12:00:00Z", (1, 31, 10), (1, 31, 12)),
        ("2026-01-31T10:00:00Z", (1, 31, 10), (1, 31, 10)),
        ("2026-01-31T12:00:00+02:00/PT0S", (1, 31, 10), (1, 31, 10)),
        ("2026-01-31T05:00:00-05:00/PT0S", (1, 31, 10), (1, 31, 10)),
        ("2026-01-31T10:00:00/PT0S", (1, 31, 10), (1, 31, 10)),
        ("2026-01-31/2026-02-01", (1, 31, 0), (2, 1, 0)),
    ],
)
def test_intervals_in_every_form_and_offset(text, earliest, latest):
    request = read_request(scheduled(start=text), "2026-07")

    assert request.start == StartInterval(
        datetime(2026, *earliest, tzinfo=UTC), datetime(2026, *latest, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "text",
    [
        "PT2H",
        "soon",
        "",
        "2026-13-01/PT1H",
        "2026-01-02/2026-01-01",
        "9999-12-31T00:00:00Z/P1Y",
        "/",
        "PT1H/PT1H",
    ],
)
def test_a_start_that_is_no_interval_is_refused(text):
    assert pointers(scheduled(start=text)) == ["/schedule/requested/start"]


@pytest.mark.parametrize(
    "text", ["PT", "10 minutes", "", "00:10:00", "-PT10M", "PT0S", "P1"]
)
def test_a_duration_that_is_none_is_refused(text):
    assert pointers(scheduled(duration=text)) == ["/schedule/requested/duration"]


# Refusals


@pytest.mark.parametrize("document", [None, [], "text", 5, 1.5, True])
def test_what_is_no_mapping_is_no_request(document):
    assert violations(document) == [("", "is not a mapping, as every request is")]


@pytest.mark.parametrize("default", ["2025-11", "2026-07"])
def test_an_executable_is_required(default):
    assert violations({}, default) == [("/executable", "is required")]
    assert violations({"name": "n"}, default) == [("/executable", "is required")]
    assert violations({"executable": None}) == [("/executable", "must be a mapping")]
    assert violations({"executable": "x"}) == [("/executable", "must be a mapping")]


@pytest.mark.parametrize(("default", "key"), [("2025-11", "type"), ("2026-07", "kind")])
def test_the_kind_of_an_executable_is_required_under_the_dialects_own_name(
    default, key
):
    assert violations({"executable": {}}, default) == [
        (f"/executable/{key}", "is required")
    ]
    assert pointers({"executable": {key: ""}}, default) == [f"/executable/{key}"]
    assert pointers({"executable": {key: 5}}, default) == [f"/executable/{key}"]


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        (
            {"compute": {"kind": COMPUTE, "cores": {"min": 4, "max": 2}}},
            "/compute/cores",
        ),
        ({"compute": {"kind": COMPUTE, "cores": {"min": "2"}}}, "/compute/cores/min"),
        ({"compute": {"kind": COMPUTE, "cores": {"min": 2.5}}}, "/compute/cores/min"),
        ({"compute": {"kind": COMPUTE, "cores": {"min": True}}}, "/compute/cores/min"),
        ({"compute": {"kind": COMPUTE, "memory": {"min": -1}}}, "/compute/memory/min"),
        ({"compute": {"kind": COMPUTE, "memory": 4}}, "/compute/memory"),
        ({"compute": {"cores": {"min": 1}}}, "/compute/kind"),
        ({"compute": {"kind": COMPUTE, "volumes": "x"}}, "/compute/volumes"),
        ({"compute": {"kind": COMPUTE, "volumes": ["x"]}}, "/compute/volumes/0"),
        ({"compute": {"kind": COMPUTE, "volumes": [5]}}, "/compute/volumes/0"),
        (
            {
                "compute": {
                    "kind": COMPUTE,
                    "volumes": [{"kind": "urn:v", "mode": "RW"}],
                }
            },
            "/compute/volumes/0/mode",
        ),
        ({"storage": {"kind": "urn:s"}}, "/storage"),
        ({"storage": [{}]}, "/storage/0/kind"),
        ({"data": [{"kind": SKAO}, 5]}, "/data/1"),
        ({"data": [{"kind": SKAO, "skao": {"datasize": -1}}]}, "/data/0/skao/datasize"),
        (
            {"data": [{"kind": SKAO, "skao": {"replicas": [1]}}]},
            "/data/0/skao/replicas/0",
        ),
        ({"data": [{"kind": SKAO, "meta": {"name": 5}}]}, "/data/0/meta/name"),
        ({"schedule": "now"}, "/schedule"),
        ({"schedule": {"requested": []}}, "/schedule/requested"),
        ({"costs": [{"max": "1"}]}, "/costs/0/max"),
        ({"metrics": {}}, "/metrics"),
        ({"meta": "n"}, "/meta"),
        ({"name": 5}, "/name"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(parts, pointer):
    assert pointers(a_request(**parts)) == [pointer]


@pytest.mark.parametrize(
    ("executable", "pointer"),
    [
        ({"image": "x"}, "/executable/image"),
        ({"image": {"locations": "x"}}, "/executable/image/locations"),
        ({"image": {"locations": [1]}}, "/executable/image/locations/0"),
        ({"image": {"digest": 0}}, "/executable/image/digest"),
        ({"digest": 0}, "/executable/digest"),
    ],
)
def test_the_image_is_checked_where_the_executable_is_a_container(executable, pointer):
    assert pointers({"executable": {"kind": DOCKER, **executable}}) == [pointer]
    read_request({"executable": {"kind": "urn:other", **executable}}, "2026-07")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"computer": {"type": "urn:c", "cores": {"min": "x"}}}, "/computer/cores/min"),
        (
            {"resources": {"compute": [{"type": "urn:c", "cores": {"min": "x"}}]}},
            "/resources/compute/0/cores/min",
        ),
        (
            {"resources": {"data": [{"type": "urn:d"}, {"type": 5}]}},
            "/resources/data/1/type",
        ),
        ({"data": [{"type": "urn:d", "name": 5}]}, "/data/0/name"),
        (
            {
                "compute": {"type": "urn:c", "volumes": ["b"]},
                "volumes": [
                    {"name": "a", "type": "urn:v"},
                    {"name": "b", "type": "urn:v", "path": 5},
                ],
            },
            "/volumes/1/path",
        ),
        (
            {
                "compute": {"type": "urn:c"},
                "volumes": [
                    {
                        "name": "a",
                        "type": "urn:v",
                        "path": "/a",
                        "resources": ["x", "y"],
                    },
                    {"name": "b", "type": "urn:v", "path": "/b", "mode": "?"},
                ],
            },
            "/volumes/1/mode",
        ),
        (
            {"resources": {"compute": [{"type": "urn:c", "volumes": ["none"]}]}},
            "/resources/compute/0/volumes/0",
        ),
        (
            {
                "compute": {
                    "type": "urn:c",
                    "volumes": [{"type": "urn:v", "resources": [5]}],
                }
            },
            "/compute/volumes/0/resources/0",
        ),
    ],
)
def test_the_place_is_that_in_the_document_as_it_was_written(document, pointer):
    document = {"executable": {"type": "urn:x"}, **document}

    assert pointers(document) == [pointer]


@pytest.mark.parametrize(
    ("key", "item", "pointer"),
    [
        ("kind", {"kind": SKAO, "meta": {"name": "twice"}}, "/data/2/meta/name"),
        ("type", {"type": "urn:d", "name": "twice"}, "/data/2/name"),
    ],
)
def test_names_of_data_are_unique(key, item, pointer):
    other = {key: "urn:d"}
    document = {"executable": {key: "urn:x"}, "data": [item, other, item, other]}

    assert violations(document) == [
        (pointer, "there is another data resource named 'twice'")
    ]


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"compute": {"type": "urn:a"}, "computer": {"type": "urn:b"}}, "/computer"),
        (
            {"resources": {"compute": [{"type": "urn:a"}, {"type": "urn:b"}]}},
            "/resources/compute/1",
        ),
        (
            {"data": [], "resources": {"data": [{"type": "urn:a"}]}},
            "/resources/data",
        ),
        ({"volumes": {"a": "b"}}, "/volumes"),
        (
            {"data": [{"kind": SKAO, "type": f"{OLD}/data/S3-data-resource-1.0"}]},
            "/data/0/type",
        ),
    ],
)
def test_what_is_said_twice_is_refused(parts, pointer):
    assert pointers({"executable": {"type": "urn:x"}, **parts}) == [pointer]


def test_several_violations_are_told_at_once_but_not_without_end():
    data = [{"kind": SKAO, "skao": {"datasize": -1}} for _ in range(500)]

    found = violations({"executable": {}, "data": data})

    assert found[0] == ("/executable/kind", "is required")
    assert len(found) == 20


def test_reasons_repeat_no_endless_text():
    found = violations(scheduled(duration="x" * 100_000))

    assert len(found[0][1]) < 300


# Numbers


@pytest.mark.parametrize("size", [0, 2**31, 2**53 + 1, 2**63 - 1])
def test_sizes_of_64_bits_are_kept(size):
    document = a_request(data=[{"kind": SKAO, "skao": {"datasize": size}}])

    request = read_request(document, "2026-07")

    assert request.data[0].size == size


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**63, "is an integer of more than 64 bits"),
        (-(2**63) - 1, "is an integer of more than 64 bits"),
        (float("nan"), "is not a finite number"),
        (float("inf"), "is not a finite number"),
        (float("-inf"), "is not a finite number"),
        (b"bytes", "is of a type that JSON doesn't have"),
    ],
)
def test_numbers_that_json_cannot_carry_are_refused_anywhere(value, reason):
    document = a_request(extension=[{"a/b": {"~c": [1, value]}}])

    assert violations(document) == [("/extension/0/a~1b/~0c/1", reason)]


def test_keys_are_texts():
    assert violations(a_request(extension={5: 1})) == [
        ("/extension", "has a key that is not a text")
    ]


def nested(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_has_a_bound():
    read_request(a_request(extension=nested(63)), "2026-07")

    deep = "is nested in more than 64 levels"
    assert violations(a_request(extension=nested(64))) == [("", deep)]
    assert violations(a_request(extension=nested(5000))) == [("", deep)]
