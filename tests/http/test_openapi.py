"""The API's own description says what is served, all of it, and nothing else."""

import json
import re
from pathlib import Path

import pytest
import schemathesis

from aggregator.domain.events import SiteState
from aggregator.domain.messages import Level
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.ranking.explanation import Confidence
from aggregator.domain.sites import Required
from aggregator.http.application import _METRICS_ROUTE, _ROUTES
from aggregator.http.openapi import api_document
from aggregator.http.problems import KINDS
from aggregator.wire.dialects import DIALECTS
from tests.support.schemas import answers_of, faults, operations, resolved

DOCUMENT = api_document("https://broker.example", "1.2.3")
COMPONENTS = DOCUMENT["components"]
OPERATIONS = operations(DOCUMENT)
GOLDEN = Path(__file__).parents[1] / "data" / "dialects"


def test_it_is_valid_openapi():
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_route_is_described_and_everything_described_is_served():
    assert set(OPERATIONS) == {
        (method, path) for method, path, _ in (*_ROUTES, _METRICS_ROUTE)
    }


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = set(re.findall(r"#/components/(\w+)/(\w+)", json.dumps(DOCUMENT)))
    there = {
        (kind, name)
        for kind, named in COMPONENTS.items()
        if kind != "securitySchemes"
        for name in named
    }
    assert used == there


@pytest.mark.parametrize("kind", [*KINDS.values()], ids=lambda kind: kind.name)
def test_every_problem_is_named_at_its_status(kind):
    if kind.name == "impossible-update":  # which of them it is, is its name
        kinds = {"sibling-accepted", "offer-expired", "illegal-transition"}
    else:
        kinds = {kind.name}
    described = " ".join(
        answer["description"]
        for operation in OPERATIONS.values()
        for status, answer in answers_of(DOCUMENT, operation).items()
        if status == kind.status
    )
    assert {name for name in kinds if f"`{name}`" not in described} == set()


@pytest.mark.parametrize(
    ("schema", "members"),
    [
        (COMPONENTS["parameters"]["Dialect"]["schema"], DIALECTS),
        (COMPONENTS["schemas"]["SessionPhase"], SessionPhase),
        (COMPONENTS["schemas"]["Outcome"], Outcome),
        (COMPONENTS["schemas"]["Message"]["properties"]["level"], Level),
        (COMPONENTS["schemas"]["FederationSite"]["properties"]["state"], SiteState),
        (COMPONENTS["schemas"]["FederationSite"]["properties"]["required"], Required),
        (COMPONENTS["schemas"]["Estimate"]["properties"]["confidence"], Confidence),
    ],
    ids=["dialect", "phase", "outcome", "level", "state", "required", "confidence"],
)
def test_enumerations_are_those_of_the_code(schema, members):
    assert sorted(schema["enum"]) == sorted(members)


def contents():
    for kind in ("requestBodies", "responses"):
        for component in COMPONENTS[kind].values():
            yield from component.get("content", {}).values()


def test_examples_are_what_their_schemas_describe():
    tried = 0
    for held in contents():
        for example in held.get("examples", {}).values():
            schema = held["schema"]["$ref"].rpartition("/")[2]
            assert faults(DOCUMENT, schema, resolved(DOCUMENT, example)["value"]) == []
            tried += 1
    assert tried > 5


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("ExecutionRequest", "request"),
        ("AnyUpdate", "update"),
        ("AnyOfferSet", "offer_set"),
        ("AnySession", "session"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_messages_of_every_dialect_are_what_the_schemas_describe(dialect, schema, file):
    golden = json.loads((GOLDEN / dialect / f"{file}.json").read_text())
    assert faults(DOCUMENT, schema, golden) == []


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ("ExecutionRequest", {}),
        ("ExecutionRequest", {"executable": {}}),
        ("ExecutionRequest", {"executable": {"kind": "x"}, "data": {}}),
        (
            "ExecutionRequest",
            {
                "executable": {"kind": "x"},
                "compute": {"kind": "x", "cores": {"min": -1}},
            },
        ),
        ("AnyUpdate", {"kind": "uri:enum-value-update"}),
        ("AnyUpdate", {"update": {"path": "phase"}}),
        ("AnyOfferSet", {"result": "YES"}),
        ("AnySession", {"phase": "OFFERED"}),
    ],
)
def test_the_schemas_do_not_describe_everything(schema, wrong):
    assert faults(DOCUMENT, schema, wrong) != []
