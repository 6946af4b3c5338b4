import pytest

from aggregator.wire.sizes import are_large

PART = {"kind": "uri:part"}


@pytest.mark.parametrize(
    "session",
    [
        {"data": [PART] * 300},
        {"data": [PART] * 150, "storage": [PART] * 150},
        {"resources": {"data": [PART] * 300}},
        {"compute": {"volumes": [PART] * 300}},
    ],
)
def test_components_count_wherever_they_stand(session):
    assert are_large([session] * 4)
    assert not are_large([session] * 3)


def test_what_is_no_session_counts_nothing():
    assert not are_large([None, [PART] * 5000, "data", 7])
