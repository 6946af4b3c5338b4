"""Bodies by content type: what each becomes, or why and where it is refused."""

import time

import pytest

from aggregator.domain.errors import SyntaxFault, UnsupportedMediaType
from aggregator.strict_yaml import MAX_DEPTH
from aggregator.wire import strict_json
from aggregator.wire.media import MediaType, decode, encode

QUICK_S = 10.0
JSON = "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/yaml",
        "text/yaml",
        "application/yml",
        "text/yml",
        "application/x-yaml",
        "text/x-yaml",
        "application/vnd.ivoa.broker+yaml",
        "Application/YAML",
        "application/yaml; charset=utf-8",
        'application/yaml;charset="UTF-8"',
        " application/yaml ;charset=utf8 ; x=1 ;",
    ],
)
def test_yaml_has_many_names(content_type):
    assert decode(b"digest: 0000\n", content_type) == {"digest": "0000"}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=UTF-8",
        "application/json;dialect=2026-07",
        "application/merge-patch+json",
    ],
)
def test_json_has_some(content_type):
    assert decode(b'{"digest": "0000"}', content_type) == {"digest": "0000"}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/jsonx",
        "json",
        "application/",
        "/json",
        "*/*",
        "application/json; charset",
        "application/json, application/yaml",
        "application/json; charset=latin-1",
        "application/yaml; charset=utf-16",
        "application/json; charset=us-ascii",
    ],
)
def test_other_types_and_charsets_are_unsupported(content_type):
    with pytest.raises(UnsupportedMediaType):
        decode(b"{}", content_type)


@pytest.mark.parametrize("content_type", [None, ""])
@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b" \r\n\t[0]", [0]),
        (b'\xef\xbb\xbf {"a": 1}', {"a": 1}),
        (b"a: 0000", {"a": "0000"}),
        (b"# {\n- a", ["a"]),
    ],
)
def test_without_a_type_the_first_character_tells(content_type, body, value):
    assert decode(body, content_type) == value


@pytest.mark.parametrize("content_type", [JSON, "application/yaml", None])
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_a_fault(body, content_type):
    with pytest.raises(SyntaxFault, match="empty"):
        decode(body, content_type)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[9223372036854775807]", [2**63 - 1]),
        (b"[-9223372036854775808]", [-(2**63)]),
        (b"[18446744073709551615]", [2**64 - 1]),
        (b"[1e3, 1.5, -0.0]", [1000.0, 1.5, -0.0]),
        (b'{"a": {"k": 1}, "b": {"k": 1}}', {"a": {"k": 1}, "b": {"k": 1}}),
        (b'[{"k": 1}, {"k": 1}]', [{"k": 1}, {"k": 1}]),
        (b'{"a": "{\\"a\\": [[["}', {"a": '{"a": [[['}),
        (b'["99999999999999999999"]', ["99999999999999999999"]),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_json_reads_as_it_is(body, value):
    read = decode(body, JSON)

    assert read == value
    assert repr(read) == repr(value)


FAULTS = [
    (b'{"a": 1, "a": 2}', "the key 'a' is given twice", "/a", 1, 10),
    (b'{"\\u0061": 1,\n "a": 2}', "the key 'a' is given twice", "/a", 2, 2),
    (b'{"a": 1, "a" : 1}', "the key 'a' is given twice", "/a", 1, 10),
    (b'{"x": [0, {"b/c": 1,\n"b/c": 2}]}', "given twice", "/x/1/b~1c", 2, 1),
    (b'{"n": 18446744073709551616}', "an integer beyond 64 bits", "/n", 1, 7),
    (b'{"n": [1, -9223372036854775809]}', "beyond 64 bits", "/n/1", 1, 11),
    (b"18446744073709551616", "an integer beyond 64 bits", "", 1, 1),
    (b'["\xff"]', "not UTF-8", "", 1, 3),
    (b'["\xc3\xa9",\n "\xc3"]', "not UTF-8", "", 2, 3),
]


