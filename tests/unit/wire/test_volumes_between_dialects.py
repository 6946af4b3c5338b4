"""Volumes: inside compute or beside it, one resource or several, named or not."""

import pytest

from aggregator.wire.dialects import CANONICAL_KINDS, DIALECTS, Canonical

OLD = "https://www.purl.org/ivoa.net/EB/schema/types"
VOLUME = f"{OLD}/volume/simple-volume-mount-1.0"
COMPUTE = f"{OLD}/compute/simple-compute-resource-1.0"
KIND = CANONICAL_KINDS["volume/simple-volume-mount"]

LISTING = ("2025-05", "2025-06", "2025-11", "2026-02")


def canonical(**body):
    return DIALECTS["2025-11"].request_to_canonical(body)


def restored(document_canonical, name="2025-11"):
    return DIALECTS[name].request_from_canonical(document_canonical)


def a_request(*volumes):
    return {
        "executable": {"kind": "urn:x"},
        "compute": {"kind": CANONICAL_KINDS["compute/simple-compute-resource"]}
        | ({"volumes": [*volumes]} if volumes else {}),
    }


def a_volume(path="/in", resource="a", **more):
    return {"kind": KIND, **more, "path": path, "resource": resource}


def through(name, payload):
    """Return a canonical request as it comes back from a site of the dialect."""
    dialect = DIALECTS[name]
    document = dialect.request_from_canonical(Canonical(payload))
    return document, dialect.request_to_canonical(document).payload


def test_a_name_stands_for_the_volume_beside_compute():
    volume = {"name": "in", "type": VOLUME, "path": "/in", "resources": ["a"]}

    found = canonical(compute={"type": COMPUTE, "volumes": ["in"]}, volumes=[volume])

    inside = [{"kind": KIND, "meta": {"name": "in"}, "path": "/in", "resource": "a"}]
    assert found.payload["compute"]["volumes"] == inside
    assert "volumes" not in found.payload
    assert found.residue == {}


def test_volumes_that_no_name_stands_for_are_mounted_too():
    document = {
        "compute": {"type": COMPUTE, "volumes": ["b"]},
        "volumes": [{"name": "a", "path": "/a"}, {"name": "b", "path": "/b"}],
    }

    found = canonical(**document)

    paths = [volume["path"] for volume in found.payload["compute"]["volumes"]]
    assert paths == ["/b", "/a"]
    assert restored(found) == document


def test_volumes_without_a_compute_resource_get_one():
    document = {"volumes": [{"name": "a", "type": VOLUME, "path": "/a"}]}

    found = canonical(**document)

    assert found.payload["compute"]["kind"].endswith("simple-compute-resource.yaml")
    assert found.payload["compute"]["volumes"][0]["path"] == "/a"
    assert restored(found) == document


def test_all_three_ways_in_one_request():
    document = {
        "compute": {"type": COMPUTE, "volumes": [{"type": VOLUME, "path": "/x"}, "n"]},
        "volumes": [{"name": "m", "path": "/m"}, {"name": "n", "path": "/n"}],
    }

    found = canonical(**document)

    paths = [volume["path"] for volume in found.payload["compute"]["volumes"]]
    assert paths == ["/x", "/n", "/m"]
    assert restored(found) == document


def test_a_name_of_no_volume_stays():
    document = {"compute": {"volumes": ["nowhere"]}, "volumes": [{"name": "a"}]}

    found = canonical(**document)

    assert found.payload["compute"]["volumes"][0] == "nowhere"
    assert restored(found) == document


def test_two_volumes_of_one_name_are_taken_in_their_order():
    document = {
        "compute": {"volumes": ["v", "v", "v"]},
        "volumes": [{"name": "v", "path": "/1"}, {"name": "v", "path": "/2"}],
    }

    found = canonical(**document)

    paths = [volume["path"] for volume in found.payload["compute"]["volumes"]]
    assert paths == ["/1", "/2", "/2"]
    assert restored(found) == document


@pytest.mark.parametrize("path", ["/inputs", "/inputs/"])
def test_a_volume_of_several_resources_becomes_one_each(path):
    document = {
        "compute": {"volumes": ["in"]},
        "volumes": [
            {"name": "in", "type": VOLUME, "path": path, "resources": ["a", "b"]}
        ],
    }

    found = canonical(**document)

    assert [
        (volume["meta"]["name"], volume["path"], volume["resource"])
        for volume in found.payload["compute"]["volumes"]
    ] == [("in", "/inputs/a", "a"), ("in", "/inputs/b", "b")]
    assert restored(found) == document


def test_at_the_root_the_parts_stand_below_the_root():
    document = {
        "compute": {},
        "volumes": [{"name": "v", "path": "/", "resources": ["a", "b"]}],
    }

    found = canonical(**document)

    paths = [volume["path"] for volume in found.payload["compute"]["volumes"]]
    assert paths == ["/a", "/b"]
    assert restored(found) == document


