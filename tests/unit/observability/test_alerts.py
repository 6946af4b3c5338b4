"""Alerts: valid, tested, explained, and about metrics that there are."""

import json
import re
import subprocess

import pytest
import yaml

from aggregator.observability.reference import all_sections
from grafana.generator.expressions import MONITORED
from grafana.generator.service_level import OBJECTIVE
from tests.support.prometheus import required
from tests.support.ranking import ROOT

GRAFANA = ROOT / "grafana"
RULES = [
    rule
    for group in yaml.safe_load((GRAFANA / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
CASES = [
    case
    for test in yaml.safe_load((GRAFANA / "alerts_test.yaml").read_text())["tests"]
    for case in test["alert_rule_test"]
]
RUNBOOK = dict(
    re.findall(
        r"^## (\w+)\n(.*?)(?=^## |\Z)",
        (GRAFANA / "runbook.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)


def promtool(*arguments):
    return subprocess.run(
        [required("promtool"), *arguments],
        cwd=GRAFANA,
        capture_output=True,
        text=True,
        check=False,
    )


def test_rules_are_valid():
    checked = promtool("check", "rules", "alerts.yaml")
    assert checked.returncode == 0, checked.stderr


def test_example_of_a_configuration_is_valid():
    checked = promtool("check", "config", "prometheus.yaml")
    assert checked.returncode == 0, checked.stderr


def test_alerts_fire_when_they_should_and_only_then():
    tested = promtool("test", "rules", "alerts_test.yaml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_has_a_firing_and_a_silent_case(alert):
    fires = {
        bool(case.get("exp_alerts")) for case in CASES if case["alertname"] == alert
    }
    assert fires == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_says_what_is_wrong_and_where_to_read_on(alert):
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"grafana/runbook.md#{alert.lower()}"


@pytest.mark.parametrize("alert", ALERTS)
def test_runbook_says_what_it_means_how_to_see_and_what_to_do(alert):
    parts = re.findall(r"^\*\*(\w+)\.\*\* \S", RUNBOOK[alert], re.MULTILINE)
    assert parts == ["Means", "See", "Do"]


def test_runbook_has_no_entry_for_what_is_no_alert():
    assert list(RUNBOOK) == list(ALERTS)


def test_runbook_names_dashboards_and_panels_that_there_are():
    text = (GRAFANA / "runbook.md").read_text("utf-8")
    dashboards = [
        json.loads(path.read_text("utf-8"))
        for path in (GRAFANA / "dashboards").glob("*.json")
    ]
    titles = {dashboard["title"] for dashboard in dashboards}
    named = {
        " ".join(name.split()) for name in re.findall(r"\*(Meta-broker: [^*]+)\*", text)
    }
    assert named <= titles
    panels = {p["title"] for dashboard in dashboards for p in dashboard["panels"]}
    see = [
        " ".join(entry.partition("**See.**")[2].split("**Do.**")[0].split())
        for entry in RUNBOOK.values()
    ]
    quoted = {
        title
        for part in see
        for title in re.findall(r'(?<!`)"([A-Z][^"]+)"(?!:)', part)
    }
    assert quoted
    assert quoted <= panels


@pytest.mark.parametrize(
    "path",
    [GRAFANA / "alerts.yaml", *sorted((GRAFANA / "dashboards").glob("*.json"))],
    ids=lambda path: path.name,
)
def test_every_metric_that_is_asked_for_exists(path):
    exist = {
        f"metabroker:{rule['record'].partition(':')[2]}"
        for rule in RULES
        if "record" in rule
    }
    for section in all_sections():
        for description in section.descriptions:
            exist.add(description.name)
            if description.kind == "histogram":
                exist |= {f"{description.name}_{part}" for part in ("bucket", "count")}
    asked = set(re.findall(r"\bmetabroker[_:]\w+", path.read_text("utf-8")))
    assert len(asked) > 5
    assert asked <= exist


def test_service_level_is_the_same_for_alert_and_dashboard():
    burning = ALERTS["MetaBrokerErrorBudgetBurning"]["expr"]
    assert burning.count(f"> 14.4 * {1 - OBJECTIVE:g}\n") == 2
    assert burning.count(f'route!~"{MONITORED}"') == 4
