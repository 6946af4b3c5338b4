"""YAML's traps: what each becomes, or where and why it is refused."""

import time

import pytest
import yaml

from aggregator.strict_yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    YamlFault,
    dump,
    load,
    load_located,
)

QUICK_S = 10.0

STRINGS = [
    "0000",
    "017",
    "0x1F",
    "0o17",
    "0b101",
    "1_000",
    "+5",
    ".5",
    "5.",
    "01.5",
    "1e",
    "12:30:45",
    "190:20:30",
    "no",
    "No",
    "yes",
    "YES",
    "on",
    "off",
    "y",
    "n",
    "True",
    "FALSE",
    "Null",
    "NULL",
    ".nan",
    ".NaN",
    ".inf",
    "-.inf",
    "NaN",
    "Infinity",
    "-Infinity",
    "2025-11-06",
    "2025-11-06T11:12:00Z",
    "2025-11-06T11:12:00Z/PT0S",
    "2001-12-14t21:59:43.10-05:00",
    "PT10M",
    "=",
    "<<",
    "٣",
]

NUMBERS = [
    ("0", 0),
    ("-0", 0),
    ("42", 42),
    ("-7", -7),
    ("27487790694400", 27487790694400),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("18446744073709551615", 2**64 - 1),
    ("1.5", 1.5),
    ("-0.0", -0.0),
    ("1e3", 1000.0),
    ("1E+3", 1000.0),
    ("2.5e-3", 0.0025),
    ("1.7976931348623157e308", 1.7976931348623157e308),
    ("1e-400", 0.0),
]


@pytest.mark.parametrize("text", STRINGS)
def test_what_json_would_not_take_for_a_number_or_word_stays_a_string(text):
    assert load(f"value: {text}\n") == {"value": text}


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_what_json_takes_for_a_number_is_one(text, number):
    value = load(f"value: {text}\n")["value"]

    assert value == number
    assert type(value) is type(number)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("~", None), ("", None)],
)
def test_json_words_are_themselves(text, value):
    assert load(f"value: {text}\n")["value"] is value


