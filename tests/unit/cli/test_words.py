from datetime import UTC, datetime

import pytest

from aggregator.cli import words
from aggregator.domain.offers import Amount


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (0.0, "now"), (0.4, "now"), (-3, "now"), (200.2, "in 3 min 20 s")],
)
def test_times_from_now(seconds, text):
    assert words.in_time(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "?"), (0, "0 B"), (27487790694400, "25.0 TiB")]
)
def test_sizes(count, text):
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Amount(), "?"),
        (Amount(2, 2), "2 GiB"),
        (Amount(2, 4), "2-4 GiB"),
        (Amount(None, 4), "4 GiB"),
        (Amount(0, None), "0 GiB"),
    ],
)
def test_amounts(found, text):
    assert words.amount(found, "GiB") == text


def test_moments():
    assert words.moment(None) == "?"
    assert (
        words.moment(datetime(2026, 1, 2, 3, 4, 5, 6, UTC)) == "2026-01-02 03:04:05 UTC"
    )