@pytest.mark.parametrize(("body", "reason", "pointer", "line", "column"), FAULTS)
def test_faults_of_json_have_their_place(body, reason, pointer, line, column):
    with pytest.raises(SyntaxFault) as caught:
        decode(body, JSON)

    (violation,) = caught.value.violations
    assert reason in violation.reason
    assert violation.pointer == pointer
    assert (violation.line, violation.column) == (line, column)
    assert f"line {line}, column {column}" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"[\nNaN]", 2),
        (b"[\nInfinity]", 2),
        (b"[\n-Infinity]", 2),
        (b"[1e400]", 1),
        (b'{"a":\n\n 0000}', 3),
        (b"[1,\n]", 1),
        (b"{\na: 1}", 2),
        (b"{'a': 1}", 1),
        (b'{"a": 1', 1),
        (b"{}\n{}", 2),
        (b"\n// no\n{}", 2),
        (b'["a\nb"]', 1),
        (b'["\\ud800"]', 1),
        (b"<html></html>", 1),
    ],
)
def test_malformed_json_has_its_line_and_a_reason(body, line):
    with pytest.raises(SyntaxFault) as caught:
        decode(body, JSON)

    (violation,) = caught.value.violations
    assert violation.reason
    assert violation.line == line
    assert violation.column >= 1


@pytest.mark.parametrize(
    ("body", "reason", "line", "column"),
    [
        (b"a: 1\na: 2\n", "the key 'a' is given twice", 2, 1),
        (b"a: &x 1\n", "an anchor is not allowed", 1, 4),
        (b"a: \xff\n", "not UTF-8", 1, 4),
        (b"a: b: c\n", "mapping values are not allowed in this context", 1, 5),
    ],
)
def test_faults_of_yaml_have_their_place(body, reason, line, column):
    with pytest.raises(SyntaxFault) as caught:
        decode(body, "application/yaml")

    (violation,) = caught.value.violations
    assert violation.reason == reason
    assert (violation.line, violation.column) == (line, column)


def test_the_depth_of_json_is_capped():
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

    assert decode(deepest, JSON) is not None
    with pytest.raises(SyntaxFault, match=f"nested more than {MAX_DEPTH} deep"):
        decode(b"[" + deepest + b"]", JSON)


LONG_KEY = b'"' + b"k" * 100_000 + b'"'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"[" * 200_000, "depth", id="deep-list-unclosed"),
        pytest.param(b"[" * 200_000 + b"]" * 200_000, "depth", id="deep-list"),
        pytest.param(b'{"a":' * 200_000, "depth", id="deep-object"),
        pytest.param(b"9" * 1_000_000, "infinity", id="huge-integer"),
        pytest.param(b"9" * 300, "64 bits", id="large-integer"),
        pytest.param(
            b"{" + LONG_KEY + b":[" + b"{}," * 40_000 + b'{"a":1,"a":2}]}',
            "given twice",
            id="long-pointers",
        ),
        pytest.param(
            b"{" + LONG_KEY + b":1," + LONG_KEY + b":2}", "kk…' is given", id="long-key"
        ),
    ],
)
def test_json_bombs_fail_quickly(body, reason):
    start = time.perf_counter()
    with pytest.raises(SyntaxFault, match=reason):
        decode(body, JSON)
    assert time.perf_counter() - start < QUICK_S


def test_a_site_may_repeat_a_key_and_the_last_counts():
    assert strict_json.load_leniently(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502 Bad Gateway</html>",
        b'{"offers": [',
        b'["\xff"]',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 200_000,
    ],
)
def test_rubbish_from_a_site_is_a_fault(body):
    with pytest.raises(strict_json.JsonFault):
        strict_json.load_leniently(body)


def test_brackets_in_strings_are_no_depth():
    body = b'["' + b"[{" * 1000 + b'"]'

    assert strict_json.load_leniently(body) == ["[{" * 1000]


@pytest.mark.parametrize("media", [MediaType.JSON, MediaType.YAML])
def test_what_is_encoded_decodes_to_the_same(media):
    document = {"kind": "x", "digest": "0000", "offers": [{"size": 2**44, "f": 0.5}]}

    assert decode(encode(document, media), media) == document


def test_both_encodings_make_null_of_what_is_not_finite():
    document = {"max": float("inf")}

    assert encode(document, MediaType.JSON) == b'{"max":null}'
    assert encode(document, MediaType.YAML) == b"max: null\n"
