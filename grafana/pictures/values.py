"""Values as a panel shows them: with units, names and colours."""

import re
from collections.abc import Mapping
from typing import Any, Final

from grafana.pictures.asking import Series
from grafana.pictures.svg import INK, color

_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TIMES: Final = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_SIZES: Final = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_PER_MINUTE: Final = {"reqpm": " req/min", "cpm": " /min"}


def shown(value: float, unit: str) -> str:
    """Return a value in its unit."""
    match unit:
        case "percentunit":
            return f"{100 * value:.3g} %"
        case "s":
            return _in_largest(value, _TIMES) or f"{1000 * value:.3g} ms"
        case "bool_yes_no":
            return "Yes" if value else "No"
        case "bytes":
            return _in_largest(value, _SIZES) or f"{value:.3g} B"
        case _:
            return f"{_plain(value)}{_PER_MINUTE.get(unit, '')}"


def name_of(series: Series, legend: str) -> str:
    """Return what a series is called."""
    if legend in {"", "__auto"}:
        labels = [v for k, v in sorted(series.labels.items()) if k != "__name__"]
        return ", ".join(labels)
    return _LABEL.sub(lambda found: series.labels.get(found[1], ""), legend)


def step_color(value: float, steps: list[dict[str, Any]]) -> str:
    """Return the colour of the highest step that a value reaches."""
    reached = INK
    for step in steps:
        if step["value"] is None or value >= step["value"]:
            reached = color(step["color"])
    return reached


def state(value: float, mappings: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the name and the colour that stand for a value."""
    for mapping in mappings:
        found = mapping["options"].get(f"{value:g}")
        if mapping["type"] == "value" and found is not None:
            return found["text"], color(found["color"])
    return f"{value:g}", INK


def fixed_colors(panel: Mapping[str, Any]) -> dict[str, str]:
    """Return the colours of series that have one, by their names."""
    return {
        override["matcher"]["options"]: color(property_["value"]["fixedColor"])
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "color"
    }


def _in_largest(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for size, name in units:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return "0" if value == 0 else ""


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004
