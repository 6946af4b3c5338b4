"""Panels: each kind in one form, with a unit, a description and an empty state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)

from grafana.generator.frame import DATA_SOURCE

HALF: Final = 12
"""The width of a panel of which two stand in a row."""

FULL: Final = 24
"""The width of a panel that stands alone."""

COUNT: Final = "short"
"""Grafana's name of the unit of what is counted."""

YES_OR_NO: Final = "bool_yes_no"
"""Grafana's name of the unit of what is 1 or 0."""

BAD: Final = "red"
DOUBTFUL: Final = "orange"
FAIR: Final = "yellow"
GOOD: Final = "green"
CALM: Final = "blue"
FAINT: Final = "#808080"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel is called, what it means, and what it says without data."""

    title: str
    description: str
    empty: str


def number(
    text: Text,
    query: Query,
    *,
    unit: str = COUNT,
    width: int = 4,
    steps: Sequence[tuple[float, str]] = (),
    base: str = "text",
    decimals: int | None = None,
) -> stat.Panel:
    """Return a panel of one number now.

    Args:
        text: Its words.
        query: Gives the number.
        unit: Grafana's name of its unit.
        width: Of 24 columns.
        steps: From which value on it has which colour.
        base: The colour below all steps.
        decimals: Digits after the point; None leaves them to Grafana.
    """
    thresholds = [models.Threshold(None, base)]
    thresholds += [models.Threshold(value, color) for value, color in steps]
    panel = (
        stat.Panel()
        .title(text.title)
        .description(text.description)
        .no_value(text.empty)
        .datasource(DATA_SOURCE)
        .with_target(_target(query, "A").instant())
        .unit(unit)
        .height(4)
        .span(width)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(_last())
        .mappings([_empty_for_nan(text.empty)])
        .thresholds(
            dashboard.ThresholdsConfig()
            .mode(models.ThresholdsMode.ABSOLUTE)
            .steps(thresholds)
        )
    )
    return panel if decimals is None else panel.decimals(decimals)


def series(
    text: Text,
    *queries: Query,
    unit: str = COUNT,
    width: int = HALF,
    stacked: bool = False,
    colors: Mapping[str, str] | None = None,
    links: Sequence[dashboard.DashboardLink] = (),
    at_most: float | None = None,
) -> timeseries.Panel:
    """Return a panel of series over time.

    Args:
        text: Its words.
        queries: Give the series.
        unit: Grafana's name of their unit.
        width: Of 24 columns.
        stacked: Whether they stand on one another.
        colors: The colours of series, by their legends.
        links: Where a click on a series leads.
        at_most: Where the axis ends; None leaves that to Grafana.
    """
    panel = (
        timeseries.Panel()
        .title(text.title)
        .description(text.description)
        .no_value(text.empty)
        .datasource(DATA_SOURCE)
        .targets([_target(query, ref) for query, ref in _numbered(queries)])
        .unit(unit)
        .min(0)
        .height(8)
        .span(width)
        # The line of a series of zeros would hide what it stands on.
        .line_width(0 if stacked else 1)
        .fill_opacity(60 if stacked else 8)
        .show_points(VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .data_links(list(links))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if at_most is not None:
        panel.max(at_most)
    for legend, color in (colors or {}).items():
        panel.override_by_name(legend, [_fixed(color)])
    return panel


def bars(
    text: Text, *queries: Query, unit: str = COUNT, width: int = HALF
) -> bargauge.Panel:
    """Return a panel of one bar per series, as it is now."""
    panel = (
        bargauge.Panel()
        .title(text.title)
        .description(text.description)
        .no_value(text.empty)
        .datasource(DATA_SOURCE)
        .targets([_target(query, ref).instant() for query, ref in _numbered(queries)])
        .unit(unit)
        .min(0)
        .height(8)
        .span(width)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(_last())
        .color_scheme(
            dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
        )
    )
    return panel.decimals(0) if unit == COUNT else panel


def timeline(
    text: Text,
    query: Query,
    *,
    values: Mapping[int, tuple[str, str]],
    height: int = 9,
    links: Sequence[dashboard.DashboardLink] = (),
) -> statetimeline.Panel:
    """Return a panel of states over time, a row per series.

    Args:
        text: Its words.
        query: Gives the states as numbers.
        values: The name and the colour of each.
        height: Of the panel, in rows.
        links: Where a click on a row leads.
    """
    return (
        statetimeline.Panel()
        .title(text.title)
        .description(text.description)
        .no_value(text.empty)
        .datasource(DATA_SOURCE)
        .with_target(_target(query, "A"))
        .height(height)
        .span(FULL)
        .mappings([state_names(values)])
        .merge_values(True)
        .show_value(VisibilityMode.AUTO)
        .row_height(0.85)
        .fill_opacity(75)
        .legend(_legend())
        .data_links(list(links))
    )


def state_names(values: Mapping[int, tuple[str, str]]) -> models.ValueMap:
    """Return the mapping of numbers to names and colours."""
    return models.ValueMap(
        options={
            str(value): models.ValueMappingResult(text=name, color=color, index=value)
            for value, (name, color) in values.items()
        }
    )


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(ref)
        .datasource(DATA_SOURCE)
        .expr(query.expr)
        .legend_format(query.legend or "__auto")
        .range()
    )


def _numbered(queries: Sequence[Query]) -> list[tuple[Query, str]]:
    return list(zip(queries, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    )


def _fixed(color: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(
        "color", {"mode": models.FieldColorModeId.FIXED, "fixedColor": color}
    )


def _empty_for_nan(empty: str) -> models.SpecialValueMap:
    return models.SpecialValueMap(
        options=models.DashboardSpecialValueMapOptions(
            match=models.SpecialValueMatch.NULL_AND_NAN,
            result=models.ValueMappingResult(text=empty, color=FAINT),
        )
    )
