"""Schemas of OpenAPI documents as validators, which honour formats and discriminators."""

import uuid
from datetime import datetime
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

_SCHEMAS = "#/components/schemas/"
_INT32, _INT64 = 2**31, 2**63

FORMATS = FormatChecker(formats=())


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value):
    return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value):
    if not isinstance(value, str):
        return True
    return datetime.fromisoformat(value).tzinfo is not None and "T" in value


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value):
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@FORMATS.checks("int32")
def _is_int32(value):
    return not isinstance(value, int) or -_INT32 <= value < _INT32


@FORMATS.checks("int64")
def _is_int64(value):
    return not isinstance(value, int) or -_INT64 <= value < _INT64


def operations(document):
    """Return the operations of a document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def resolved(document, node):
    """Return a node, or what it refers to."""
    while "$ref" in node:
        _, kind, name = node["$ref"].removeprefix("#/").split("/")
        node = document["components"][kind][name]
    return node


def answers_of(document, operation):
    """Return the answers of an operation by status."""
    return {
        int(status): resolved(document, answer)
        for status, answer in operation["responses"].items()
    }


def faults(document, schema, value):
    """Return what is wrong with a value by a named schema of a document."""
    root = {"$ref": _SCHEMAS + schema, "components": document["components"]}
    validator = Draft202012Validator(root, format_checker=FORMATS)
    return [
        f"{error.json_path}: {error.message[:300]}"
        for error in validator.iter_errors(value)
    ]


def discriminating(document):
    """Return a document whose discriminators are conditions that validators know.

    Each schema that has one becomes its mapping's choice; what it was by itself is
    kept as its base, which is what the schemas of the mapping build on.
    """
    schemas = document["components"]["schemas"]
    choosing = {name for name, schema in schemas.items() if "discriminator" in schema}
    changed = {}
    for name, schema in schemas.items():
        based = _on_bases(schema, choosing)
        if name in choosing:
            changed[name + ".base"] = based
            changed[name] = _choice(name, schema["discriminator"])
        else:
            changed[name] = based
    return {**document, "components": {**document["components"], "schemas": changed}}


def _on_bases(schema, choosing):
    parts = [
        {"$ref": part["$ref"] + ".base"}
        if part.get("$ref", "").removeprefix(_SCHEMAS) in choosing
        else part
        for part in schema.get("allOf", ())
    ]
    return {**schema, "allOf": parts} if parts else schema


def _choice(name, discriminator):
    key, mapping = discriminator["propertyName"], discriminator["mapping"]
    own = _SCHEMAS + name
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": list(mapping)}},
        "allOf": [
            {
                "if": {"properties": {key: {"const": uri}}, "required": [key]},
                "then": {"$ref": own + ".base" if target == own else target},
            }
            for uri, target in mapping.items()
        ],
    }
