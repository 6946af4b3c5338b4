"""The files of the dashboards: generated, complete, and found by Grafana."""

import itertools
import json
import re

import pytest
import yaml

from grafana.generator import DASHBOARDS, document
from tests.support.ranking import ROOT

GRAFANA = ROOT / "grafana"
LINK = re.compile(r"/d/([\w-]+)")


def dashboards():
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((GRAFANA / "dashboards").glob("*.json"))
    }


ALL = dashboards()
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in ALL.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_file_is_what_the_generator_gives(name):
    path = GRAFANA / "dashboards" / f"{name}.json"
    assert path.read_text("utf-8") == document(name)


def test_every_file_is_generated():
    assert set(ALL) == set(DASHBOARDS)


def test_dashboards_have_names_of_their_own():
    for key in ("uid", "title"):
        values = [dashboard[key] for dashboard in ALL.values()]
        assert len(set(values)) == len(values)
        assert all(values)


@pytest.mark.parametrize("name", ALL)
def test_dashboard_says_what_it_is_for_and_links_to_the_others(name):
    dashboard = ALL[name]
    assert dashboard["description"].endswith(".")
    (link,) = dashboard["links"]
    assert link["tags"] == ["metabroker"]
    assert all("metabroker" in other["tags"] for other in ALL.values())


@pytest.mark.parametrize("panel", PANELS)
def test_panel_explains_itself(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["instant"] or target["range"]


@pytest.mark.parametrize("panel", PANELS)
def test_values_have_a_unit_or_a_name(panel):
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "table":
        columns = {o["matcher"]["options"]: o["properties"] for o in overrides(panel)}
        values = [name for name in renamed(panel) if name.startswith("Value")]
        for value in values:
            properties = columns[renamed(panel)[value]]
            assert any(property_["id"] == "unit" for property_ in properties)
    else:
        assert defaults.get("unit") or defaults.get("mappings")


def overrides(panel):
    return panel["fieldConfig"]["overrides"]


def renamed(panel):
    (organize,) = (t for t in panel["transformations"] if t["id"] == "organize")
    return organize["options"]["renameByName"]


@pytest.mark.parametrize("name", ALL)
def test_panels_have_ids_and_places_of_their_own(name):
    panels = ALL[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    squares = [
        square
        for panel in panels
        for square in itertools.product(
            range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"]),
            range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"]),
        )
    ]
    assert len(set(squares)) == len(squares)
    assert max(x for x, _ in squares) < 24


def test_links_lead_to_dashboards_that_there_are():
    uids = {dashboard["uid"] for dashboard in ALL.values()}
    linked = set(LINK.findall(json.dumps(ALL)))
    assert linked
    assert linked <= uids


def provisioning(name):
    return yaml.safe_load((GRAFANA / "provisioning" / name).read_text("utf-8"))


def test_grafana_is_told_of_the_data_source():
    (source,) = provisioning("datasources/metabroker.yaml")["datasources"]
    assert source["type"] == "prometheus"
    assert source["isDefault"] is True
    assert source["url"] == "${METABROKER_PROMETHEUS}"


def test_grafana_is_told_of_the_dashboards():
    (provider,) = provisioning("dashboards/metabroker.yaml")["providers"]
    path = provider["options"]["path"].replace("${METABROKER_GRAFANA}", str(GRAFANA))
    assert provider["type"] == "file"
    assert sorted(p.name for p in (ROOT / path).glob("*.json")) == [
        f"{name}.json" for name in sorted(DASHBOARDS)
    ]
