"""Values as they are now: numbers, bars and tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from grafana.pictures import svg
from grafana.pictures.asking import Asker
from grafana.pictures.svg import Box
from grafana.pictures.values import name_of, shown, state, step_color

_ROW: Final = 22.0
_VALUE: Final = "Value #"
_DIGITS: Final = 6


def number(panel: Mapping[str, Any], asker: Asker, box: Box) -> Iterator[str]:
    """Draw one large number."""
    defaults = panel["fieldConfig"]["defaults"]
    found = asker.now(panel["targets"][0]["expr"])
    words, fill, size = defaults["noValue"], svg.FAINT, 18.0
    if found:
        value = _rounded(found[0].last, defaults)
        words = shown(value, defaults["unit"])
        fill = step_color(value, defaults["thresholds"]["steps"])
        size = 30.0
    yield svg.text(
        box.x + box.width / 2,
        box.y + box.height / 2 + size / 3,
        words,
        size=size,
        fill=fill,
        anchor="middle",
        weight="600",
    )


def bars(panel: Mapping[str, Any], asker: Asker, box: Box) -> Iterator[str]:
    """Draw a bar for each series."""
    defaults = panel["fieldConfig"]["defaults"]
    rows = [
        (name_of(series, target["legendFormat"]), _rounded(series.last, defaults))
        for target in panel["targets"]
        for series in asker.now(target["expr"])
    ]
    highest = max((value for _, value in rows), default=0.0) or 1.0
    height = min(_ROW, box.height / max(len(rows), 1))
    label = max((svg.width_of(name, 11) for name, _ in rows), default=0.0) + 10
    for row, (name, value) in enumerate(rows):
        y = box.y + row * height
        room = box.width - label - 70
        bar = Box(box.x + label, y + 2, room * value / highest, height - 5)
        yield svg.text(box.x + label - 6, y + height / 2 + 3, name, anchor="end")
        yield svg.rectangle(bar, svg.palette(row), radius=2)
        yield svg.text(
            bar.x + bar.width + 6, y + height / 2 + 3, shown(value, defaults["unit"])
        )


def table(panel: Mapping[str, Any], asker: Asker, box: Box) -> Iterator[str]:
    """Draw a row for each set of labels, a column for each query."""
    titles = _titles(panel)
    properties = _properties(panel)
    width = box.width / len(titles)
    for place, title in enumerate(titles.values()):
        yield svg.text(
            box.x + place * width + 4, box.y + 12, title, weight="600", room=width
        )
    rows = _rows(panel, asker, list(titles))
    height = min(_ROW, (box.height - 18) / max(len(rows), 1))
    for row, cells in enumerate(rows):
        y = box.y + 18 + row * height
        yield svg.line([(box.x, y), (box.x + box.width, y)], svg.LINE, 1)
        for place, (name, title) in enumerate(titles.items()):
            words, fill = _cell(cells.get(name), properties.get(title, {}))
            yield svg.text(
                box.x + place * width + 4,
                y + height / 2 + 4,
                words,
                fill=fill,
                room=width - 6,
            )


def _titles(panel: Mapping[str, Any]) -> dict[str, str]:
    (organize,) = (t for t in panel["transformations"] if t["id"] == "organize")
    places = organize["options"]["indexByName"]
    renamed = organize["options"]["renameByName"]
    return {name: renamed[name] for name in sorted(renamed, key=places.__getitem__)}


def _properties(panel: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        override["matcher"]["options"]: {
            p["id"]: p["value"] for p in override["properties"]
        }
        for override in panel["fieldConfig"]["overrides"]
    }


def _rows(
    panel: Mapping[str, Any], asker: Asker, names: Sequence[str]
) -> list[dict[str, Any]]:
    key = names[0]
    rows: dict[str, dict[str, Any]] = {}
    for target in panel["targets"]:
        value = f"{_VALUE}{target['refId']}" if len(panel["targets"]) > 1 else "Value"
        for series in asker.now(target["expr"]):
            row = rows.setdefault(series.labels.get(key, ""), {})
            row.update(series.labels)
            row[value] = series.last
    return [row for _, row in sorted(rows.items())]


def _cell(value: object, properties: Mapping[str, Any]) -> tuple[str, str]:
    if value is None:
        return "-", svg.FAINT
    if not isinstance(value, float):
        return str(value), svg.INK
    if "mappings" in properties:
        return state(value, properties["mappings"])
    rounded = _rounded(value, properties)
    fill = step_color(rounded, properties.get("thresholds", {}).get("steps", []))
    return shown(rounded, properties.get("unit", "short")), fill


def _rounded(value: float, properties: Mapping[str, Any]) -> float:
    digits: int = properties.get("decimals", _DIGITS)
    return round(value, digits)
