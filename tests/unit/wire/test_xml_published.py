"""Our table of the schema against the published documents, member by member."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from aggregator.wire.xml.shapes import Member, ObjectShape, Scalar
from aggregator.wire.xml.tables import SCHEMAS

FOLDER = os.environ.get("METABROKER_OPENAPI_DIR", "")

pytestmark = pytest.mark.skipif(
    not FOLDER,
    reason="METABROKER_OPENAPI_DIR names no folder with the published documents",
)

SCALARS = {
    "string": Scalar.TEXT,
    "integer": Scalar.NUMBER,
    "number": Scalar.NUMBER,
    "boolean": Scalar.BOOLEAN,
}


class Published:
    """One published document, with its references resolved on demand."""

    def __init__(self, dialect: str) -> None:
        text = (Path(FOLDER) / f"openapi-{dialect}.yaml").read_text()
        document = yaml.load(text, Loader=yaml.CSafeLoader)
        self.schemas = document["components"]["schemas"]

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in schema:
            return schema
        return {**self.schemas[schema["$ref"].rpartition("/")[2]], **schema}

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        schema = self.resolved(schema)
        found: dict[str, Any] = {}
        for part in schema.get("allOf", ()):
            found |= self.properties(part)
        return found | schema.get("properties", {})

    def variants(self, schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
        mapping = self.resolved(schema).get("discriminator", {}).get("mapping", {})
        base = self.properties(schema)
        return {
            uri: {
                name: value
                for name, value in self.properties({"$ref": target}).items()
                if name not in base
            }
            for uri, target in mapping.items()
        }


def check_object(published: Published, shape: ObjectShape, schema: dict, at: str):
    base = published.properties(schema)
    variants = published.variants(schema)
    always = set.intersection(*map(set, variants.values())) if variants else set()
    own = {name for name in shape.members if name not in base}
    assert own <= always, at
    check_members(
        published,
        shape.members,
        base | {name: next(iter(variants.values()))[name] for name in own},
        at,
    )
    for uri, extra in variants.items():
        known = shape.members_of(uri)
        assert set(known) == set(base) | set(extra), f"{at} {uri}"
        check_members(published, known, base | extra, f"{at}<{uri}>")


def check_members(published: Published, members, properties, at: str):
    assert set(members) == set(properties), at
    for name, schema in properties.items():
        check_member(published, members[name], name, schema, f"{at}/{name}")


def check_member(published: Published, member: Member, name, schema, at: str):
    resolved = published.resolved(schema)
    hints = schema.get("xml", {})
    assert member.is_list == (resolved.get("type") == "array"), at
    assert member.is_attribute == hints.get("attribute", False), at
    assert member.is_wrapped == hints.get("wrapped", False), at
    if member.is_list:
        schema = resolved["items"]
        resolved = published.resolved(schema)
        hints = resolved.get("xml", {})
    assert member.element == hints.get("name", name), at
    if isinstance(member.shape, ObjectShape):
        check_object(published, member.shape, schema, at)
    elif member.shape is Scalar.TEXT_MAP:
        assert resolved["additionalProperties"] == {"type": "string"}, at
    else:
        assert member.shape is SCALARS[resolved["type"]], at


@pytest.mark.parametrize("dialect", list(SCHEMAS))
@pytest.mark.parametrize("name", list(SCHEMAS["2026-07"]))
def test_the_table_says_what_the_published_document_says(dialect, name):
    published = Published(dialect)
    root = SCHEMAS[dialect][name]

    check_object(published, root.shape, {"$ref": f"#/components/schemas/{name}"}, name)


@pytest.mark.parametrize("dialect", list(SCHEMAS))
@pytest.mark.parametrize(
    ("name", "hinted"),
    [
        ("ExecutionRequest", "ExecutionRequest"),
        ("OfferSetResponse", "OfferSetResponse"),
        ("AbstractExecutionSession", "SimpleExecutionSession"),
        ("AbstractUpdate", "AbstractUpdate"),
    ],
)
def test_roots_are_named_by_the_hint_or_the_schema(dialect, name, hinted):
    schema = Published(dialect).schemas[hinted]

    assert SCHEMAS[dialect][name].element == schema.get("xml", {}).get("name", name)
