"""The API's own description, held against what the service answers."""

import pytest
import pytest_asyncio

from aggregator import strict_yaml
from aggregator.http.openapi import api_document
from aggregator.wire.dialects import DIALECTS
from site_adapters.simulated import SimulatedSite
from site_adapters.simulated import faults as site_faults
from tests.support.running import REFERENCE, running_federation
from tests.support.schemas import answers_of, faults, operations

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = api_document("https://broker.example", "1.2.3")
OPERATIONS = operations(DOCUMENT)
ACCEPT = {"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), dialect="2026-07"),
        settings={
            "trusted_hosts": ["broker.internal.example"],
            "following": {"interval": 0.05, "longest_stream": 0.1},
            "health": {"probes": True, "interval": 0.1},
        },
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def uuids(federation):
    """The uuids of an offer set and of an accepted session, by the path's beginning."""
    response = await federation.post("/requests", REFERENCE)
    offer_set = response.headers["Location"].rpartition("/")[2]
    session = (await response.json())["offers"][0]["uuid"]
    accepted = await federation.client.post(
        f"{federation.url}/sessions/{session}", json=ACCEPT
    )
    assert accepted.status == 200
    while (await federation.get("/health")).status != 200:
        pass
    return {"offersets": offer_set, "sessions": session}


UNANSWERED = {
    401: site_faults.error(401),
    403: site_faults.error(403),
    503: site_faults.error(500),
    504: site_faults.late(5.0),
}


@pytest.mark.parametrize("status", UNANSWERED)
async def test_a_set_that_nobody_answered_is_read_as_described(tmp_path, status):
    settings = {"fan_out": {"deadline": 0.5, "shortest_wait": 0.2}}
    async with running_federation(
        tmp_path, SimulatedSite(name="one"), settings=settings
    ) as federation:
        federation.sites["one"].script("request", UNANSWERED[status], times=None)
        asked = await federation.post("/requests", REFERENCE)
        read = await federation.get((await asked.json())["offerset"])

        assert asked.status == read.status == status
        for path, answer in (("/requests", asked), ("/offersets/{uuid}", read)):
            method = answer.request_info.method
            described = answers_of(DOCUMENT, OPERATIONS[method, path])[status]
            assert answer.content_type in described["content"]
            assert not faults(DOCUMENT, "Problem", await answer.json())


def readings():
    for (method, path), operation in OPERATIONS.items():
        for media in answers_of(DOCUMENT, operation).get(200, {}).get("content", {}):
            if method == "GET":
                yield pytest.param(path, media, id=f"{path} as {media}")


@pytest.mark.parametrize(("path", "media"), [*readings()])
async def test_what_can_be_read_comes_as_described(federation, uuids, path, media):
    described = answers_of(DOCUMENT, OPERATIONS["GET", path])[200]
    url = path.replace("{uuid}", uuids.get(path.split("/")[1], ""))
    dialect = {"dialect": "2026-07"} if "xml" in media else {}
    response = await federation.get(url, headers={"Accept": media}, params=dialect)
    body = await response.read()
    assert response.status == 200, body
    assert response.content_type == media
    for name in described.get("headers", {}):
        assert name in response.headers
    schema = described["content"][media]["schema"]
    if media in {"application/json", "application/yaml"} and "$ref" in schema:
        value = strict_yaml.load(body)
        assert faults(DOCUMENT, schema["$ref"].rpartition("/")[2], value) == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_answers_in_every_dialect_are_what_the_schemas_describe(
    federation, uuids, dialect
):
    for path, schema in (("offersets", "OfferSet"), ("sessions", "Session")):
        older = "Older" if dialect < "2026" else ""
        response = await federation.get(
            f"/{path}/{uuids[path]}", params={"dialect": dialect}
        )
        assert faults(DOCUMENT, older + schema, await response.json()) == []


@pytest.mark.parametrize(
    "path", [path for (method, path) in OPERATIONS if method == "GET"]
)
async def test_a_path_may_end_in_a_slash(federation, uuids, path):
    url = path.replace("{uuid}", uuids.get(path.split("/")[1], "")) + "/"
    assert (await federation.get(url)).status == 200


async def test_it_names_the_public_url_and_the_version(federation):
    document = await (await federation.get("/openapi.json")).json()
    ping = await (await federation.get("/ping")).json()
    assert document == {
        **DOCUMENT,
        "servers": [{"url": federation.url}],
        "info": {**DOCUMENT["info"], "version": ping["version"]},
    }


async def test_it_names_the_host_that_was_asked_only_where_that_is_trusted(federation):
    for host, url in (
        ("broker.internal.example", "http://broker.internal.example"),
        ("broker.elsewhere.example", federation.url),
    ):
        response = await federation.get("/openapi.json", headers={"Host": host})
        assert (await response.json())["servers"] == [{"url": url}]


async def test_json_and_yaml_say_the_same(federation):
    as_json = await (await federation.get("/openapi.json")).json()
    as_yaml = await (await federation.get("/openapi.yaml")).read()
    assert strict_yaml.load(as_yaml) == as_json


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "/docs"])
async def test_a_client_that_has_it_gets_no_body(federation, path):
    first = await federation.get(path)
    tag = first.headers["ETag"]
    again = await federation.get(path, headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == tag
    other = await federation.get(path, headers={"If-None-Match": '"other"'})
    assert other.status == 200