@pytest.mark.parametrize("name", LISTING)
def test_parts_of_one_volume_are_one_again_where_resources_are_listed(name):
    payload = a_request(
        a_volume("/in/a", "a", meta={"name": "in"}, mode="READONLY"),
        a_volume("/in/b", "b", meta={"name": "in"}, mode="READONLY"),
        a_volume("/in/c", "c", meta={"name": "other"}, mode="READONLY"),
    )

    document, again = through(name, payload)

    volumes = document.get("volumes") or document["resources"]["volumes"]
    assert [volume["resources"] for volume in volumes] == [["a", "b"], ["c"]]
    assert [volume["path"] for volume in volumes] == ["/in", "/in/c"]
    assert again == payload


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "volumes",
    [
        [],
        [a_volume()],
        [a_volume(), a_volume("/in2", "b")],
        [a_volume("/in/a", "a"), a_volume("/in/b", "b")],
        [a_volume(meta={"uuid": "u1"})],
        [a_volume(meta={"name": "v"}), a_volume("/2", "b", meta={"name": "v"})],
        [a_volume("/in/a", meta={"name": "v"}), a_volume("/in/a", meta={"name": "v"})],
        [a_volume("//a", meta={"name": "v"}), a_volume("//b", "b", meta={"name": "v"})],
        [
            a_volume("/in/a", "a", meta={"name": "v"}, mode="READONLY"),
            a_volume("/in/b", "b", meta={"name": "v"}, mode="READWRITE"),
        ],
        [{"kind": KIND, "path": "/scratch"}],
        [{"kind": KIND, "meta": {"name": 5}, "path": "/odd", "resource": "a"}],
        [{"kind": KIND, "path": "/x", "resource": "a", "cardinality": "CONTAINER"}],
        [{"kind": KIND, "path": "/x", "resource": "a", "cardinality": "SINGLE"}],
        [{"kind": KIND, "path": "/x", "resource": "a", "resources": "mine"}],
    ],
)
def test_volumes_come_back_from_every_dialect_as_they_were(name, volumes):
    payload = a_request(*volumes)

    _, again = through(name, payload)

    assert again == payload


@pytest.mark.parametrize("name", LISTING)
def test_volumes_without_a_name_get_one_where_compute_must_name_them(name):
    document, _ = through(name, a_request(a_volume(), a_volume("/out", "b")))

    body = document.get("resources", document)
    compute = body.get("compute", body.get("computer"))
    compute = compute[0] if isinstance(compute, list) else compute
    names = [volume.get("name") or volume["meta"]["name"] for volume in body["volumes"]]
    assert compute["volumes"] == names
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("written", "single"),
    [
        ({"resource": "a"}, {"resource": "a"}),
        ({"resources": ["a"]}, {"resource": "a"}),
        ({"resources": "a"}, {"resource": "a"}),
        ({"resource": ["a"]}, {"resource": "a"}),
        ({"resources": []}, {"resources": []}),
        ({"resources": [5]}, {"resources": [5]}),
        ({"resources": ["a", "b"]}, {"resources": ["a", "b"]}),
    ],
)
def test_one_resource_or_a_list(written, single):
    """Several resources need a path that their own can be below."""
    document = {"compute": {"volumes": [written]}}

    found = canonical(**document)

    assert found.payload["compute"]["volumes"] == [single]
    assert restored(found) == document


def test_an_unnamed_volume_of_several_resources_is_restored():
    document = {
        "compute": {
            "volumes": [{"type": VOLUME, "path": "/in", "resources": ["a", "b"]}]
        }
    }

    found = canonical(**document)
    _, again = through("2026-02", found.payload)

    assert again == found.payload
    assert restored(Canonical(again, found.residue)) == document


@pytest.mark.parametrize("volumes", [None, [], "x", 5, {"a": 1}])
@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_no_list_of_volumes_stays(name, volumes):
    for document in ({"volumes": volumes}, {"compute": {"volumes": volumes}}):
        found = DIALECTS[name].request_to_canonical(document)

        assert DIALECTS[name].request_from_canonical(found) == document


@pytest.mark.parametrize("name", LISTING)
def test_the_parts_of_one_volume_are_named_apart(name):
    uuids = [f"6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a1{digit}" for digit in range(3)]
    volumes = [
        a_volume(f"/in/{part}", part, meta={"uuid": uuid, "name": called})
        for part, uuid, called in zip("abc", uuids, ("in", "in", "out"), strict=True)
    ]

    document, again = through(name, a_request(*volumes))

    block = document.get("resources", document)
    compute = block.get("computer") or block["compute"]
    compute = compute[0] if isinstance(compute, list) else compute
    assert compute["volumes"] == [uuids[0], uuids[1], "out"]
    assert again == a_request(*volumes)
