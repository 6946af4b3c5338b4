"""What a client gets who sends what can't be understood: where, what, and no 500."""

import json

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from tests.support.problems import fault_of, problem_of
from tests.support.requests import KINDS
from tests.support.running import REFERENCE, running_federation

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "application/xml"}
UNKNOWN = "0badc0de-0000-4000-8000-000000000000"
DEEP = 100_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    site = SimulatedSite(name="site", dialect="2026-07")
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        site,
        settings={"bodies": {"max_request_bytes": 2 * DEEP + 1024}},
    ) as running:
        yield running


@pytest.fixture
def untouched(federation):
    """Hold that the site heard nothing of it."""
    site = federation.sites["site"]
    before = len(site.requests)
    yield
    assert len(site.requests) == before


def wanted(**changes):
    image = {"locations": ["registry.example/tool:1"], "digest": "sha256:00"}
    return {
        "executable": {
            "kind": f"{KINDS}/executable/docker-container.yaml",
            "image": image,
        },
        "schedule": {"requested": {"duration": "PT10M"}},
        **changes,
    }


def compute(**members):
    return wanted(
        compute={"kind": f"{KINDS}/compute/simple-compute-resource.yaml", **members}
    )


@pytest.mark.parametrize(
    ("body", "line", "column", "words"),
    [
        ("name: a\nexecutable: [b\nc: d", 3, 2, "flow sequence"),
        ("name: a\nname: b\n", 2, 1, "given twice"),
        ("data: &all [a]\nstorage: *all\n", 1, 7, "anchor"),
        ("data: *all\n", 1, 7, "alias"),
        ("a: {<<: {b: 1}}\n", 1, 5, "merge key"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("1: a\n", 1, 1, "not a string"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("- " * DEEP, 1, 129, "nested more than 64"),
        ("[" * 100, 1, 65, "nested more than 64"),
        ("[" * DEEP, 1, 1001, "nested more than 64"),
        ("a: 18446744073709551616\n", 1, 4, "beyond 64 bits"),
        ("a: 1e999\n", 1, 4, "too large"),
        (b"a: \xff\n", 1, 4, "UTF-8"),
        (b"a: \x00\n", 1, 4, "control character"),
        ("a:\n\t- b\n", 2, 1, "token"),
    ],
)
async def test_yaml_that_is_not_well_formed(
    federation, untouched, body, line, column, words
):
    fault = await fault_of(await federation.post("/requests", body), 400)
    assert (fault["line"], fault["column"]) == (line, column)
    assert words in fault["detail"]


@pytest.mark.parametrize(
    ("body", "line", "column", "words"),
    [
        ('{"executable": ', 1, 16, "unexpected end"),
        ('{"name": "a",\n "name": "b"}', 2, 2, "given twice"),
        ("[" * DEEP + "]" * DEEP, 1, 1026, "depth"),
        ('{"a":' * 65 + "1" + "}" * 65, 1, 321, "nested more than 64"),
        ('{"a": NaN}', 1, 7, "unexpected character"),
        ('{"a": -Infinity}', 1, 8, "no digit"),
        ('{"a": 1e999}', 1, 7, "infinity"),
        ('{"a": 18446744073709551616}', 1, 7, "beyond 64 bits"),
        ('{"a": -9223372036854775809}', 1, 7, "beyond 64 bits"),
        ('{"a": "\\ud800"}', 1, 8, "surrogate"),
        (b'{"a": "\xff"}', 1, 8, "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), 1, 1, "UTF-8"),
        ("{'a': 1}", 1, 2, "unexpected character"),
        ('{"a": 1} {"b": 2}', 1, 10, "unexpected content"),
    ],
)
async def test_json_that_is_not_well_formed(
    federation, untouched, body, line, column, words
):
    fault = await fault_of(await federation.post("/requests", body, headers=JSON), 400)
    assert (fault["line"], fault["column"]) == (line, column)
    assert words in fault["detail"]


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("<offers-request><compute>", 1, "no element found"),
        ("<offers-request>\n</compute>", 2, "mismatched tag"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>\n<offers-request/>', 1, "document type"),
        ("<offers-request>" + "<a>" * DEEP, 1, "nested more than 64"),
    ],
)
async def test_xml_that_is_not_well_formed(federation, untouched, body, line, words):
    body = body[: 2 * DEEP]
    fault = await fault_of(await federation.post("/requests", body, headers=XML), 400)
    assert fault["line"] == line
    assert words in fault["detail"]


@pytest.mark.parametrize("body", ["", " \n\n"])
@pytest.mark.parametrize("headers", [{}, JSON, XML])
@pytest.mark.parametrize("path", ["/requests", "/offersets", "/direct", "/sessions"])
async def test_an_empty_body(federation, untouched, path, headers, body):
    problem = await problem_of(
        await federation.post(path, body.encode(), headers=headers), 400
    )
    assert "empty" in problem["detail"] or "no element" in problem["detail"]


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        ({}, "/executable", "is required"),
        ([1], "", "is not a mapping"),
        ("hello", "", "is not a mapping"),
        (None, "", "is not a mapping"),
        (wanted(executable=None), "/executable", "must be a mapping"),
        (wanted(executable=[]), "/executable", "must be a mapping"),
        (wanted(executable={}), "/executable/kind", "is required"),
        (wanted(executable={"kind": 5}), "/executable/kind", "must be a text"),
        (wanted(data={"a": 1}), "/data", "must be a list"),
        (wanted(data=["a"]), "/data/0", "must be a mapping"),
        (wanted(meta="a"), "/meta", "must be a mapping"),
        (wanted(compute=5), "/compute", "must be a mapping"),
        (compute(cores={"min": "2"}), "/compute/cores/min", "whole number"),
        (compute(cores={"min": 2.5}), "/compute/cores/min", "whole number"),
        (compute(cores={"min": True}), "/compute/cores/min", "whole number"),
        (compute(cores={"min": -1}), "/compute/cores/min", "negative"),
        (compute(cores={"min": 4, "max": 2}), "/compute/cores", "greater than its max"),
        (compute(volumes={}), "/compute/volumes", "must be a list"),
        (compute(volumes=["a"]), "/compute/volumes/0", "no volume of the name 'a'"),
        (wanted(costs=[{"max": "a"}]), "/costs/0/max", "must be a number"),
        (wanted(x=2**63), "/x", "more than 64 bits"),
        (wanted(x=2**64 - 1), "/x", "more than 64 bits"),
    ],
)
async def test_what_is_well_formed_and_no_request(
    federation, untouched, document, pointer, words
):
    for headers in (JSON, {}):
        body = json.dumps(document, indent=1)
        fault = await fault_of(
            await federation.post("/requests", body, headers=headers), 422
        )
        assert fault["pointer"] == pointer
        assert words in fault["detail"]
        assert fault["line"] >= 1
        assert fault["column"] >= 1


