"""Bodies in XML: what each becomes, or why and where it is refused."""

import time

import pytest

from aggregator.domain.errors import InvalidInput, SyntaxFault, UnsupportedMediaType
from aggregator.strict_yaml import MAX_DEPTH, MAX_NODES
from aggregator.wire.media import decode
from aggregator.wire.xml import decode_xml

QUICK_S = 10.0


def request_of(body: str | bytes):
    content = body if isinstance(body, bytes) else body.encode()
    return decode_xml(content, "ExecutionRequest", "2026-07")


def inner(content: str):
    return request_of(f"<offers-request>{content}</offers-request>")


def update_of(body: str):
    return decode_xml(body.encode(), "AbstractUpdate", "2026-07")


def test_types_come_from_the_schema():
    value = inner(
        '<executable kind="x/docker-container.yaml"><image><digest>0000</digest>'
        "<locations>1</locations></image><privileged>false</privileged>"
        "<command>5</command><environment><N>7</N></environment></executable>"
        '<compute kind="x/simple-compute-resource.yaml">'
        "<cores><min>2</min></cores></compute>"
        '<cost kind="x/simple-minmax-float-cost.yaml"><max>1.0</max></cost>'
    )

    assert value == {
        "executable": {
            "kind": "x/docker-container.yaml",
            "image": {"digest": "0000", "locations": ["1"]},
            "privileged": False,
            "command": ["5"],
            "environment": {"N": "7"},
        },
        "compute": {"kind": "x/simple-compute-resource.yaml", "cores": {"min": 2}},
        "costs": [{"kind": "x/simple-minmax-float-cost.yaml", "max": 1.0}],
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        (" 2\n", 2),
        ("+2", 2),
        ("-2", -2),
        ("007", 7),
        ("2.0", 2.0),
        ("2.", 2.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("27487790694400", 27487790694400),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615", 2**64 - 1),
        ("two", "two"),
        ("", ""),
        ("NaN", "NaN"),
        ("INF", "INF"),
        ("1 2", "1 2"),
        ("٣", "٣"),
    ],
)
def test_numbers(text, value):
    read = inner(f"<compute><cores><min>{text}</min></cores></compute>")
    number = read["compute"]["cores"]["min"]

    assert number == value
    assert type(number) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), (" 1 ", True), ("false", False), ("0", False), ("yes", "yes")],
)
def test_booleans(text, value):
    read = inner(f"<executable><privileged>{text}</privileged></executable>")

    assert read["executable"]["privileged"] == value
    assert type(read["executable"]["privileged"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uri:string-value-update", "5"),
        ("uri:enum-value-update", "5"),
        ("uri:integer-value-update", 5),
    ],
)
def test_the_kind_decides_what_a_value_is(kind, value):
    body = f'<AbstractUpdate kind="{kind}"><value>5</value></AbstractUpdate>'

    assert update_of(body) == {"kind": kind, "value": value}


@pytest.mark.parametrize("root", ["AbstractUpdate", "update", "EnumValueUpdate"])
def test_an_update_has_several_roots(root):
    body = f"<{root}><kind>uri:enum-value-update</kind><path>/phase</path></{root}>"

    assert update_of(body) == {"kind": "uri:enum-value-update", "path": "/phase"}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("", {}),
        ("<!-- a --><?b c?>", {}),
        ("<schedule/>", {"schedule": {}}),
        ("<executable><command/></executable>", {"executable": {"command": [""]}}),
        (
            "<data><storage>a</storage></data><compute/><data><storage>b</storage></data>",
            {"data": [{"storage": "a"}, {"storage": "b"}], "compute": {}},
        ),
        ("<costs><cost><min>1</min></cost></costs>", {"costs": [{"min": 1}]}),
        ("<cost><min>1</min></cost>", {"costs": [{"min": 1}]}),
        ("<schedule><![CDATA[ ]]></schedule>", {"schedule": {}}),
        (
            "<executable><entrypoint><![CDATA[<&>]]>&#x41;&lt;</entrypoint></executable>",
            {"executable": {"entrypoint": "<&>A<"}},
        ),
        (
            (
                '<executable><environment><K>v</K><entry name="a b">w</entry>'
                '<entry name="L">x</entry></environment></executable>'
            ),
            {"executable": {"environment": {"K": "v", "a b": "w", "L": "x"}}},
        ),
    ],
)
def test_forms_of_a_request(content, value):
    assert inner(content) == value


