"""Validation by pydantic: its errors become problems with a place and plain words."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from aggregator.configuration.documents import Document
from aggregator.configuration.pointers import at, items_at, join, name_of, steps
from aggregator.configuration.problems import Findings, Problem
from aggregator.configuration.quantities import names_unit, plain_number_hint

T = TypeVar("T")

_UNKNOWN: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_CHOICES: Final = frozenset({"enum", "literal_error"})
_NUMBERS: Final = frozenset({"int_type", "float_type", "int_parsing", "float_parsing"})
_LISTS: Final = frozenset({"list_type", "tuple_type"})
_WANTED: Final = {
    "bool_type": "true or false",
    "dataclass_type": "a mapping",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_type": "text",
    "tuple_type": "a list",
}
_LONGEST_ECHO: Final = 60
_SIMILAR: Final = 0.7


class Entry(BaseModel):
    """Base of what configuration files hold: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def validated(
    adapter: TypeAdapter[T], document: Document, findings: Findings, pointer: str = ""
) -> T | None:
    """Return the part of a document at ``pointer`` as ``adapter``'s type.

    Returns:
        None where it is not valid; then all reasons are among the findings.
    """
    value = at(document.value, pointer)
    return validated_value(adapter, value, document, findings, pointer)


def validated_value(
    adapter: TypeAdapter[T],
    value: Any,
    document: Document,
    findings: Findings,
    pointer: str,
) -> T | None:
    """Return a value that stands at ``pointer`` in a document as ``adapter``'s type.

    Types are strict, as in JSON. A key without a value counts as not given.

    Returns:
        None where it is not valid; then all reasons are among the findings.
    """
    given = without_nothing(value)
    try:
        return adapter.validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            findings.problems.append(
                _explained(detail, given, adapter, document, pointer)
            )
        return None


def validated_items(
    adapter: TypeAdapter[T], document: Document, findings: Findings, pointer: str
) -> list[tuple[str, T]]:
    """Return the valid items of the list at ``pointer``, each with its own pointer.

    Items are validated one by one, so that a wrong one doesn't hide the others.
    """
    places = items_at(document.value, pointer)
    found = [(p, validated(adapter, document, findings, p)) for p in places]
    return [(place, item) for place, item in found if item is not None]


def report_unknown(
    document: Document,
    pointer: str,
    known: AbstractSet[str] | None,
    findings: Findings,
    default: str | None = None,
) -> None:
    """Report the text at ``pointer``, or else the default, that is no known word.

    Where ``known`` is None, all words are.
    """
    word = at(document.value, pointer)
    if word is None:
        word = default
    if known is not None and isinstance(word, str) and word not in known:
        options = ", ".join(sorted(known)) or "none"
        nearest = suggestion(word, known) or f"; known are {options}"
        reason = f"{name_of(pointer)} {word!r} is not known{nearest}"
        findings.problems.append(document.problem(pointer, reason))


def report_repeated(
    document: Document,
    what: str,
    values: Iterable[tuple[str, object]],
    findings: Findings,
) -> None:
    """Report each of the values, given with their pointers, that an earlier one has."""
    first: dict[object, str] = {}
    for pointer, value in values:
        if (earlier := first.setdefault(value, pointer)) != pointer:
            line = document.problem(earlier, "").line
            reason = f"{what} {value} is given in line {line} already"
            findings.problems.append(document.problem(pointer, reason))


