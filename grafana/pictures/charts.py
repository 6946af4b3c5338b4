"""Series over time: lines, stacked areas, and states."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from grafana.pictures import svg
from grafana.pictures.asking import Asker, Series
from grafana.pictures.svg import Box
from grafana.pictures.values import fixed_colors, name_of, shown, state

_ROW: Final = 16.0
_TICKS: Final = 4
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)

Named = tuple[str, str, Series]
"""A series with its name and its colour."""


def time_series(panel: Mapping[str, Any], asker: Asker, box: Box) -> Iterator[str]:
    """Draw lines, or areas that stand on one another."""
    named = _named(panel, asker)
    if not named:
        return
    legend = list(_legend(named, box))
    plot = box.inside(left=68, top=4, right=8, bottom=18 + _ROW * len(legend))
    is_stacked = _is_stacked(panel)
    layers = list(_stacked(named, asker) if is_stacked else _plain(named))
    top = _top(panel, layers)
    yield from _axes(plot, top, panel["fieldConfig"]["defaults"]["unit"], asker)
    for (_, color, _), (bottoms, tops) in zip(named, layers, strict=True):
        for run in _runs(tops, asker.step):
            points = [_place(point, plot, top, asker) for point in run]
            if is_stacked:
                floor = [
                    _place((at, bottoms.get(at, 0.0)), plot, top, asker)
                    for at, _ in reversed(run)
                ]
                yield svg.area([*points, *floor], color, 0.6)
            else:
                yield svg.line(points, color)
    for number, entries in enumerate(legend):
        y = box.y + box.height - _ROW * (len(legend) - 1 - number) - 4
        yield from _legend_row(entries, box.x + 4, y)


def state_timeline(panel: Mapping[str, Any], asker: Asker, box: Box) -> Iterator[str]:
    """Draw a row of coloured states for each series."""
    target = panel["targets"][0]
    found = sorted(
        asker.over_time(target["expr"]),
        key=lambda one: name_of(one, target["legendFormat"]),
    )
    plot = box.inside(left=80, top=2, right=8, bottom=18)
    height = plot.height / max(len(found), 1)
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    for row, series in enumerate(found):
        y = plot.y + row * height
        name = name_of(series, target["legendFormat"])
        yield svg.text(
            plot.x - 6, y + height / 2 + 4, name, anchor="end", fill=svg.FAINT
        )
        for start, end, value in _states(series, asker):
            label, color = state(value, mappings)
            left, _ = _place((start, 0), plot, 1, asker)
            right, _ = _place((end, 0), plot, 1, asker)
            bar = Box(left, y + 1, right - left, height - 2)
            yield svg.rectangle(bar, color, radius=2)
            if svg.width_of(label, 10) < bar.width - 6:
                yield svg.text(
                    left + 4, y + height / 2 + 4, label, size=10, fill=svg.PAPER
                )
    yield from _times(plot, asker)


def _named(panel: Mapping[str, Any], asker: Asker) -> list[Named]:
    fixed = fixed_colors(panel)
    named: list[Named] = []
    for target in panel["targets"]:
        for series in asker.over_time(target["expr"]):
            name = name_of(series, target["legendFormat"])
            named.append((name, fixed.get(name, svg.palette(len(named))), series))
    return named


def _is_stacked(panel: Mapping[str, Any]) -> bool:
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    return bool(custom.get("stacking", {}).get("mode") == "normal")


_Layer = tuple[Mapping[float, float], Sequence[tuple[float, float]]]


def _plain(named: Sequence[Named]) -> Iterator[_Layer]:
    return (({}, series.points) for _, _, series in named)


def _stacked(named: Sequence[Named], asker: Asker) -> Iterator[_Layer]:
    heights: dict[float, float] = {}
    for _, _, series in named:
        bottoms = dict(heights)
        for at, value in series.points:
            heights[_slot(at, asker)] = bottoms.get(_slot(at, asker), 0.0) + value
        tops = [
            (_slot(at, asker), heights[_slot(at, asker)]) for at, _ in series.points
        ]
        yield bottoms, tops


def _slot(at: float, asker: Asker) -> float:
    return asker.start + round((at - asker.start) / asker.step) * asker.step


def _top(panel: Mapping[str, Any], layers: Sequence[_Layer]) -> float:
    highest = max((value for _, tops in layers for _, value in tops), default=0.0)
    limit = panel["fieldConfig"]["defaults"].get("max")
    if limit is not None:
        return float(limit)
    if highest <= 0:
        return 1.0
    size = 10.0 ** len(str(int(highest / _TICKS))) / 10 if highest >= _TICKS else 1.0
    while size * _TICKS > highest * 10:
        size /= 10
    return _TICKS * next(
        (step * size for step in _STEPS if _TICKS * step * size >= highest), 10 * size
    )


def _runs(
    points: Sequence[tuple[float, float]], step: float
) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for point in points:
        if run and point[0] - run[-1][0] > 1.5 * step:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _states(series: Series, asker: Asker) -> Iterator[tuple[float, float, float]]:
    start, value = series.points[0]
    for at, new in series.points[1:]:
        if new != value:
            yield start, at, value
            start, value = at, new
    yield start, asker.end, value


def _place(
    point: tuple[float, float], plot: Box, top: float, asker: Asker
) -> tuple[float, float]:
    at, value = point
    return (
        plot.x + plot.width * (at - asker.start) / (asker.end - asker.start),
        plot.y + plot.height * (1 - min(value / top, 1.0)),
    )


def _axes(plot: Box, top: float, unit: str, asker: Asker) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        y = plot.y + plot.height * (1 - tick / _TICKS)
        yield svg.line([(plot.x, y), (plot.x + plot.width, y)], svg.LINE, 1)
        yield svg.text(
            plot.x - 5, y + 3.5, shown(value, unit), size=10, fill=svg.FAINT,
            anchor="end",
        )  # fmt: skip
    yield from _times(plot, asker)


def _times(plot: Box, asker: Asker) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        at = asker.start + (asker.end - asker.start) * tick / _TICKS
        x = plot.x + plot.width * tick / _TICKS
        words = time.strftime("%H:%M:%S", time.gmtime(at))
        anchor = {0: "start", _TICKS: "end"}.get(tick, "middle")
        yield svg.text(
            x, plot.y + plot.height + 13, words, size=10, fill=svg.FAINT, anchor=anchor
        )


def _legend(named: Sequence[Named], box: Box) -> Iterator[list[tuple[str, str]]]:
    row: list[tuple[str, str]] = []
    used = 0.0
    for name, color, _ in named:
        width = svg.width_of(name, 10) + 24
        if row and used + width > box.width - 8:
            yield row
            row, used = [], 0.0
        row.append((name, color))
        used += width
    if row:
        yield row


def _legend_row(
    entries: Sequence[tuple[str, str]], x: float, y: float
) -> Iterator[str]:
    for name, color in entries:
        yield svg.rectangle(Box(x, y - 5, 10, 3), color)
        yield svg.text(x + 14, y, name, size=10, fill=svg.FAINT)
        x += svg.width_of(name, 10) + 24