def test_what_the_schema_does_not_know_stays_in_its_place_as_text_and_mappings():
    value = inner(
        "<name>job</name><executable><digest>0000</digest></executable>"
        '<compute><resources>a</resources><resources>b</resources><gpu n="1">'
        "<model>x</model></gpu></compute>"
    )

    assert value == {
        "name": "job",
        "executable": {"digest": "0000"},
        "compute": {"resources": ["a", "b"], "gpu": {"n": "1", "model": "x"}},
    }


def test_namespaces_and_prefixes_are_passed_over():
    body = (
        '<eb:offers-request xmlns:eb="urn:eb" xmlns="urn:x" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">'
        "<eb:schedule/></eb:offers-request>"
    )

    assert request_of(body) == {"schedule": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><offers-request><schedule/></offers-request>",
        b'<?xml version="1.0" encoding="utf-8"?><ExecutionRequest><schedule/></ExecutionRequest>',
        b"\xef\xbb\xbf<offers-request><schedule/></offers-request>",
        b"\n<offers-request><schedule/></offers-request>\n",
    ],
)
def test_prologues_and_roots(body):
    assert request_of(body) == {"schedule": {}}


FAULTS = [
    ("<offers-request>", "no element found", 1, 17),
    ("<offers-request>\n</a>", "mismatched tag", 2, 3),
    ("<offers-request/><a/>", "junk after document element", 1, 18),
    ("<offers-request>&nbsp;</offers-request>", "undefined entity", 1, 17),
    ("<offers-request>\x07</offers-request>", "not well-formed", 1, 17),
    ("<offers-request a='1' a='2'/>", "duplicate attribute", 1, 23),
    ("<offers-request>\nx</offers-request>", "text in 'offers-request'", 1, 1),
    (
        "<offers-request>\n <schedule/>\n <schedule/></offers-request>",
        "'schedule' is given twice",
        3,
        2,
    ),
    ("<offers-request><compute kind='a'><kind>b</kind></compute></offers-request>",
     "'kind' is given twice", 1, 35),
    ("<offers-request><compute><phase><a/></phase></compute></offers-request>",
     "elements in 'phase', which has text", 1, 26),
    ("<offers-request><costs>x<cost/></costs></offers-request>",
     "text in 'costs', which has elements", 1, 17),
    ("<offers-request><executable><environment>x</environment></executable></offers-request>",
     "text in 'environment', which has elements", 1, 29),
    ("<offers-request><executable><environment><A/><A/></environment></executable></offers-request>",
     "'A' is given twice", 1, 46),
    ("<offers-request><executable><environment><A><B/></A></environment></executable></offers-request>",
     "elements in 'A', which has text", 1, 42),
    ("<offers-request><cost><min>18446744073709551616</min></cost></offers-request>",
     "a number beyond 64 bits", 1, 23),
    ("<offers-request><cost><min>1e400</min></cost></offers-request>",
     "a number beyond 64 bits", 1, 23),
    ("<offers-request>é\xa0</offers-request>".encode("latin-1"), "not UTF-8", 1, 17),
    ('<?xml version="1.0" encoding="ISO-8859-1"?><offers-request/>',
     "declared to be 'ISO-8859-1', not UTF-8", 1, 1),
    ("<offers-request/>".encode("utf-16"), "not UTF-8", 1, 1),
    ("offers-request:", "syntax error", 1, 1),
    ("", "no element found", 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason", "line", "column"), FAULTS)
def test_faults_have_their_place(body, reason, line, column):
    with pytest.raises(SyntaxFault) as caught:
        request_of(body)

    (violation,) = caught.value.violations
    assert reason in violation.reason
    assert (violation.line, violation.column) == (line, column)
    assert f"line {line}, column {column}" in caught.value.detail


def test_another_root_is_invalid():
    with pytest.raises(InvalidInput, match="the root is 'html', not 'offers-request'"):
        request_of("<html/>")


def nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


def test_depth_is_capped():
    assert inner(nested(MAX_DEPTH - 1)) is not None
    with pytest.raises(SyntaxFault, match=f"nested more than {MAX_DEPTH} deep"):
        inner(nested(MAX_DEPTH))


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY l0 "ha">'
    + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
    )
    + "]><offers-request><name>&l9;</name></offers-request>"
)  # fmt: skip
QUADRATIC = (
    f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'
    f"<offers-request>{'&a;' * 100_000}</offers-request>"
)
MANY_ATTRIBUTES = " ".join(f"a{n}=''" for n in range(MAX_NODES))


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        pytest.param(LAUGHS, "document type", id="billion-laughs"),
        pytest.param(QUADRATIC, "document type", id="quadratic-blow-up"),
        pytest.param(
            "<!DOCTYPE x><offers-request/>", "document type", id="empty-dtd"
        ),
        pytest.param(
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><offers-request/>',
            "document type",
            id="external-dtd",
        ),
        pytest.param(
            '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]><offers-request/>',
            "document type",
            id="parameter-entity",
        ),
        pytest.param("<a>" * 200_000, "nested more", id="deep"),
        pytest.param(
            f"<offers-request>{'<a/>' * MAX_NODES}</offers-request>",
            "more than",
            id="many-elements",
        ),
        pytest.param(
            f"<offers-request {MANY_ATTRIBUTES}/>", "more than", id="many-attributes"
        ),
        pytest.param(
            f"<offers-request><cost><min>{'9' * 1_000_000}</min></cost></offers-request>",
            "64 bits",
            id="huge-number",
        ),
    ],
)  # fmt: skip
def test_bombs_fail_quickly(bomb, reason):
    start = time.perf_counter()
    with pytest.raises(SyntaxFault, match=reason):
        request_of(bomb)
    assert time.perf_counter() - start < QUICK_S


