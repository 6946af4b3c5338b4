"""Documents in XML, and what is left out of it."""

import pytest

from aggregator.domain.errors import NotAcceptable
from aggregator.wire.media import MediaType, encode
from aggregator.wire.xml import decode_xml, encode_xml

NEW = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"
OLD = "https://www.purl.org/ivoa.net/EB/schema/v1.0/types"


def xml_of(document, schema="AbstractExecutionSession", dialect="2026-07"):
    encoding = encode_xml(document, schema, dialect)
    header, _, body = encoding.body.decode().partition("\n")
    assert header == '<?xml version="1.0" encoding="UTF-8"?>'
    return body, encoding.dropped


def test_an_offer_set_follows_the_hints():
    document = {
        "kind": f"{NEW}/offerset/execution-offerset.yaml",
        "meta": {
            "uuid": "2a3f",
            "messages": [
                {"level": "WARN", "template": "{site}", "values": {"site": "JPSRC"}},
                {"level": "INFO"},
            ],
            "options": [
                {
                    "kind": "uri:enum-value-option",
                    "path": "/phase",
                    "values": ["A", "B"],
                }
            ],
        },
        "result": "YES",
        "offers": [
            {
                "kind": f"{NEW}/session/scheduled-execution-session.yaml",
                "costs": [
                    {
                        "kind": f"{NEW}/costs/simple-minmax-float-cost.yaml",
                        "type": "urn:cost",
                        "min": 0.5,
                    }
                ],
                "phase": "OFFERED",
                "connectors": [{"kind": "c", "status": "AVAILABLE"}],
                "schedule": {"available": {"start": "2026-01-01T00:00:00Z/PT0S"}},
            },
            {"kind": f"{NEW}/session/simple-execution-session.yaml"},
        ],
    }

    body, dropped = xml_of(document, "OfferSetResponse")

    assert dropped == ()
    assert body == (
        f'<offers-response kind="{NEW}/offerset/execution-offerset.yaml">'
        "<meta><uuid>2a3f</uuid>"
        "<message><level>WARN</level><template>{site}</template>"
        "<values><site>JPSRC</site></values></message>"
        "<message><level>INFO</level></message>"
        '<options kind="uri:enum-value-option"><path>/phase</path>'
        "<values>A</values><values>B</values></options></meta>"
        "<result>YES</result><offers>"
        f'<execution kind="{NEW}/session/scheduled-execution-session.yaml">'
        f'<cost kind="{NEW}/costs/simple-minmax-float-cost.yaml">'
        "<type>urn:cost</type><min>0.5</min></cost><phase>OFFERED</phase>"
        "<connectors><kind>c</kind><status>AVAILABLE</status></connectors>"
        "<schedule><available><start>2026-01-01T00:00:00Z/PT0S</start></available>"
        "</schedule></execution>"
        f'<execution kind="{NEW}/session/simple-execution-session.yaml"></execution>'
        "</offers></offers-response>"
    )


def test_a_request_follows_the_hints():
    document = {
        "executable": {
            "kind": f"{OLD}/executable/docker-container-1.0",
            "image": {"locations": ["a", "b"], "digest": "0000"},
            "privileged": False,
            "environment": {"PATH": "/bin"},
            "network": {"ports": [{"access": True, "internal": {"port": 80}}]},
        },
        "data": [
            {
                "kind": f"{OLD}/data/skao-data-resource-1.0",
                "skao": {"datasize": 27487790694400, "replicas": [{"rsename": "R"}]},
            }
        ],
    }

    body, dropped = xml_of(document, "ExecutionRequest", "2026-04")

    assert dropped == ()
    assert body == (
        f'<offers-request><executable kind="{OLD}/executable/docker-container-1.0">'
        "<image><locations>a</locations><locations>b</locations>"
        "<digest>0000</digest></image><privileged>false</privileged>"
        "<environment><PATH>/bin</PATH></environment><network><ports>"
        "<access>true</access><internal><port>80</port></internal></ports></network>"
        f'</executable><data kind="{OLD}/data/skao-data-resource-1.0">'
        "<skao><datasize>27487790694400</datasize>"
        "<replicas><rsename>R</rsename></replicas></skao></data></offers-request>"
    )


@pytest.mark.parametrize(
    ("document", "body"),
    [
        (
            {"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"},
            (
                '<AbstractUpdate kind="uri:enum-value-update"><path>/phase</path>'
                "<value>ACCEPTED</value></AbstractUpdate>"
            ),
        ),
        (
            {
                "path": "x",
                "kind": "uri:integer-delta-update",
                "delta": -2,
                "units": "GiB",
            },
            (
                '<AbstractUpdate kind="uri:integer-delta-update"><path>x</path>'
                "<delta>-2</delta><units>GiB</units></AbstractUpdate>"
            ),
        ),
    ],
)
def test_an_update_follows_the_hints(document, body):
    assert xml_of(document, "AbstractUpdate") == (body, ())


