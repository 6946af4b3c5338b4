"""Accept headers, one by one."""

import time

import pytest

from aggregator.domain.errors import NotAcceptable
from aggregator.wire.media import Accepted, MediaType, negotiate

JSON, YAML, XML = MediaType.JSON, MediaType.YAML, MediaType.XML

TABLE = [
    # Nothing said, or anything taken.
    (None, JSON, None),
    ("", JSON, None),
    (" , ,", JSON, None),
    ("*/*", JSON, None),
    ("application/*", JSON, None),
    # Names and aliases.
    ("application/json", JSON, None),
    ("Application/JSON", JSON, None),
    ("application/problem+json", JSON, None),
    ("application/yaml", YAML, None),
    ("text/yaml", YAML, None),
    ("application/yml", YAML, None),
    ("text/yml", YAML, None),
    ("application/x-yaml", YAML, None),
    ("text/x-yaml", YAML, None),
    ("application/vnd.ivoa.broker+yaml", YAML, None),
    ("text/*", YAML, None),
    ("application/json; charset=utf-8", JSON, None),
    # Qualities.
    ("application/json;q=0.5, application/yaml;q=0.9", YAML, None),
    ("application/json;q=0.9, application/yaml;q=0.5", JSON, None),
    ("application/yaml;q=0.001, text/html", YAML, None),
    ("*/*;q=0.1, application/yaml;q=0.2", YAML, None),
    ("application/json;q=0.1, */*", YAML, None),
    ("application/json;q=1.000, application/yaml;q=0.999", JSON, None),
    ("application/yaml;q=0.3, text/yaml;q=0.8, application/json;q=0.5", YAML, None),
    ("application/json ; Q=0.2 , application/yaml ; q=0.3", YAML, None),
    # A quality of zero takes a type out.
    ("application/json;q=0, */*", YAML, None),
    ("*/*, application/json;q=0.0", YAML, None),
    ("application/*;q=0, application/yaml", YAML, None),
    ("text/*;q=0, application/json", JSON, None),
    # Ties: the more specific range, then the earlier one, then our order.
    ("*/*, application/yaml", YAML, None),
    ("application/yaml, application/json", YAML, None),
    ("application/json, application/yaml", JSON, None),
    ("application/*, text/yaml", YAML, None),
    # The dialect.
    ("application/json;dialect=2026-07", JSON, "2026-07"),
    ('application/json;dialect="2026-07"', JSON, "2026-07"),
    ("application/json;Dialect=2025-11;q=0.4", JSON, "2025-11"),
    ("*/*;dialect=2026-02", JSON, "2026-02"),
    ("application/yaml;dialect=2026-07, */*;q=0.1", YAML, "2026-07"),
    ("*/*, application/yaml;dialect=2025-11", YAML, "2025-11"),
    ("application/json, application/json;dialect=2025-11", JSON, "2025-11"),
    (
        "application/json;dialect=2026-07;q=0.5, application/json;dialect=2025-11",
        JSON,
        "2025-11",
    ),
    ("application/json;dialect=2026-07;q=0, application/yaml", YAML, None),
    ("application/json;q=0, application/json;dialect=2026-07", JSON, "2026-07"),
    # What is malformed is passed over; alone it says nothing.
    ("garbage", JSON, None),
    ("garbage, application/yaml", YAML, None),
    ("application/yaml;q=abc, application/json;q=0.1", JSON, None),
    ("application/yaml;q=2, application/json;q=0.1", JSON, None),
    ("application/yaml;q=-1, application/json;q=0.1", JSON, None),
    ('application/yaml;x="a, application/json', JSON, None),
    ('application/json;x="a,b;q=0", application/yaml;q=0.5', JSON, None),
    ('application/json;x="\\",", application/yaml;q=0.5', JSON, None),
    ("application /json, application/yaml", YAML, None),
    # Browsers.
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON, None),
]


@pytest.mark.parametrize(("accept", "media", "dialect"), TABLE)
def test_the_answer_gets_what_the_client_likes_best(accept, media, dialect):
    assert negotiate(accept) == Accepted(media, dialect)


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml",
        "application/xhtml+xml",
        "image/*",
        "application/json;q=0",
        "*/*;q=0",
        "*/*;q=0.5, application/*;q=0, text/*;q=0",
        "application/json;dialect=2026-07;q=0",
    ],
)
def test_a_client_that_takes_none_of_ours_is_told_what_there_is(accept):
    with pytest.raises(NotAcceptable, match="application/json, application/yaml"):
        negotiate(accept)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/xml", XML),
        ("text/xml", XML),
        ("application/xml;q=0.9, application/json;q=0.8", XML),
        ("*/*", JSON),
        ("application/json, application/xml", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", XML),
        ("application/xhtml+xml, application/json;q=0.1", JSON),
    ],
)
def test_xml_is_there_for_those_who_offer_it(accept, media):
    assert negotiate(accept, (JSON, YAML, XML)) == Accepted(media, None)


def test_the_first_offered_is_the_default():
    assert negotiate(None, (YAML, JSON)).media is YAML
    assert negotiate("*/*", (YAML, JSON)).media is YAML


@pytest.mark.parametrize(
    "accept",
    ['"' * 8000, '"\\' * 4000, "a/b;" * 2000, "a/b;x=" * 1500, "," * 8000, "/" * 8000],
)
def test_headers_made_to_be_slow_are_not(accept):
    start = time.perf_counter()
    negotiate(accept + ", application/json")
    assert time.perf_counter() - start < 5