async def test_the_place_of_what_is_wrong_in_a_users_own_yaml(federation, untouched):
    body = REFERENCE.replace("duration: PT10M", "duration: ten minutes")
    fault = await fault_of(await federation.post("/offersets", body), 422)
    line = body.splitlines()[fault["line"] - 1]
    assert fault["pointer"] == "/schedule/requested/duration"
    assert line[fault["column"] - 1 :] == "ten minutes"


async def test_all_faults_are_named_at_once(federation, untouched):
    document = wanted(
        schedule={"requested": {"duration": "soon", "start": "later"}},
        compute={"kind": "", "cores": {"min": -1}},
    )
    response = await federation.post("/requests", json.dumps(document), headers=JSON)
    problem = await problem_of(response, 422)
    assert {fault["pointer"] for fault in problem["errors"]} == {
        "/schedule/requested/duration",
        "/schedule/requested/start",
        "/compute/kind",
        "/compute/cores/min",
    }


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 0, -0.0, 1e-7])
async def test_numbers_reach_the_site_as_they_were_sent(federation, number):
    body = json.dumps(wanted(extension={"number": number}))
    response = await federation.post("/requests", body, headers=JSON)
    assert (await response.json())["result"] == "YES"
    sent = json.loads(federation.sites["site"].requests[-1].body)
    assert sent["extension"]["number"] == number
    assert type(sent["extension"]["number"]) is type(number)


async def test_a_data_size_beyond_32_bits_is_kept(federation):
    data = {
        "kind": f"{KINDS}/data/skao-data-resource.yaml",
        "meta": {"name": "big"},
        "skao": {"namespace": "n", "objectname": "o", "datasize": 2**63 - 1},
    }
    response = await federation.post(
        "/requests", json.dumps(wanted(data=[data])), headers=JSON
    )
    offer = (await response.json())["offers"][0]
    assert offer["data"][0]["skao"]["datasize"] == 2**63 - 1


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        ({}, "/kind", "is required"),
        ([], "", "is not a mapping"),
        ({"update": {}}, "/update/type", "is required"),
        ({"update": "ACCEPTED"}, "/kind", "is required"),
        ({"kind": "uri:enum-value-update"}, "/path", "is required"),
        (
            {"kind": "uri:enum-value-update", "path": "phase"},
            "/value",
            "is required",
        ),
        (
            {"kind": "uri:enum-value-update", "path": "phase", "value": "DONE"},
            "/value",
            "'DONE' is not a phase",
        ),
        (
            {"update": {"type": "uri:enum-value-update", "path": "phase", "value": 1}},
            "/update/value",
            "must be a text",
        ),
        (
            {"kind": "uri:integer-value-update", "path": "/cores", "value": "2"},
            "/value",
            "whole number",
        ),
        (
            {"kind": "uri:integer-delta-update", "path": "/cores", "value": 2},
            "/delta",
            "is required",
        ),
        (wanted(), "/kind", "is required"),
    ],
)
async def test_what_is_not_an_update(federation, untouched, document, pointer, words):
    response = await federation.post(
        f"/sessions/{UNKNOWN}", json.dumps(document), headers=JSON
    )
    problem = await problem_of(response, 422)
    assert pointer in {fault["pointer"] for fault in problem["errors"]}
    assert words in problem["detail"]
