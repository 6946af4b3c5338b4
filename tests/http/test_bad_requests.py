"""What can't be asked for: unknown things, methods, media types and dialects."""

import gzip
import json

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from tests.support.problems import problem_of
from tests.support.running import REFERENCE, running_federation

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAP = 4096
JSON = {"Content-Type": "application/json"}
UNKNOWN = "0badc0de-0000-4000-8000-000000000000"
ACCEPT = '{"kind": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        SimulatedSite(name="site", dialect="2026-07"),
        # Sessions that are unknown here are not looked for at the site.
        settings={"bodies": {"max_request_bytes": CAP}, "locate": False},
    ) as running:
        yield running


@pytest.fixture
def untouched(federation):
    """Hold that the site heard nothing of it."""
    site = federation.sites["site"]
    before = len(site.requests)
    yield
    assert len(site.requests) == before


@pytest.mark.parametrize(
    "path",
    [
        f"/offersets/{UNKNOWN}",
        f"/offersets/{UNKNOWN}/",
        f"/offersets/{UNKNOWN}/sites",
        f"/offersets/{UNKNOWN}/ranking",
        f"/sessions/{UNKNOWN}",
        "/offersets/not-a-uuid",
        "/sessions/not-a-uuid",
        f"/sessions/{UNKNOWN}0",
        "/sessions/%00",
        "/sessions/%ff%20x",
        "/sessions/" + "a" * 4000,
        "/nothing",
        "/compute/" + UNKNOWN,
        "/offersets//",
    ],
)
async def test_what_does_not_exist(federation, untouched, path):
    response = await federation.client.get(
        federation.url + path, headers={"Accept": "application/json"}
    )
    await problem_of(response, 404)


async def test_an_update_of_no_session(federation, untouched):
    for path in (f"/sessions/{UNKNOWN}", f"/sessions/{UNKNOWN}/", "/sessions/x"):
        response = await federation.post(path, ACCEPT, headers=JSON)
        problem = await problem_of(response, 404)
        assert "there is no session" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/requests", "POST"),
        ("GET", "/offersets", "POST"),
        ("GET", "/direct", "POST"),
        ("PUT", f"/sessions/{UNKNOWN}", "GET,POST"),
        ("PATCH", f"/sessions/{UNKNOWN}/", "GET,POST"),
        ("DELETE", f"/offersets/{UNKNOWN}", "GET"),
        ("POST", f"/offersets/{UNKNOWN}/sites", "GET"),
        ("POST", "/metrics", "GET"),
        ("OPTIONS", "/requests", "POST"),
    ],
)
async def test_a_method_that_is_not_to_be_used(
    federation, untouched, method, path, allowed
):
    response = await federation.client.request(method, federation.url + path)
    await problem_of(response, 405)
    offered = {one.strip() for one in response.headers["Allow"].split(",")}
    assert set(allowed.split(",")) <= offered
    assert method not in offered


@pytest.mark.parametrize(
    "content_type",
    [
        "text/csv",
        "multipart/form-data; boundary=b",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/yaml; charset=utf-16",
        "application/xhtml+xml",
        "nonsense",
    ],
)
@pytest.mark.parametrize("path", ["/requests", "/direct", f"/sessions/{UNKNOWN}"])
async def test_a_body_of_a_type_that_is_not_read(
    federation, untouched, path, content_type
):
    response = await federation.post(
        path, REFERENCE, headers={"Content-Type": content_type}
    )
    await problem_of(response, 415)


@pytest.mark.parametrize(
    "content_type",
    ["application/yaml", "text/yaml", "application/x-yaml", "a/b+yaml", ""],
)
async def test_every_name_of_yaml_is_read(federation, content_type):
    response = await federation.post(
        "/offersets", REFERENCE, headers={"Content-Type": content_type}
    )
    assert response.status == 303


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("", "text/html"),
        ("", "application/json;q=0"),
        ("", "image/*, text/csv;q=0.5"),
        ("", "*/*;q=0"),
        ("", "application/json;dialect=1999-01"),
        ("?dialect=1999-01", "application/json"),
    ],
)
@pytest.mark.parametrize("path", ["/offersets", "/direct"])
async def test_an_answer_that_is_not_ours_to_give_reserves_nothing(
    federation, untouched, path, query, accept
):
    response = await federation.post(
        path + query, REFERENCE, headers={"Accept": accept}
    )
    problem = await problem_of(response, 406)
    assert response.content_type == "application/problem+json"
    assert "dialect" in problem["detail"] or "application/yaml" in problem["detail"]


async def test_xml_is_given_only_in_the_dialects_that_have_it(federation, untouched):
    response = await federation.post(
        "/offersets", REFERENCE, headers={"Accept": "application/xml"}
    )
    problem = await problem_of(response, 406)
    assert response.content_type == "application/problem+xml"
    assert "not in 2025-11, which is written in JSON and YAML" in problem["detail"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (
            "application/json;dialect=2031-01, application/yaml;dialect=2026-04;q=0.5",
            "application/yaml;dialect=2026-04",
        ),
        (
            "application/json;dialect=2031-01, */*;q=0.1",
            "application/json;dialect=2025-11",
        ),
        (
            "application/xml;dialect=2026-02, application/json;q=0.5",
            "application/json;dialect=2025-11",
        ),
        (
            "application/xml, application/xml;dialect=2026-07;q=0.9",
            "application/xml;dialect=2026-07",
        ),
    ],
)
async def test_a_wish_that_we_can_not_grant_gives_way_to_the_next(
    federation, accept, content_type
):
    response = await federation.post(
        "/offersets", REFERENCE, headers={"Accept": accept}
    )
    assert response.status == 303
    assert response.headers["Content-Type"] == content_type


