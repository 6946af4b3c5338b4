"""The schema as a table: every member that the published documents describe.

Source: the OpenAPI documents of the Execution Broker, dialects 2026-04 and 2026-07.
The newer one adds costs and metrics; kinds are known by the last word of their URI,
which the two have in common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aggregator.wire.xml.shapes import (
    Member,
    ObjectShape,
    Scalar,
    attribute,
    many,
    members,
    numbers,
    one,
    texts,
)

SchemaName: TypeAlias = Literal[
    "ExecutionRequest", "OfferSetResponse", "AbstractExecutionSession", "AbstractUpdate"
]


@dataclass(frozen=True, slots=True)
class Root:
    """What a whole document is.

    Attributes:
        element: The root's name as we write it.
        aliases: Other names by which clients may know it.
    """

    shape: ObjectShape
    element: str
    aliases: frozenset[str]


_MIN_MAX = ObjectShape(members(numbers("min", "max")))
_SPAN = ObjectShape(members(texts("start", "duration")))
_SCHEDULE = ObjectShape(
    members(one("preparing", _SPAN), one("available", _SPAN), one("releasing", _SPAN))
)
_REQUESTED_SCHEDULE = ObjectShape(members(one("requested", _SPAN)))

_MESSAGE = ObjectShape(
    members(
        texts("kind", "time", "level", "template"),
        one("values", Scalar.TEXT_MAP),
        texts("message"),
    )
)
_INTEGER_OPTION = members(numbers("min", "max"), texts("units"))
_OPTION = ObjectShape(
    members(attribute("kind"), texts("path")),
    {
        "string-value-option": members(texts("pattern")),
        "enum-value-option": members(many("values", Scalar.TEXT)),
        "integer-value-option": _INTEGER_OPTION,
        "integer-delta-option": _INTEGER_OPTION,
    },
)
_META = ObjectShape(
    members(
        texts("uuid", "name", "url", "description", "created", "modified"),
        many("messages", _MESSAGE, item="message"),
        many("options", _OPTION),
    )
)
_UPDATE = ObjectShape(
    members(attribute("kind"), texts("path")),
    {
        "string-value-update": members(texts("value")),
        "enum-value-update": members(texts("value")),
        "integer-value-update": members(numbers("value"), texts("units")),
        "integer-delta-update": members(numbers("delta"), texts("units")),
    },
)
_CONNECTOR = ObjectShape(members(texts("kind", "status", "protocol", "location")))

_PORT = ObjectShape(
    members(
        one("access", Scalar.BOOLEAN),
        one("internal", ObjectShape(members(numbers("port")))),
        one(
            "external",
            ObjectShape(members(numbers("port"), many("addresses", Scalar.TEXT))),
        ),
        texts("protocol", "path"),
    )
)
_IMAGE = ObjectShape(
    members(
        many("locations", Scalar.TEXT),
        texts("digest"),
        one("platform", ObjectShape(members(texts("architecture", "os")))),
    )
)
_EXECUTABLES = {
    "docker-container": members(
        one("image", _IMAGE),
        one("privileged", Scalar.BOOLEAN),
        many("command", Scalar.TEXT),
        texts("entrypoint"),
        one("environment", Scalar.TEXT_MAP),
        one("network", ObjectShape(members(many("ports", _PORT)))),
    ),
    "singularity-container": members(texts("location")),
    "jupyter-notebook": members(texts("location")),
}

_OBSCORE = ObjectShape(
    members(
        texts("obs_id", "obs_collection", "obs_publisher_did", "obs_creator_did"),
        texts("dataproduct_type"),
        numbers("calib_level"),
        texts("access_url", "access_format"),
    )
)
_DATALINK = ObjectShape(
    members(
        texts("ID", "access_url", "service_def", "error_message", "description"),
        texts("semantics", "content_type"),
        numbers("content_length"),
        texts("content_qualifier", "local_semantics", "link_auth", "link_authorized"),
    )
)
_IVOA = ObjectShape(
    members(texts("ivoid"), one("obscore", _OBSCORE), one("datalink", _DATALINK))
)
_RUCIO = ObjectShape(members(texts("endpoint", "scope", "object", "type")))
_SKAO = ObjectShape(
    members(
        texts("namespace", "objectname", "objecttype"),
        numbers("datasize"),
        one("checksum", ObjectShape(members(texts("type", "value")))),
        many("replicas", ObjectShape(members(texts("rsename", "dataurl")))),
    )
)
_DATA = {
    "simple-data-resource": members(texts("location")),
    "S3-data-resource": members(texts("endpoint", "template", "bucket", "object")),
    "rucio-data-resource": members(one("rucio", _RUCIO)),
    "ivoa-data-resource": members(one("ivoa", _IVOA)),
    "skao-data-resource": members(one("ivoa", _IVOA), one("skao", _SKAO)),
}


def _price(kind: str) -> ObjectShape:
    """Return the shape of a cost or metric."""
    return ObjectShape(
        members(attribute("kind"), texts("type", "description")),
        {
            f"abstract-{kind}-item": {},
            f"simple-minmax-float-{kind}": members(numbers("min", "max")),
        },
    )


_PRICES = (
    many("costs", _price("cost"), item="cost"),
    many("metrics", _price("metric"), item="metric"),
)


def _schema(prices: Sequence[Member]) -> Mapping[SchemaName, Root]:
    component = members(attribute("kind"), one("meta", _META), iter(prices))
    lifecycle = component | members(texts("phase"), one("schedule", _SCHEDULE))
    volume = ObjectShape(
        component,
        {"simple-volume-mount": members(texts("path", "mode", "resource"))},
    )
    compute = ObjectShape(
        lifecycle | members(many("volumes", volume)),
        {
            "simple-compute-resource": members(
                one("cores", _MIN_MAX), one("memory", _MIN_MAX)
            )
        },
    )
    storage = ObjectShape(
        lifecycle | members(many("data", Scalar.TEXT)),
        {"simple-storage-resource": members(one("size", _MIN_MAX))},
    )
    resources = members(
        one("executable", ObjectShape(lifecycle, _EXECUTABLES)),
        one("compute", compute),
        many("storage", storage),
        many("data", ObjectShape(lifecycle | members(texts("storage")), _DATA)),
    )
    session = ObjectShape(
        component
        | members(texts("phase", "expires"))
        | resources
        | members(many("connectors", _CONNECTOR)),
        {
            "simple-execution-session": {},
            "scheduled-execution-session": members(one("schedule", _SCHEDULE)),
        },
    )
    offer_set = ObjectShape(
        component
        | members(
            texts("result", "description"),
            many("offers", session, item="execution", wrapped=True),
        )
    )
    request = ObjectShape(
        resources | members(one("schedule", _REQUESTED_SCHEDULE), iter(prices))
    )
    return {
        "ExecutionRequest": Root(
            request, "offers-request", frozenset({"ExecutionRequest"})
        ),
        "OfferSetResponse": Root(
            offer_set, "offers-response", frozenset({"OfferSetResponse"})
        ),
        "AbstractExecutionSession": Root(
            session,
            "execution",
            frozenset(
                {
                    "AbstractExecutionSession",
                    "SimpleExecutionSession",
                    "ScheduledExecutionSession",
                }
            ),
        ),
        "AbstractUpdate": Root(
            _UPDATE,
            "AbstractUpdate",
            frozenset(
                {
                    "update",
                    "StringValueUpdate",
                    "EnumValueUpdate",
                    "IntegerValueUpdate",
                    "IntegerDeltaUpdate",
                }
            ),
        ),
    }


SCHEMAS: Mapping[str, Mapping[SchemaName, Root]] = {
    "2026-04": _schema(()),
    "2026-07": _schema(_PRICES),
}
XML_DIALECTS = tuple(SCHEMAS)
