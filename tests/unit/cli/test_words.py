from datetime import UTC, datetime

import pytest

from aggregator.cli import words
from aggregator.client import SiteReport
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


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"outcome": "unauthorized"}, "it wants credentials"),
        (
            {"outcome": "unauthorized", "detail": "it answered 401"},
            "it wants credentials: it answered 401",
        ),
        (
            {"outcome": "forbidden", "detail": "it answered 403"},
            "it doesn't allow this user: it answered 403",
        ),
        ({"outcome": "error_5xx", "detail": "it answered 500"}, "it answered 500"),
        ({"outcome": "cancelled"}, "no answer before the set was decided"),
        ({"outcome": "no_offer", "messages": [{"template": "full"}]}, "full"),
        ({"outcome": "no_offer"}, "it said NO"),
        ({"outcome": "something_new"}, "something new"),
    ],
)
def test_why_a_site_made_no_offer(document, text):
    assert words.no_offer_because(SiteReport(document)) == text


def test_what_did_not_happen_yet():
    assert words.ago(None) == "not yet"


def test_moments():
    assert words.moment(None) == "?"
    assert (
        words.moment(datetime(2026, 1, 2, 3, 4, 5, 6, UTC)) == "2026-01-02 03:04:05 UTC"
    )
