"""Domain values as plain data (JSON's types), and back."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from aggregator.domain.schedules import format_instant, parse_instant

T = TypeVar("T")

_PLAIN: Final = frozenset({str, int, float, bool, NoneType})
"""What most values are, and the rest consists of."""


def to_plain(value: Any) -> Any:
    """Return a value of the domain as plain data.

    Of dataclasses, fields that have their default value or don't take part in
    comparison are left out. Mappings become lists of pairs, whatever their keys.
    """
    return value if type(value) in _PLAIN else _made_plain(value)


def _made_plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: to_plain(found)
            for name, default in _told(type(value))
            if (found := getattr(value, name)) != default
        }
    if isinstance(value, Mapping):
        return [[to_plain(key), to_plain(item)] for key, item in value.items()]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


@cache
def _told(kind: type) -> tuple[tuple[str, Any], ...]:
    """Return the fields that are told, each with the value with which it isn't."""
    return tuple((one.name, _default(one)) for one in fields(kind) if one.compare)


def _default(field: "Field[Any]") -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def from_plain(kind: type[T], plain: Any) -> T:
    """Return the value of type ``kind`` that ``to_plain`` made into ``plain``.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return cast("T", _restored(kind, plain))


def _restored(kind: Any, plain: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if NoneType in arguments and plain is None:
        return None
    if origin is tuple:
        return _restored_tuple(arguments, plain)
    if origin is Mapping:
        key, item = arguments
        return {_restored(key, k): _restored(item, v) for k, v in plain}
    if arguments:
        return _restored_union(arguments, plain)
    return _restored_single(kind, plain)


def _restored_single(kind: type, plain: Any) -> Any:
    if is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _restored(hints[name], v) for name, v in plain.items()})
    if kind is datetime:
        return parse_instant(plain)
    return kind(plain) if issubclass(kind, Enum) else plain


def _restored_tuple(arguments: Sequence[Any], plain: Any) -> tuple[Any, ...]:
    if arguments[-1] is Ellipsis:
        return tuple(_restored(arguments[0], item) for item in plain)
    pairs = zip(arguments, plain, strict=True)
    return tuple(_restored(kind, item) for kind, item in pairs)


def _restored_union(arguments: Sequence[Any], plain: Any) -> Any:
    """Restore one of several types: of ours there is at most one beside None."""
    kinds = [kind for kind in arguments if kind is not NoneType]
    return _restored(kinds[0], plain) if len(kinds) == 1 else plain


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)
