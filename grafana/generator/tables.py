"""Tables: a row per site, a column per query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus, table
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.generator.frame import DATA_SOURCE
from grafana.generator.panels import FULL, Text, state_names

_COLORED_TEXT: Final = {"type": "color-text"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        expr: Gives its value per row, with the labels that make a row.
        unit: Grafana's name of its unit.
        values: Names and colours, where values stand for states.
        steps: From which value on it has which colour.
        decimals: Digits after the point; None leaves them to Grafana.
    """

    title: str
    expr: str
    unit: str = "short"
    values: Mapping[int, tuple[str, str]] | None = None
    steps: Sequence[tuple[float, str]] = ()
    decimals: int | None = None


def table_of(
    text: Text,
    columns: Sequence[Column],
    *,
    labels: Mapping[str, str],
    width: int = FULL,
    height: int = 9,
    link: dashboard.DashboardLink | None = None,
) -> table.Panel:
    """Return a table.

    Args:
        text: Its words.
        columns: Its columns after those of labels.
        labels: The labels that are shown, with their titles; the first names the row.
        width: Of 24 columns of the dashboard.
        height: In rows of the dashboard.
        link: Where a click on a row's name leads.
    """
    refs = [chr(ord("A") + index) for index in range(len(columns))]
    panel = (
        table.Panel()
        .title(text.title)
        .description(text.description)
        .no_value(text.empty)
        .datasource(DATA_SOURCE)
        .targets(
            [_target(column, ref) for column, ref in zip(columns, refs, strict=True)]
        )
        .height(height)
        .span(width)
        .with_transformation(models.DataTransformerConfig("merge", options={}))
        .with_transformation(_organized(columns, refs, labels))
    )
    for column in columns:
        panel.override_by_name(column.title, _properties(column))
    if link is not None:
        name = next(iter(labels.values()))
        panel.override_by_name(
            name, [models.DynamicConfigValue("links", [link.build()])]
        )
    return panel


def _target(column: Column, ref: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(ref)
        .datasource(DATA_SOURCE)
        .expr(column.expr)
        .instant()
        .format(PromQueryFormat.TABLE)
    )


def _organized(
    columns: Sequence[Column], refs: Sequence[str], labels: Mapping[str, str]
) -> models.DataTransformerConfig:
    # A single query's value is not numbered.
    values = [f"Value #{ref}" for ref in refs] if len(refs) > 1 else ["Value"]
    titles = [column.title for column in columns]
    renamed = {**labels, **dict(zip(values, titles, strict=True))}
    return models.DataTransformerConfig(
        "organize",
        options={
            "excludeByName": {"Time": True},
            "renameByName": renamed,
            "indexByName": {name: place for place, name in enumerate(renamed)},
        },
    )


def _properties(column: Column) -> list[models.DynamicConfigValue]:
    properties = [models.DynamicConfigValue("unit", column.unit)]
    if column.decimals is not None:
        properties.append(models.DynamicConfigValue("decimals", column.decimals))
    if column.values is not None:
        properties.append(
            models.DynamicConfigValue("mappings", [state_names(column.values)])
        )
    if column.steps:
        steps = [models.Threshold(None, "text")]
        steps += [models.Threshold(value, color) for value, color in column.steps]
        properties.append(
            models.DynamicConfigValue(
                "thresholds",
                models.ThresholdsConfig(models.ThresholdsMode.ABSOLUTE, steps),
            )
        )
    if column.values is not None or column.steps:
        properties.append(
            models.DynamicConfigValue("custom.cellOptions", _COLORED_TEXT)
        )
    return properties
