"""Bodies in one dialect with parts of another: taken where the meaning is clear."""

import json

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from tests.support.problems import problem_of
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
OLD = Dialogue("2025-11")
NEW = Dialogue("2026-07")
SIMPLE = "simple-compute-resource"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        SimulatedSite(name="old", dialect="2025-11", offers=1),
        SimulatedSite(name="new", dialect="2026-07", offers=1),
    ) as running:
        yield running


async def submit(federation, document, path="/offersets"):
    return await federation.post(path, json.dumps(document), headers=JSON)


def renamed(node, **names):
    return {names.get(key, key): value for key, value in node.items()}


def with_kinds(document):
    document["executable"] = renamed(document["executable"], type="kind")
    return document


def with_meta(document):
    for part in (document["executable"], document["compute"], *document["data"]):
        part["meta"] = {"name": part.pop("name")}
    return document


def with_new_uris(document):
    document["executable"]["type"] = NEW.uris["docker"]
    document["compute"]["type"] = NEW.uris["compute"]
    return document


def without_versions(document):
    for part in (document["executable"], document["compute"], *document["data"]):
        part["type"] = part["type"].removesuffix("-1.0")
    return document


def called_computer(document):
    return renamed(document, compute="computer")


def in_a_block(document):
    block = {key: document.pop(key) for key in ("compute", "data", "volumes")}
    block["compute"] = [block["compute"]]
    return {**document, "resources": block}


def with_inline_volumes(document):
    document["compute"]["volumes"] = document.pop("volumes")
    return document


def with_digest_outside(document):
    executable = document["executable"]
    executable["digest"] = executable["image"].pop("digest")
    return document


def with_starts(document):
    requested = document["schedule"]["requested"]
    requested["start"] = ["2035-07-01T12:00:00Z/PT1H"]
    return document


@pytest.mark.parametrize("path", ["/offersets", "/requests"])
@pytest.mark.parametrize(
    "change",
    [
        with_kinds,
        with_meta,
        with_new_uris,
        without_versions,
        called_computer,
        in_a_block,
        with_inline_volumes,
        with_digest_outside,
        with_starts,
    ],
)
async def test_what_is_clear_is_understood_by_sites_of_each_age(
    federation, change, path
):
    response = await submit(federation, change(OLD.request()), path)
    assert response.status == 303, (await response.text())[:500]
    offer_set = await response.json()
    uuid = response.headers["Location"].rpartition("/")[2]
    sites = (await (await federation.get(f"/offersets/{uuid}/sites")).json())["sites"]
    assert {s["site"]: (s["outcome"], s["offers"]) for s in sites} == {
        "old": ("ok", 1),
        "new": ("ok", 1),
    }
    asked = json.loads(federation.sites["new"].requests[-1].body)
    assert asked["executable"]["kind"] == NEW.uris["docker"]
    assert asked["executable"]["image"]["digest"] == "sha256:00"
    assert asked["compute"]["cores"] == {"min": 1, "max": 1}
    assert asked["compute"]["volumes"][0]["resource"] == "survey"
    assert asked["data"][0]["meta"]["name"] == "survey"
    asked = json.loads(federation.sites["old"].requests[-1].body)
    assert asked["executable"]["type"] == OLD.uris["docker"]
    assert asked["compute"]["type"] == OLD.uris["compute"]
    assert asked["volumes"][0]["resources"] == ["survey"]
    assert asked["data"][0]["name"] == "survey"
    assert len(offer_set["offers"]) == 2


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        (lambda d: d | {"computer": d["compute"]}, "/computer", "second time"),
        (
            lambda d: d | {"resources": {"data": d["data"]}},
            "/resources/data",
            "second time",
        ),
        (
            lambda d: d | {"resources": {"compute": [d["compute"]]}},
            "/resources/compute",
            "only one compute",
        ),
        (
            lambda d: d | {"executable": {**d["executable"], "kind": "other"}},
            "/executable/type",
            "another kind",
        ),
        (
            lambda d: (
                {k: v for k, v in d.items() if k != "compute"}
                | {"resources": {"compute": [d["compute"], d["compute"]]}}
            ),
            "/resources/compute/1",
            "only one compute",
        ),
        (lambda d: d | {"volumes": {"a": 1}}, "/volumes", "list of volumes"),
        (
            lambda d: d | {"compute": {**d["compute"], "volumes": ["nowhere"]}},
            "/compute/volumes/0",
            "nowhere",
        ),
        (lambda d: d | {"data": d["data"] * 2}, "/data/1/name", "named 'survey'"),
    ],
)
async def test_what_can_mean_two_things_is_refused_with_its_place(
    federation, change, pointer, words
):
    problem = await problem_of(await submit(federation, change(OLD.request())), 422)
    assert pointer in {fault["pointer"] for fault in problem["errors"]}
    assert words in " ".join(fault["detail"] for fault in problem["errors"])


@pytest.mark.parametrize(
    "update",
    [
        {"kind": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"},
        {"type": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"},
        {
            "update": {
                "kind": "uri:enum-value-update",
                "path": "/phase",
                "value": "ACCEPTED",
            }
        },
        {
            "update": {
                "type": "uri:enum-value-update",
                "path": "phase",
                "value": "ACCEPTED",
            }
        },
    ],
)
@pytest.mark.parametrize("speaks", [OLD, NEW], ids=lambda d: d.dialect)
async def test_an_update_in_any_wrapping_is_answered_in_the_sessions_dialect(
    federation, speaks, update
):
    response = await submit(federation, speaks.request(), speaks.path)
    offer = (await response.json())["offers"][0]
    uuid = speaks.uuid(offer)
    answered = await federation.post(
        f"/sessions/{uuid}", json.dumps(update), headers=JSON
    )
    session = await answered.json()
    assert answered.status == 200
    assert session[speaks.key] == speaks.uris["session"]
    assert session["phase"] == "ACCEPTED"
    owner = next(s for s in federation.sites.values() if uuid in s.sessions)
    assert uuid in owner.accepted
