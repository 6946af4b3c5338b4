"""What is written reads back the same, whatever JSON can say."""

import contextlib
import json
import math

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator import strict_yaml
from aggregator.domain.errors import InputError
from aggregator.wire.media import MediaType, decode, encode

# How fast the machine is tells nothing about the code.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LOOKALIKES = st.sampled_from(
    [
        "0000", "017", "1e3", "1.5", "-0", "0x1f", "0o7", "1_0", "12:30:45", "no",
        "YES", "null", "~", "", "true", "True", "<<", "=", ".nan", ".inf", "y",
        "2025-11-06", "2025-11-06T11:12:00Z/PT0S", "*a", "&a", "!a", "- a", "a: b",
        "a #b", "#a", "?", "? a", "|", ">", "%a", "@a", "`a", "{a}", "[a]", "a,b",
        "---", "...", "--- a", " a", "a ", "\ta", "a\n", "\na", "a\n\n b", "\ufeff",
    ]
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"])) | LOOKALIKES
integers = st.integers(-(2**63), 2**64 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | integers | floats | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5)
    ),
    max_leaves=20,
)


def same(left, right) -> bool:
    """Equal in type and order too, so that 1 is neither 1.0 nor True."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and left == right


@unhurried
@given(values)
def test_yaml_is_an_identity(value):
    assert same(strict_yaml.load(strict_yaml.dump(value)), value)


@unhurried
@given(values)
def test_json_is_an_identity(value):
    assert same(decode(encode(value, MediaType.JSON), "application/json"), value)


@unhurried
@given(values)
def test_without_a_type_json_and_yaml_documents_are_told_apart(value):
    document = {"value": value}

    for media in (MediaType.JSON, MediaType.YAML):
        assert same(decode(encode(document, media), None), document)


@unhurried
@given(texts)
def test_other_readers_of_yaml_see_the_same_strings(text):
    assert yaml.safe_load(strict_yaml.dump({"value": text})) == {"value": text}


@unhurried
@given(values)
def test_strict_json_agrees_with_the_standard_library(value):
    body = json.dumps(value).encode()

    assert same(decode(body, "application/json"), json.loads(body))


@pytest.mark.parametrize("content_type", ["application/json", "application/yaml", None])
@unhurried
@given(body=st.binary() | st.text("{}[]\",:&*!-?|>#~0a \n\\'").map(str.encode))
def test_any_bytes_give_a_value_or_an_input_error(content_type, body):
    with contextlib.suppress(InputError):
        decode(body, content_type)