@pytest.mark.parametrize("text", ["1", "true", "null", "~", "", "1e3", "0000"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_scalar_is_a_string(text, quote):
    assert load(f"value: {quote}{text}{quote}\n") == {"value": text}


def test_block_scalars_are_strings():
    assert load("a: |\n  1\nb: >\n  true\n") == {"a": "1\n", "b": "true\n"}


def test_words_of_other_yamls_are_good_keys():
    assert load("no: 1\n0000: 2\n12:30:45: 3\n") == {"no": 1, "0000": 2, "12:30:45": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("--- \na: 1\n...\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ('{"a": [1, {"b": "\\u00e9\\/"}]}', {"a": [1, {"b": "é/"}]}),
        ('{\n\t"a": 1\n}', {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("- []\n- {}\n", [[], {}]),
        ("? a\n: b\n", {"a": "b"}),
    ],
)
def test_other_forms_of_a_document(text, value):
    assert load(text) == value


def test_a_byte_order_mark_is_passed_over():
    assert load(b"\xef\xbb\xbfa: 1\n") == {"a": 1}
    assert load("\ufeffa: 1\n") == {"a": 1}


REFUSED = [
    ("a: &x 1\n", "an anchor is not allowed", 1, 4),
    ("a: &x [1]\n", "an anchor is not allowed", 1, 4),
    ("&x a: 1\n", "an anchor is not allowed", 1, 1),
    ("b: 1\na: *x\n", "an alias is not allowed", 2, 4),
    ("a: !!str 1\n", "a tag is not allowed", 1, 4),
    ("a: ! 1\n", "a tag is not allowed", 1, 4),
    ("a: !!python/object:os.system 1\n", "a tag is not allowed", 1, 4),
    ("!!map {a: 1}\n", "a tag is not allowed", 1, 1),
    ("a:\n  <<: {b: 1}\n", "a merge key (<<) is not allowed", 2, 3),
    ("a: 1\nb: 2\na: 3\n", "the key 'a' is given twice", 3, 1),
    ('a: 1\n"a": 3\n', "the key 'a' is given twice", 2, 1),
    ("x: {b: 1, b: 1}\n", "the key 'b' is given twice", 1, 11),
    ("1: x\n", "the key 1 is not a string: quote it", 1, 1),
    ("true: x\n", "the key true is not a string: quote it", 1, 1),
    ("~: x\n", "the key ~ is not a string: quote it", 1, 1),
    ("?\n: x\n", "the key null is not a string: quote it", 1, 2),
    ("[a]: x\n", "a key must be a string", 1, 1),
    ("? {a: 1}\n: x\n", "a key must be a string", 1, 3),
    ("a: 18446744073709551616\n", "an integer beyond 64 bits: quote it", 1, 4),
    ("a: -9223372036854775809\n", "an integer beyond 64 bits: quote it", 1, 4),
    ("a: 1e400\n", "a number too large for a double: quote it", 1, 4),
    ("a: 1\n---\nb: 2\n", "a second document", 2, 1),
    ("---\n---\n", "a second document", 2, 1),
    (b"a: 1\n\xc3\xa9b: \xff\n", "not UTF-8", 2, 5),
    ("a: 1\nb: é\x07\n", "control characters are not allowed", 2, 5),
    ("a: \ud800\n", "half a surrogate pair", 1, 4),
]


@pytest.mark.parametrize(("text", "reason", "line", "column"), REFUSED)
def test_what_is_refused_and_where(text, reason, line, column):
    with pytest.raises(YamlFault) as caught:
        load(text)

    fault = caught.value
    assert (fault.reason, fault.line, fault.column) == (reason, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a: [1, 2\nb: 3\n", 2, 2), ("a: b: c\n", 1, 5), ("a: 1\n\tb: 2\n", 2, 1)],
)
def test_malformed_text_has_its_place_and_a_reason(text, line, column):
    with pytest.raises(YamlFault) as caught:
        load(text)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.reason
    assert "\n" not in caught.value.reason


def test_a_fault_reads_as_file_line_column_and_reason():
    with pytest.raises(YamlFault, match=r"^sites\.yaml:2:1: the key 'a' is given"):
        load_located("a: 1\na: 2\n", "sites.yaml")
    with pytest.raises(YamlFault, match=r"^2:1: the key 'a' is given twice$"):
        load("a: 1\na: 2\n")


def test_a_long_key_is_shortened_in_the_reason():
    key = "k" * 1000
    with pytest.raises(YamlFault) as caught:
        load(f"? {key}\n: 1\n? {key}\n: 2\n")

    assert len(caught.value.reason) < 100


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_depth_is_capped():
    assert load(_nested(MAX_DEPTH)) is not None
    with pytest.raises(YamlFault, match=f"nested more than {MAX_DEPTH} deep") as caught:
        load(_nested(MAX_DEPTH + 1))
    assert caught.value.column == MAX_DEPTH + 1


def test_the_number_of_nodes_is_capped():
    assert len(load("[" + "a," * (MAX_NODES - 1) + "]")) == MAX_NODES - 1
    with pytest.raises(YamlFault, match=f"more than {MAX_NODES} nodes"):
        load("[" + "a," * MAX_NODES + "]")


LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 40)
)
CYCLE = "a: &a [*a]\n"
MANY_ITEMS = "[" + "[]," * 400_000 + "]"


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        pytest.param(LAUGHS, "an anchor", id="billion-laughs"),
        pytest.param(CYCLE, "an anchor", id="cycle"),
        pytest.param("[" * 200_000, "nested more", id="deep-flow-list"),
        pytest.param('{"a":' * 200_000, "nested more", id="deep-flow-mapping"),
        pytest.param("- " * 200_000, "nested more", id="deep-block-list"),
        pytest.param("? " * 200_000, "must be a string", id="deep-keys"),
        pytest.param(MANY_ITEMS, "more than", id="many-items"),
        pytest.param("a: " + "9" * 2_000_000, "64 bits", id="huge-integer"),
        pytest.param("a: 1e" + "9" * 2_000_000, "too large", id="huge-exponent"),
        pytest.param("a" * (MAX_BYTES + 1), "more than", id="huge-text"),
    ],
)
def test_bombs_fail_quickly(bomb, reason):
    start = time.perf_counter()
    with pytest.raises(YamlFault, match=reason):
        load(bomb)
    assert time.perf_counter() - start < QUICK_S


def test_a_huge_string_is_only_a_string():
    start = time.perf_counter()
    assert len(load('a: "' + "x" * 2_000_000 + '"')["a"]) == 2_000_000
    assert time.perf_counter() - start < QUICK_S


LOCATED = """\
# of a federation
sites:
  - name: AUSRC
    url: https://ausrc.example
  - name: JPSRC
"a/b~c": {deep: [1, 2]}
empty:
"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (2, 1)),
        ("/sites", (3, 3)),
        ("/sites/0", (3, 5)),
        ("/sites/0/url", (4, 10)),
        ("/sites/1/name", (5, 11)),
        ("/a~1b~0c/deep/1", (6, 21)),
        ("/empty", (7, 7)),
        ("/sites/1/url", (5, 5)),
        ("/sites/9/name", (3, 3)),
        ("/nowhere/at/all", (2, 1)),
    ],
)
def test_positions_are_found_by_pointer_or_by_the_nearest_ancestor(pointer, place):
    located = load_located(LOCATED, "sites.yaml")

    assert located.value["sites"][1] == {"name": "JPSRC"}
    assert located.source == "sites.yaml"
    assert located.position(pointer) == place


def test_an_empty_text_still_has_a_position():
    assert load_located("", "empty.yaml").position("/sites") == (1, 1)


@pytest.mark.parametrize("text", [*STRINGS, *(text for text, _ in NUMBERS)])
def test_dump_quotes_what_readers_could_take_for_something_else(text):
    written = dump({"value": text, text: "value"})

    assert load(written) == {"value": text, text: "value"}
    assert yaml.safe_load(written) == {"value": text, text: "value"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a: b",
        "# c",
        "- a",
        "a\nb\n",
        "\ta",
        "\x00\x7f\x85\u2028",
        "é😀",
        "'\"",
    ],
)
def test_dump_keeps_awkward_strings(text):
    assert load(dump({text: [text]})) == {text: [text]}
    assert load(dump(text)) == text


def test_dump_keeps_the_order_of_keys_and_leaves_plain_words_plain():
    written = dump({"phase": "OFFERED", "expires": None, "cores": {"min": 2}, "x": []})

    assert written == b"phase: OFFERED\nexpires: null\ncores:\n  min: 2\nx: []\n"


def test_dump_writes_floats_that_other_readers_take_for_floats():
    written = dump([1e16, 5e-324, 2.0])

    assert written == b"- 1.0e+16\n- 5.0e-324\n- 2.0\n"
    assert yaml.safe_load(written) == [1e16, 5e-324, 2.0]


def test_dump_makes_null_of_what_is_not_finite_like_json():
    assert load(dump([float("nan"), float("inf")])) == [None, None]


def test_dump_repeats_what_is_shared_instead_of_making_aliases():
    shared = {"min": 1}

    assert load(dump([shared, shared])) == [shared, shared]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({1: "a"}, TypeError),
        ({"a": object()}, TypeError),
        ({"a": {1, 2}}, TypeError),
        (2**64, ValueError),
        ("\ud800", ValueError),
    ],
)
def test_dump_refuses_what_could_not_be_read_back(value, error):
    with pytest.raises(error):
        dump(value)


def test_dump_stops_at_the_depth_that_load_stops_at():
    value: list = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]

    assert load(dump(value)) == value
    with pytest.raises(ValueError, match="nested more than"):
        dump([value])