def without_nothing(value: Any) -> Any:
    """Return a document without those keys of its mappings that have no value."""
    if isinstance(value, Mapping):
        return {k: without_nothing(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest known word, empty if none is."""
    words = {candidate.lower(): candidate for candidate in sorted(known)}
    nearest = difflib.get_close_matches(word.lower(), words, n=1, cutoff=_SIMILAR)
    return f"; did you mean '{words[nearest[0]]}'?" if nearest else ""


def _explained(
    detail: ErrorDetails,
    value: Any,
    adapter: TypeAdapter[Any],
    document: Document,
    base: str,
) -> Problem:
    pointer = _pointer(detail["loc"], value)
    kind = detail["type"]
    if kind in _UNKNOWN:
        key = steps(pointer)[-1]
        reason = f"unknown key '{key}'{suggestion(key, _keys_beside(adapter, pointer))}"
        return document.key_problem(base + pointer, reason)
    if kind == "missing" and isinstance(detail["loc"][-1], int):
        count = len(detail["input"])
        reason = f"{name_of(base + pointer)} should have more items than {count}"
    elif kind == "missing":
        reason = f"'{detail['loc'][-1]}' is missing"
    elif kind == "value_error":
        pointer, reason = _refused(detail, base, pointer)
    else:
        reason = f"{name_of(base + pointer)} {_wanted(detail, base + pointer)}"
    return document.problem(base + pointer, reason)


def _pointer(loc: Sequence[int | str], value: Any) -> str:
    """Return the pointer to the deepest part of ``value`` that ``loc`` leads to."""
    pointer = ""
    for step in loc:
        parent = at(value, pointer)
        is_item = (
            isinstance(parent, list) and isinstance(step, int) and step < len(parent)
        )
        # Of mappings, keys without a value count as not given; items of lists don't.
        if is_item or at(value, join(pointer, step)) is not None:
            pointer = join(pointer, step)
    return pointer


def _refused(detail: ErrorDetails, base: str, pointer: str) -> tuple[str, str]:
    """Place a check's own words at the field that they begin with, if they do."""
    reason = str(detail["ctx"]["error"])
    if not isinstance(detail["input"], Mapping):
        return pointer, f"{name_of(base + pointer)} {reason}"
    field = reason.partition(" ")[0]
    return (join(pointer, field) if field in detail["input"] else pointer), reason


def _wanted(detail: ErrorDetails, pointer: str) -> str:
    kind, given = detail["type"], detail["input"]
    if kind in _CHOICES:
        expected = detail["ctx"]["expected"]
        options = re.findall(r"'([^']*)'", expected)
        nearest = suggestion(given, options) if isinstance(given, str) else ""
        return f"should be {expected}, not {_shown(given)}{nearest}"
    if kind == "too_short":
        return f"should have at least {detail['ctx']['min_length']} item"
    if kind not in _WANTED:
        return f"{_plain(detail['msg'])}, not {_shown(given)}"
    hint = ""
    if kind in _NUMBERS and isinstance(given, str):
        key = _key_with_unit(pointer)
        # A whole number that names no unit is a count.
        is_count = kind.startswith("int") and not names_unit(key)
        hint = "" if is_count else plain_number_hint(key, given)
    elif kind == "string_type" and isinstance(given, int | float):
        hint = "put it in quotes"
    elif kind in _LISTS and isinstance(given, str | int | float):
        hint = f"write [{given}]"
    return f"should be {_WANTED[kind]}, not {_shown(given)}" + (hint and f": {hint}")


def _key_with_unit(pointer: str) -> str:
    """Return the key that says the unit: a mapping's own, where its names don't."""
    keys = steps(pointer)[-2:]
    return next(filter(names_unit, reversed(keys)), name_of(pointer))


def _plain(message: str) -> str:
    return re.sub(
        r"^(Input|String|List|Tuple|Dictionary|Value) should", "should", message
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."


def _keys_beside(adapter: TypeAdapter[Any], pointer: str) -> frozenset[str]:
    """Return the keys that a mapping may have in which ``pointer`` names one."""
    schema = adapter.json_schema()
    definitions = schema.get("$defs", {})
    places = [schema]
    for step in steps(pointer)[:-1]:
        places = [
            below
            for place in _resolved(places, definitions)
            for below in _below(place, step)
        ]
    return frozenset(
        key
        for place in _resolved(places, definitions)
        for key in place.get("properties", {})
    )


def _resolved(
    places: list[dict[str, Any]], definitions: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Follow references and alternatives of JSON schemas to what they stand for."""
    found = []
    for place in places:
        if "$ref" in place:
            inner = [definitions[place["$ref"].rpartition("/")[2]]]
        else:
            inner = [*place.get("anyOf", ()), *place.get("oneOf", ())]
        found.extend(_resolved(inner, definitions) if inner else [place])
    return found


def _below(place: dict[str, Any], step: str) -> list[dict[str, Any]]:
    candidates = [place.get("properties", {}).get(step), place.get("items")]
    return [below for below in candidates if isinstance(below, dict)]
