"""What is shipped to run the service with is what its own tools take for valid."""

import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.support.commands import COMMAND
from tests.support.ranking import ROOT
from tests.support.tools import tool

DEPLOY = ROOT / "deploy"


def run(*command):
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60
    )


def manifests(name):
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


def test_the_dockerfile_passes_its_linter():
    # The linter comes as a package of the tests' environment, beside its Python.
    linter = Path(sys.executable).parent / "hadolint"
    done = run(str(linter), str(DEPLOY / "Dockerfile"))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "manifest", manifests("metabroker.yaml"), ids=lambda m: m["kind"]
)
def test_kubernetes_manifests_are_valid(manifest):
    kubernetes_validate.validate(manifest, "1.30", strict=True)


def test_the_pod_can_write_nothing_but_its_scratch():
    (deployment,) = [
        m for m in manifests("metabroker.yaml") if m["kind"] == "Deployment"
    ]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    environment = {e["name"]: e.get("value") for e in container["env"]}
    assert environment["METABROKER_STATE"].startswith("/tmp/")


def test_the_pod_finds_the_configuration_that_is_shipped(tmp_path):
    """The volume holds what the configmaps, made as the manifest says, put into it."""
    documents = manifests("metabroker.yaml")
    (deployment,) = [one for one in documents if one["kind"] == "Deployment"]
    (volume,) = [
        one
        for one in deployment["spec"]["template"]["spec"]["volumes"]
        if one["name"] == "config"
    ]
    made = re.findall(
        r"kubectl create configmap (\S+) --from-file=(\S+)",
        (ROOT / "docs" / "operations.md").read_text(),
    )
    assert made == re.findall(
        r"kubectl create configmap (\S+) --from-file=(\S+)",
        (DEPLOY / "kubernetes" / "metabroker.yaml").read_text(),
    )
    directories = {name: ROOT / directory for name, directory in made}
    for source in volume["projected"]["sources"]:
        directory = directories[source["configMap"]["name"]]
        files = [path.name for path in directory.iterdir() if path.is_file()]
        items = source["configMap"].get("items") or [
            {"key": name, "path": name} for name in files
        ]
        assert {item["key"] for item in items} == set(files)
        for item in items:
            target = tmp_path / item["path"]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((directory / item["key"]).read_bytes())
    done = run(*COMMAND, "check", "--config", str(tmp_path / "metabroker.yaml"))
    assert done.returncode == 0, done.stderr


def test_the_monitor_selects_the_service():
    (monitor,) = manifests("monitoring.yaml")
    (service,) = [m for m in manifests("metabroker.yaml") if m["kind"] == "Service"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_alerts_become_a_prometheus_rule():
    done = run(sys.executable, str(DEPLOY / "kubernetes" / "prometheus_rule.py"))
    rule = yaml.safe_load(done.stdout)
    assert rule["kind"] == "PrometheusRule"
    alerts = yaml.safe_load((ROOT / "grafana" / "alerts.yaml").read_text())
    assert rule["spec"] == alerts


def test_the_unit_is_what_systemd_takes(tmp_path):
    unit = (DEPLOY / "systemd" / "metabroker.service").read_text()
    copy = tmp_path / "metabroker.service"
    # Only the command isn't here: any that is stands in for it.
    copy.write_text(unit.replace("/opt/metabroker/bin/metabroker", sys.executable))
    done = run(tool("systemd-analyze"), "verify", str(copy))
    assert (done.returncode, done.stderr) == (0, "")
