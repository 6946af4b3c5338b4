"""A whole dashboard as one picture."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from grafana.pictures import svg
from grafana.pictures.asking import Asker
from grafana.pictures.charts import state_timeline, time_series
from grafana.pictures.figures import bars, number, table
from grafana.pictures.svg import Box

_COLUMN: Final = 52.0
_ROW: Final = 32.0
_HEAD: Final = 44.0
_GAP: Final = 4.0

_KINDS: Final = {
    "stat": number,
    "bargauge": bars,
    "table": table,
    "timeseries": time_series,
    "state-timeline": state_timeline,
}


def draw(dashboard: Mapping[str, Any], asker: Asker) -> str:
    """Return a picture of a dashboard as an SVG document.

    Args:
        dashboard: The document of its file.
        asker: Answers the panels' queries.
    """
    panels = dashboard["panels"]
    bottom = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels)
    shapes = [svg.text(12, 28, dashboard["title"], size=18, weight="600")]
    for panel in panels:
        shapes.extend(_panel(panel, asker))
    width, height = 24 * _COLUMN, _HEAD + bottom * _ROW + _GAP
    return svg.picture(width, height, dashboard["title"], shapes)


def _panel(panel: Mapping[str, Any], asker: Asker) -> Iterator[str]:
    place = panel["gridPos"]
    box = Box(
        place["x"] * _COLUMN,
        _HEAD + place["y"] * _ROW,
        place["w"] * _COLUMN,
        place["h"] * _ROW,
    ).inside(_GAP, _GAP, _GAP, _GAP)
    if panel["type"] == "row":
        title = asker.filled(panel["title"])
        yield svg.text(box.x + 8, box.y + 18, title, size=14, weight="600")
        return
    yield svg.rectangle(box, svg.PAPER, svg.LINE, 3)
    yield svg.text(
        box.x + 10,
        box.y + 18,
        panel["title"],
        size=12,
        weight="600",
        room=box.width - 14,
    )
    inner = box.inside(left=8, top=26, right=8, bottom=6)
    drawn = list(_KINDS[panel["type"]](panel, asker, inner))
    yield from drawn or [_empty(panel, inner)]


def _empty(panel: Mapping[str, Any], box: Box) -> str:
    return svg.text(
        box.x + box.width / 2,
        box.y + box.height / 2,
        panel["fieldConfig"]["defaults"]["noValue"],
        size=14,
        fill=svg.FAINT,
        anchor="middle",
    )
