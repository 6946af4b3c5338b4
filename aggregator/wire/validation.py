"""Validation: the narrow view of a canonical request that is checked before it is used.

What isn't in the view passes as it is: unknown kinds, fields and extension blocks.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from aggregator.domain.schedules import Duration, StartInterval
from aggregator.wire.dialects import CANONICAL_KINDS, KNOWN_KINDS
from aggregator.wire.dialects.components import Node
from aggregator.wire.extraction import mapping, name_of

_DOCKER: Final = CANONICAL_KINDS["executable/docker-container"]

Fault = tuple[tuple[str | int, ...], str]
"""The keys and indexes that lead to a place, and what is wrong there."""

_REASONS: Final = {
    "missing": "is required",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "greater_than_equal": "must not be negative",
}


def _positive_duration(text: str) -> str:
    if Duration.parse(text).approximate_seconds <= 0:
        raise ValueError(f"{text!r} is not longer than nothing")
    return text


def _start_interval(text: str) -> str:
    StartInterval.parse(text)
    return text


def _resolved_volume(volume: Any) -> Any:
    if isinstance(volume, str):
        raise ValueError(f"there is no volume of the name {volume!r}")  # noqa: TRY004
    return volume


class _View(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


_Kind = Annotated[str, Field(min_length=1)]
_Whole = Annotated[int, Field(ge=0)]


class _Meta(_View):
    name: str | None = None


class _Component(_View):
    kind: _Kind
    meta: _Meta | None = None
    name: str | None = None


class _Image(_View):
    locations: list[str] | None = None
    digest: str | None = None


class _DockerContainer(_Component):
    image: _Image | None = None
    digest: str | None = None


class _Range(_View):
    min: _Whole | None = None
    max: _Whole | None = None

    @model_validator(mode="after")
    def _is_in_order(self) -> "_Range":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"its min, {self.min}, is greater than its max, {self.max}"
            )
        return self


class _Volume(_Component):
    path: str | None = None
    mode: Literal["READONLY", "READWRITE"] | None = None
    resource: str | None = None
    resources: list[str] | None = None


class _Compute(_Component):
    cores: _Range | None = None
    memory: _Range | None = None
    volumes: list[Annotated[_Volume, BeforeValidator(_resolved_volume)]] | None = None


class _Replica(_View):
    rsename: str | None = None


class _Skao(_View):
    namespace: str | None = None
    objectname: str | None = None
    datasize: _Whole | None = None
    replicas: list[_Replica] | None = None


class _Rucio(_View):
    scope: str | None = None
    object: str | None = None


class _Data(_Component):
    skao: _Skao | None = None
    rucio: _Rucio | None = None


class _Quote(_View):
    type: str | None = None
    min: float | None = None
    max: float | None = None


class _Requested(_View):
    duration: Annotated[str, AfterValidator(_positive_duration)] | None = None
    start: Annotated[str, AfterValidator(_start_interval)] | None = None


class _Schedule(_View):
    requested: _Requested | None = None


class _Request(_View):
    executable: _Component
    name: str | None = None
    meta: _Meta | None = None
    schedule: _Schedule | None = None
    compute: _Compute | None = None
    storage: list[_Component] | None = None
    data: list[_Data] | None = None
    costs: list[_Quote] | None = None
    metrics: list[_Quote] | None = None


class _DockerRequest(_Request):
    executable: _DockerContainer


class _Update(_View):
    kind: _Kind
    path: _Kind


class _TextUpdate(_Update):
    value: str


class _IntegerUpdate(_Update):
    value: int


class _DeltaUpdate(_Update):
    delta: int


_UPDATES: Final[dict[str, type[_Update]]] = {
    "uri:string-value-update": _TextUpdate,
    "uri:enum-value-update": _TextUpdate,
    "uri:integer-value-update": _IntegerUpdate,
    "uri:integer-delta-update": _DeltaUpdate,
}


def update_faults(update: Node) -> list[Fault]:
    """Return what is wrong with a canonical update, none if nothing is."""
    kind = update.get("kind")
    view = _UPDATES.get(kind, _Update) if isinstance(kind, str) else _Update
    return list(_faults(view, update))


def request_faults(request: Node) -> list[Fault]:
    """Return what is wrong with a canonical request, none if nothing is."""
    kind = mapping(request, "executable").get("kind")
    faults = [*_ambiguities(request), *_repeated_names(request)]
    view: type[_View] = _DockerRequest if kind == _DOCKER else _Request
    return [*faults, *_faults(view, request)]


def _faults(view: type[_View], document: Node) -> Iterator[Fault]:
    try:
        view.model_validate(document)
    except ValidationError as error:
        yield from ((one["loc"], _reason(one)) for one in _errors(error))


def _errors(error: ValidationError) -> list[Any]:
    return [*error.errors(include_url=False, include_input=False)]


def _reason(error: Any) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return f"must be {error['ctx']['expected']}"
    return _REASONS.get(error["type"]) or str(error["msg"])


def _ambiguities(request: Node) -> Iterator[Fault]:
    """Give what a request says twice, in different places and words."""
    block = mapping(request, "resources")
    for key in ("compute", "storage", "volumes", "data"):
        if key not in block:
            continue
        if key == "compute" and isinstance(block[key], list):
            yield (
                ("resources", "compute", 1),
                "only one compute resource can be asked for",
            )
        else:
            yield ("resources", key), f"{key} is there a second time"
    if "computer" in request:
        yield ("computer",), "compute is there a second time"
    if request.get("volumes") is not None:
        yield ("volumes",), "must be a list of volumes that compute can mount"
    for steps, node in _components(request):
        named = node.get("type")
        known = KNOWN_KINDS.get(named) if isinstance(named, str) else None
        if known is not None and node.get("kind") not in (known, named):
            yield (*steps, "type"), "says another kind than `kind` does"


def _components(request: Node) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    for key in ("executable", "compute"):
        if isinstance(request.get(key), dict):
            yield (key,), request[key]
    for key in ("storage", "data"):
        yield from (((key, index), item) for index, item in _items(request, key))


def _repeated_names(request: Node) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, item in _items(request, "data"):
        name = name_of(item)
        if name in seen:
            steps = ("data", index, "meta", "name")
            yield steps, f"there is another data resource named {name!r}"
        elif name is not None:
            seen.add(name)


def _items(request: Node, key: str) -> Iterator[tuple[int, Node]]:
    listed = request.get(key)
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, dict):
            yield index, item
