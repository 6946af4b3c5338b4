"""Bodies of sites: what is understood, and what is refused."""

import pytest

from aggregator.domain.outcomes import Outcome
from tests.support.raw_site import answers, http, raw_site
from tests.support.site_calls import caller_of, reading, within

BOM = b"\xef\xbb\xbf"


async def read(session, body, content_type):
    async with raw_site(answers(http(200, body, content_type))) as site:
        return await caller_of(site.url, session).ask(reading(), within())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"a": 1}', "application/json"),
        (b'{"a": 1}', "application/json;charset=UTF-8"),
        (b'{"a": 1}', "application/problem+json"),
        (b'{"a": 1}', ""),
        (b'\r\n {"a": 1}', "text/plain"),
        (b'{"a": 1}', "text/html; charset=utf-8"),
        (BOM + b'{"a": 1}', "application/json"),
        (b'{"a": 0, "a": 1}', "application/json"),
        (b"a: 1", "application/yaml"),
        (BOM + b"a: 1", "Text/YAML; charset=utf-8"),
        (b'{"a": 1}', "application/x-yaml"),
    ],
)
async def test_an_object_is_understood(session, body, content_type):
    assert await read(session, body, content_type) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "content_type", "word"),
    [
        (b'{"a": 1', "application/json", "JSON"),
        (b'{"a": NaN}', "application/json", "JSON"),
        (b"\xff\xfe{\x00}\x00", "application/json", "JSON"),
        (b'{"a": ' * 10_000 + b"1" + b"}" * 10_000, "application/json", "JSON"),
        (b"<html></html>", "text/html", "HTML"),
        (b"<html></html>", "application/json", "JSON"),
        (b"<a/>", "application/xml;charset=utf-8", "XML"),
        (b"a: 1", "text/plain", "text/plain"),
        (b"a: 1", "", "no known type"),
        (b" \r\n", "application/json", "empty"),
        (b"[1]", "application/json", "object"),
        (b'"text"', "application/json", "object"),
        (b"a: [1", "application/yaml", "YAML"),
        (b"a: &a [1]\nb: [*a, *a]", "application/yaml", "YAML"),
    ],
)
async def test_what_is_no_object_is_a_bad_payload(session, body, content_type, word):
    failure = await read(session, body, content_type)

    assert failure.outcome is Outcome.BAD_PAYLOAD
    assert word in failure.detail


async def test_yaml_is_read_to_a_lower_size_than_json(session):
    text = b"x" * 300_000
    yaml = await read(session, b"a: " + text, "application/yaml")
    json = await read(session, b'{"a": "' + text + b'"}', "application/json")

    assert yaml.outcome is Outcome.TOO_LARGE
    assert json == {"a": text.decode()}