async def test_a_body_over_the_cap(federation, untouched):
    for body in (b"a: " + b"b" * CAP, b"-" * 50 * CAP):
        problem = await problem_of(await federation.post("/requests", body), 413)
        assert str(CAP) in problem["detail"]


async def test_a_body_of_unknown_length_over_the_cap(federation, untouched):
    async def chunks():
        for _ in range(20):
            yield b"-" * CAP

    response = await federation.client.post(
        federation.url + "/requests", data=chunks(), headers=JSON
    )
    await problem_of(response, 413)


async def test_a_small_body_that_unpacks_beyond_the_cap(federation, untouched):
    packed = gzip.compress(b"a" * 2000 * CAP)
    assert len(packed) < 10 * CAP
    response = await federation.client.post(
        federation.url + "/requests",
        data=packed,
        headers={**JSON, "Content-Encoding": "gzip"},
    )
    await problem_of(response, 413)


async def test_a_packed_body_is_unpacked(federation):
    response = await federation.post(
        "/offersets",
        gzip.compress(REFERENCE.encode()),
        headers={"Content-Encoding": "gzip"},
    )
    assert response.status == 303


@pytest.mark.parametrize(("coding", "status"), [("gzip", 400), ("compress", 415)])
async def test_a_body_that_can_not_be_unpacked(federation, untouched, coding, status):
    response = await federation.post(
        "/offersets", b"not packed", headers={"Content-Encoding": coding}
    )
    problem = await problem_of(response, status)
    assert "coding" in problem["detail"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("application/yaml", "application/problem+yaml"),
        ("text/x-yaml", "application/problem+yaml"),
        ("application/xml", "application/problem+xml"),
        ("text/html, application/xml;q=0.1", "application/problem+xml"),
        ("application/json;q=0.5, application/yaml", "application/problem+yaml"),
        ("application/problem+json", "application/problem+json"),
        ("text/html", "application/problem+json"),
    ],
)
async def test_problems_come_in_the_clients_media_type(
    federation, untouched, accept, content_type
):
    headers = {**JSON, **({"Accept": accept} if accept else {})}
    calls = [
        (await federation.post("/requests", "{", headers=headers), 400),
        (await federation.post("/requests", "{}", headers=headers), 422),
        (await federation.get(f"/sessions/{UNKNOWN}", headers=headers), 404),
        (await federation.get("/requests", headers=headers), 405),
        (await federation.get("/nothing", headers=headers), 404),
    ]
    for response, status in calls:
        assert "Accept" in response.headers["Vary"]
        problem = await problem_of(response, status)
        assert response.content_type == content_type
        assert response.headers["Cache-Control"] == "no-store"
        for fault in problem.get("errors", []):
            assert {"pointer", "detail", "line", "column"} <= fault.keys()


@pytest.mark.parametrize("path", ["/offersets", "/direct"])
async def test_a_request_that_comes_back_to_us(federation, path):
    assert (await federation.post(path, REFERENCE)).status == 303
    sent = federation.sites["site"].requests
    via = next(call.headers["via"] for call in sent if call.method == "POST")
    before = len(sent)
    for through in (via, f"1.1 other:80, {via}", f"{via}, 1.1 other (a comment)"):
        response = await federation.post(path, REFERENCE, headers={"Via": through})
        problem = await problem_of(response, 508)
        assert via.split()[1] in problem["detail"]
    assert len(federation.sites["site"].requests) == before


async def test_an_id_of_a_request_is_given_back_and_never_trusted(federation):
    path = federation.url + "/nothing"
    for given, taken in (("my-id.1", True), ("a b", False), ("x" * 65, False)):
        response = await federation.client.get(path, headers={"X-Request-ID": given})
        problem = await problem_of(response, 404)
        assert (problem["request_id"] == given) is taken


async def test_preferences_that_make_no_sense_are_ignored(federation):
    for wish in ("wait=abc", "wait=-1", "wait=1e9", "=", ",,;;", "handling", "wait"):
        response = await federation.post(
            "/offersets", REFERENCE, headers={"Prefer": wish}
        )
        assert response.status == 303, wish
        assert json.loads(await response.text())["result"] == "YES"


@pytest.mark.parametrize(
    "wait", ["9" * 400, "9" * 5000, "-5", "1e3", "nan", "soon", ""]
)
async def test_a_wait_that_is_none_is_as_if_it_was_not_there(federation, wait):
    wish = {"Prefer": f"wait={wait}"}
    asked = await federation.post("/offersets", REFERENCE, headers=wish)
    assert asked.status == 303
    uuid = (await asked.json())["offers"][0]["uuid"]
    taken = await federation.post(f"/sessions/{uuid}", ACCEPT, headers=wish | JSON)
    assert taken.status == 200
    assert (await taken.json())["phase"] != "OFFERED"
