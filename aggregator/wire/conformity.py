"""Conformity: what a client generated from the published schema can parse.

Such a client refuses a whole document for one member of a wrong type or a value
outside an enumeration, and with it the offers of every other site. So members that
a site got wrong are left out of what we show; what the schema doesn't know passes.
Source: the OpenAPI document of dialect 2026-07.
"""

from typing import Any, Final

from aggregator.domain.messages import Level
from aggregator.domain.phases import SessionPhase
from aggregator.wire.dialects import CANONICAL_KINDS
from aggregator.wire.dialects.components import Node
from aggregator.wire.shapes import (
    MISFIT,
    Shape,
    flag,
    integer,
    listing,
    mapping,
    matching,
    moment,
    number,
    one_of,
    short_integer,
    text,
    texts_by_name,
)

_DATE: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
_ZONE: Final = r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?"
_MOMENT: Final = rf"(?:{_DATE}(?:T{_TIME}{_ZONE})?)"
_LENGTH: Final = (
    r"(?:P\d+W|P(?=\d|T)(?:\d+Y)?(?:\d+M)?(?:\d+D)?"
    r"(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)"
)

_interval: Final = matching(rf"{_MOMENT}/(?:{_MOMENT}|{_LENGTH})|{_LENGTH}/{_MOMENT}")
_instant: Final = matching(r"\d{4}(?:-\d{2}){2}T\d{2}(?::\d{2}){2}[^/\n]+")
_duration: Final = matching(
    r"-?P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+[DW])?"
    r"(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
)
_uuid: Final = matching(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_texts: Final = listing(text)
_range: Final = mapping({"min": integer, "max": integer})
_object_type: Final = one_of("FILE", "CONTAINER", "DATASET")


def _bounds(family: str) -> Shape:
    """Return the shape of costs or metrics: clients can parse their bounds only."""
    simple = CANONICAL_KINDS[f"{family}/simple-minmax-float-{family[:-1]}"]
    abstract = CANONICAL_KINDS[f"{family}/abstract-{family[:-1]}-item"]
    members = mapping({"type": text, "description": text, "min": number, "max": number})

    def fitting(value: Any) -> Any:
        item = members(value)
        if item is MISFIT or item.get("kind") == simple:
            return item
        return {**item, "kind": simple} if item.get("kind") == abstract else MISFIT

    return listing(fitting)


_MESSAGE: Final = mapping(
    {
        "kind": text,
        "time": moment,
        "level": one_of(*Level),
        "template": text,
        "values": texts_by_name,
        "message": text,
    }
)
_ENUM_OPTION: Final = "uri:enum-value-option"
_option: Final = mapping(
    {
        "kind": one_of(
            "uri:string-value-option",
            _ENUM_OPTION,
            "uri:integer-value-option",
            "uri:integer-delta-option",
        ),
        "path": text,
        "pattern": text,
        "values": _texts,
        "min": integer,
        "max": integer,
        "units": text,
    },
    "kind",
    "path",
)


def _with_choices(value: Any) -> Any:
    """Fit options; one that is a choice must say of what."""
    option = _option(value)
    if option is MISFIT or option["kind"] != _ENUM_OPTION or "values" in option:
        return option
    return MISFIT


_META: Final = mapping(
    {
        "uuid": _uuid,
        "name": text,
        "url": text,
        "description": text,
        "created": moment,
        "modified": moment,
        "messages": listing(_MESSAGE),
        "options": listing(_with_choices),
    }
)
_PERIOD: Final = mapping({"start": _instant, "duration": _duration})
_SCHEDULE: Final = mapping(
    {
        "preparing": _PERIOD,
        "available": mapping({"start": _interval, "duration": _duration}),
        "releasing": _PERIOD,
    }
)
_QUOTED: Final = {"costs": _bounds("costs"), "metrics": _bounds("metrics")}
_COMPONENT: Final = {
    **_QUOTED,
    "kind": text,
    "meta": _META,
    "phase": one_of(
        "INITIALIZING",
        "WAITING",
        "PREPARING",
        "AVAILABLE",
        "RUNNING",
        "RELEASING",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
    ),
    "schedule": _SCHEDULE,
}
_PORT: Final = mapping(
    {
        "access": flag,
        "internal": mapping({"port": short_integer}),
        "external": mapping({"port": short_integer, "addresses": _texts}),
        "protocol": text,
        "path": text,
    }
)
_EXECUTABLES: Final = {
    CANONICAL_KINDS["executable/docker-container"]: mapping(
        {
            **_COMPONENT,
            "image": mapping(
                {
                    "locations": _texts,
                    "digest": text,
                    "platform": mapping({"architecture": text, "os": text}),
                }
            ),
            "privileged": flag,
            "command": _texts,
            "entrypoint": text,
            "environment": texts_by_name,
            "network": mapping({"ports": listing(_PORT)}),
        }
    ),
    CANONICAL_KINDS["executable/jupyter-notebook"]: mapping(
        {**_COMPONENT, "location": text}
    ),
    CANONICAL_KINDS["executable/singularity-container"]: mapping(
        {**_COMPONENT, "location": text}
    ),
}
_OTHER_EXECUTABLE: Final = mapping(_COMPONENT, "kind")
_VOLUME: Final = mapping(
    {
        **_COMPONENT,
        "path": text,
        "mode": one_of("READONLY", "READWRITE"),
        "resource": text,
    },
    "kind",
)
_COMPUTE: Final = mapping(
    {**_COMPONENT, "cores": _range, "memory": _range, "volumes": listing(_VOLUME)},
    "kind",
)
_STORAGE: Final = mapping({**_COMPONENT, "data": _texts, "size": _range}, "kind")
_IVOA: Final = mapping(
    {
        "ivoid": text,
        "obscore": mapping(
            {
                "obs_id": text,
                "obs_collection": text,
                "obs_publisher_did": text,
                "obs_creator_did": text,
                "dataproduct_type": text,
                "calib_level": short_integer,
                "access_url": text,
                "access_format": text,
            }
        ),
        "datalink": mapping(
            {
                "ID": text,
                "access_url": text,
                "service_def": text,
                "error_message": text,
                "description": text,
                "semantics": text,
                "content_type": text,
                "content_length": short_integer,
                "content_qualifier": text,
                "local_semantics": text,
                "link_auth": text,
                "link_authorized": text,
            }
        ),
    }
)
_DATA: Final = mapping(
    {
        **_COMPONENT,
        "storage": text,
        "location": text,
        "endpoint": text,
        "template": text,
        "bucket": text,
        "object": text,
        "rucio": mapping(
            {"endpoint": text, "scope": text, "object": text, "type": _object_type}
        ),
        "ivoa": _IVOA,
        "skao": mapping(
            {
                "namespace": text,
                "objectname": text,
                "objecttype": _object_type,
                "datasize": integer,
                "checksum": mapping({"type": text, "value": text}),
                "replicas": listing(mapping({"rsename": text, "dataurl": text})),
            }
        ),
    },
    "kind",
)
_CONNECTOR: Final = mapping(
    {
        "kind": text,
        "status": one_of("PREPARING", "AVAILABLE", "FINISHED"),
        "protocol": text,
        "location": text,
    }
)


def _executable(value: Any) -> Any:
    kind = value.get("kind") if isinstance(value, dict) else None
    shape = _EXECUTABLES.get(kind) if isinstance(kind, str) else None
    return (shape or _OTHER_EXECUTABLE)(value)


_SESSION: Final = mapping(
    {
        **_QUOTED,
        "meta": _META,
        "phase": one_of(*SessionPhase),
        "expires": moment,
        "schedule": _SCHEDULE,
        "executable": _executable,
        "compute": _COMPUTE,
        "storage": listing(_STORAGE),
        "data": listing(_DATA),
        "connectors": listing(_CONNECTOR),
    }
)


def conforming_session(session: Node) -> Node:
    """Return a canonical session without the members that the schema forbids."""
    conforming: Node = _SESSION(session)
    return conforming


def conforming_message(message: Node) -> Node:
    """Return a canonical message without the members that the schema forbids."""
    conforming: Node = _MESSAGE(message)
    return conforming
