import copy

import pytest

from aggregator.wire.repairs import repaired

VOLUME = {"path": "/in", "meta": {"name": "v"}}


def with_compute(**compute):
    return {"executable": {}, "compute": compute}


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"executable": "x", "compute": "y"},
        {"executable": {"digest": "d"}},
        {"executable": {"digest": 5, "image": {}}},
        {"executable": {"digest": "d", "image": "x"}},
        {"executable": {"digest": "d", "image": {"digest": "other"}}},
        with_compute(resources=["a"]),
        with_compute(resources=["a"], volumes=[]),
        with_compute(resources=["a"], volumes="x"),
        with_compute(resources=[], volumes=[VOLUME]),
        with_compute(resources=[5], volumes=[VOLUME]),
        with_compute(resources={"gpu": 1}, volumes=[VOLUME]),
        with_compute(resources=["a"], volumes=[{**VOLUME, "resource": "b"}, 5]),
        with_compute(resources=["a"], volumes=[{**VOLUME, "resources": ["b", "c"]}]),
    ],
)
def test_a_request_that_needs_no_repair_is_returned_itself(request_):
    assert repaired(request_) is request_


def test_a_digest_beside_the_image_is_the_images_too():
    request = {
        "executable": {"digest": "d", "image": {"digest": None, "locations": []}}
    }
    before = copy.deepcopy(request)

    found = repaired(request)

    assert found["executable"] == {
        "digest": "d",
        "image": {"digest": "d", "locations": []},
    }
    assert request == before


def test_resources_beside_volumes_are_those_of_volumes_that_name_none():
    other = {"path": "/out", "resource": "c"}
    request = with_compute(
        resources=["a", "b"], volumes=[VOLUME, other, {"path": "/x"}]
    )
    before = copy.deepcopy(request)

    found = repaired(request)

    assert found["compute"]["volumes"] == [
        {**VOLUME, "path": "/in/a", "resource": "a"},
        {**VOLUME, "path": "/in/b", "resource": "b"},
        other,
        {"meta": {"name": "unnamed-volume-2"}, "path": "/x/a", "resource": "a"},
        {"meta": {"name": "unnamed-volume-2"}, "path": "/x/b", "resource": "b"},
    ]
    assert found["compute"]["resources"] == ["a", "b"]
    assert request == before


def test_a_single_resource_leaves_the_path_as_it_is():
    found = repaired(with_compute(resources=["a"], volumes=[VOLUME]))

    assert found["compute"]["volumes"] == [{**VOLUME, "resource": "a"}]