def test_markup_is_escaped_in_text_and_attributes():
    document = {"kind": "a<b>&\"'\r\n", "phase": "<&>]]>\r\n"}

    body, _ = xml_of(document)

    assert body == (
        '<execution kind="a&lt;b&gt;&amp;&quot;\'&#13;&#10;">'
        "<phase>&lt;&amp;&gt;]]&gt;&#13;\n</phase></execution>"
    )
    assert decode_xml(body.encode(), "AbstractExecutionSession", "2026-07") == document


def test_names_that_xml_does_not_allow_become_entries():
    names = ["my key", "1st", "", "xml-a", "XMLb", "a:b", "é", "entry", "name", '<&">']
    document = {"meta": {"messages": [{"values": dict.fromkeys(names, "v")}]}}

    body, dropped = xml_of(document)

    assert dropped == ()
    assert '<entry name="my key">v</entry>' in body
    assert "<entry>v</entry><name>v</name>" in body
    assert decode_xml(body.encode(), "AbstractExecutionSession", "2026-07") == document


@pytest.mark.parametrize(
    ("document", "body", "dropped"),
    [
        ({"gpu": 1}, "", ("/gpu",)),
        (
            {"meta": {"a/b": 1, "name": "n"}},
            "<meta><name>n</name></meta>",
            ("/meta/a~1b",),
        ),
        ({"phase": None, "unknown": None}, "", ()),
        ({"phase": {"x": 1}}, "", ("/phase",)),
        ({"phase": ["x"]}, "", ("/phase",)),
        ({"meta": "x"}, "", ("/meta",)),
        ({"data": {"kind": "x"}}, "", ("/data",)),
        ({"data": ["x", {}]}, "<data></data>", ("/data/0",)),
        ({"costs": []}, "", ()),
        ({"phase": 7}, "<phase>7</phase>", ()),
        ({"phase": float("nan")}, "", ("/phase",)),
        ({"phase": "a\x1bb\x00"}, "<phase>a\ufffdb\ufffd</phase>", ("/phase",)),
        (
            {"kind": f"{NEW}/session/simple-execution-session.yaml", "schedule": {}},
            "",
            ("/schedule",),
        ),
        (
            {
                "executable": {
                    "kind": "x/jupyter-notebook",
                    "image": {},
                    "location": "l",
                }
            },
            '<executable kind="x/jupyter-notebook"><location>l</location></executable>',
            ("/executable/image",),
        ),
        (
            {"compute": {"kind": "urn:gpu-compute", "cores": {"min": 1}, "gpus": 1}},
            '<compute kind="urn:gpu-compute"><cores><min>1</min></cores></compute>',
            ("/compute/gpus",),
        ),
    ],
)
def test_what_the_schema_does_not_know_is_left_out_and_named(document, body, dropped):
    written, named = xml_of(document)

    assert named == dropped
    assert body in written
    assert len(written.partition(">")[2]) == len(body) + len("</execution>")


def test_costs_and_metrics_are_unknown_to_the_older_dialect():
    document = {"costs": [{"kind": "x"}], "metrics": [{"kind": "x"}]}

    assert xml_of(document, dialect="2026-07")[1] == ()
    assert xml_of(document, dialect="2026-04")[1] == ("/costs", "/metrics")


def test_other_dialects_have_no_xml():
    with pytest.raises(NotAcceptable, match="2026-04 and 2026-07, not in 2025-11"):
        encode_xml({}, "OfferSetResponse", "2025-11")


def test_an_answer_says_in_a_message_what_xml_left_out():
    document = {"meta": {"messages": [{"level": "INFO"}]}, "gpu": 1, "tpu": {"x": 1}}

    body = encode(
        document, MediaType.XML, schema="AbstractExecutionSession", dialect="2026-07"
    )

    read = decode_xml(body, "AbstractExecutionSession", "2026-07")
    first, second = read["meta"]["messages"]
    assert first == {"level": "INFO"}
    assert second["level"] == "WARN"
    assert second["kind"] == "urn:metabroker:not-in-xml"
    assert second["values"] == {"members": "/gpu, /tpu"}
    assert second["message"].endswith("can: /gpu, /tpu")
    assert document["meta"]["messages"] == [{"level": "INFO"}]


def test_the_message_names_a_few_and_counts_the_rest():
    document = {"meta": None, **{f"x{number}": 1 for number in range(25)}}

    body = encode(
        document, MediaType.XML, schema="OfferSetResponse", dialect="2026-04"
    ).decode()

    assert "/x19 and 5 more</members>" in body


def test_an_answer_with_nothing_left_out_has_no_message():
    body = encode(
        {"phase": "OFFERED"},
        MediaType.XML,
        schema="AbstractExecutionSession",
        dialect="2026-07",
    )

    assert body.endswith(b"<execution><phase>OFFERED</phase></execution>")


def test_xml_of_no_schema_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError):
        encode({}, MediaType.XML)