def test_no_file_is_read_for_an_entity(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("told")
    body = (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
        "<offers-request><name>&a;</name></offers-request>"
    )

    with pytest.raises(SyntaxFault, match="document type declaration") as caught:
        request_of(body)
    assert "told" not in str(caught.value)


def test_a_huge_text_is_only_a_text():
    start = time.perf_counter()
    assert len(inner(f"<name>{'x' * 2_000_000}</name>")["name"]) == 2_000_000
    assert time.perf_counter() - start < QUICK_S


UPDATE = (
    b'<AbstractUpdate kind="uri:enum-value-update"><path>/phase</path></AbstractUpdate>'
)


@pytest.mark.parametrize(
    "content_type", ["application/xml", "text/xml; charset=utf-8", None]
)
def test_a_body_is_xml_by_its_type_or_its_look(content_type):
    assert decode(UPDATE, content_type, schema="AbstractUpdate") == {
        "kind": "uri:enum-value-update",
        "path": "/phase",
    }


@pytest.mark.parametrize(
    ("content_type", "schema"),
    [
        ("application/xml", None),
        ("application/xhtml+xml", "AbstractUpdate"),
        ("application/xml; charset=iso-8859-1", "AbstractUpdate"),
    ],
)
def test_xml_is_unsupported_where_no_schema_is_given_or_by_other_names(
    content_type, schema
):
    with pytest.raises(UnsupportedMediaType):
        decode(UPDATE, content_type, schema=schema)


def test_other_dialects_have_no_xml():
    with pytest.raises(UnsupportedMediaType, match="not in 2025-11"):
        decode(UPDATE, "text/xml", schema="AbstractUpdate", dialect="2025-11")
