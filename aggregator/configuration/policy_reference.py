"""The reference page of ranking policies, made from what checks and ranks them.

``metabroker policy reference`` writes it, third parties' filters and weighers
included; ``python -m aggregator.configuration.policy_reference`` only ours, for
``docs/policies-reference.md``.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import orjson

from aggregator.domain.ranking import document
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.components import Components, Filter, Weigher
from aggregator.domain.ranking.policy import FIXED_KEYS, USUAL_TIEBREAK

_INTRODUCTION: Final = """\
# Ranking policies: reference

Every key that a policy may have, with its default. This page is made from the
definitions themselves. How to write, check, try and choose policies is said in
[policies.md](policies.md).

Keys with a unit name it: `_s` is seconds, `_gb` is 10^9 bytes, `_gbps` is 10^9 bits per
second, `_mb_s` is 10^6 bytes per second. A key that isn't known is an error.
"""

_SECTIONS: Final = (
    ("metadata", document.Metadata),
    ("match", document.Match),
    ("estimate", document.EstimateRules),
    ("estimate.start", document.StartRules),
    ("estimate.data", document.DataRules),
    ("estimate.data.tape", document.TapeRules),
    ("order", document.Order),
    ("trim", document.Trim),
)
_FILTERS: Final = """\
## Filters

Each names itself by `name`, and may have these keys beside its own:
"""
_WEIGHERS: Final = """\
## Weighers

Each names itself by `name`, and may have this key beside its own:
"""
_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    float: "number",
    int: "whole number",
    str: "text",
}
_SEVERAL: Final[Mapping[Any, str]] = {float: "numbers", str: "texts"}
_ATTRIBUTE: Final = re.compile(r"    (\w+): (.*)")


def policy_reference(components: Components) -> str:
    """Return the page, in Markdown, for policies that may use ``components``."""
    parts = [
        _INTRODUCTION,
        _section("The document", document.PolicyDocument),
        _tiebreak(),
        *(_section(f"`{key}`", schema) for key, schema in _SECTIONS),
        "\n".join((_FILTERS, *_rows(Filter))),
        *(_component(one, Filter) for one in components.filters.values()),
        "\n".join((_WEIGHERS, *_rows(Weigher))),
        *(_component(one, Weigher) for one in components.weighers.values()),
    ]
    return "\n".join(parts)


def _section(title: str, schema: type) -> str:
    return "\n".join((f"## {title}", "", _text_of(schema), "", *_rows(schema)))


def _tiebreak() -> str:
    usual = ", ".join(f"`{key}`" for key in (*USUAL_TIEBREAK, *FIXED_KEYS[1:]))
    return (
        "Where `tiebreak` isn't given it is "
        f"{usual}, as far as the policy has these weighers.\n"
    )


def _component(schema: type[Filter | Weigher], base: type) -> str:
    rows = list(_rows(schema, without=_names(base)))
    table = rows if len(rows) > len(_HEAD) + 1 else ["No keys of its own.", ""]
    return "\n".join((f"### `{schema.name}`", "", _text_of(schema), "", *table))


_HEAD: Final = ("| key | what it takes | default | what it says |", "|---|---|---|---|")


def _rows(schema: Any, without: frozenset[str] = frozenset()) -> Iterator[str]:
    yield from _HEAD
    meanings = _meanings(schema)
    hints = get_type_hints(schema)
    for field in fields(schema):
        if field.name not in without:
            cells = (
                f"`{field.name}`",
                _kind(hints[field.name]),
                _default(field),
                meanings.get(field.name, ""),
            )
            yield f"| {' | '.join(map(_in_table, cells))} |"
    yield ""


def _in_table(text: str) -> str:
    return text.replace("|", r"\|")


def _names(schema: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(schema))


def _text_of(schema: type) -> str:
    """Return a docstring without the section of its attributes."""
    text = inspect.getdoc(schema) or ""
    return _as_markdown(text.partition("\n\nAttributes:\n")[0])


def _meanings(schema: type) -> Mapping[str, str]:
    """Return what a docstring says of each attribute."""
    text = inspect.getdoc(schema) or ""
    section = text.partition("\n\nAttributes:\n")[2].partition("\n\n")[0]
    meanings: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if found := _ATTRIBUTE.fullmatch(line):
            name = found[1]
            meanings[name] = found[2]
        elif name:
            meanings[name] += f" {line.strip()}"
    return {name: _as_markdown(text) for name, text in meanings.items()}


def _as_markdown(text: str) -> str:
    return text.replace("``", "`")


def _kind(hint: Any) -> str:
    """Return in words what a key takes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_kind(one) for one in arguments if one is not NoneType)
    if origin is tuple:
        return _list_kind(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of names to {_of_several(arguments[1])}"
    return "mapping" if is_dataclass(hint) else _WORDS.get(hint, "anything")


def _list_kind(arguments: tuple[Any, ...]) -> str:
    if arguments[-1] is Ellipsis:
        return f"list of {_of_several(arguments[0])}"
    return f"list of {len(arguments)} {_of_several(arguments[0])}"


def _of_several(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"any of {', '.join(f'`{one}`' for one in get_args(hint))}"
    return _SEVERAL.get(hint, "mappings")


def _default(field: "Field[Any]") -> str:
    if field.default is not MISSING:
        return _shown(field.default)
    if field.default_factory is not MISSING:
        made = field.default_factory()
        return "as below" if is_dataclass(made) else _shown(made)
    return "must be given"


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, str):
        return f"`{value}`"
    return f"`{orjson.dumps(value, default=str).decode()}`"


if __name__ == "__main__":
    sys.stdout.write(policy_reference(BUILT_IN))
