"""A real Prometheus for tests: a process of its own, on loopback, with its data aside."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson
import pytest
import yaml

from tests.support.ranking import ROOT

CONFIGURATION = ROOT / "grafana" / "prometheus.yaml"
_PATIENCE = 15.0


def required(command):
    """The path of a command of the Debian package ``prometheus``, or skip the test."""
    path = shutil.which(command)
    if path is None:
        reason = f"{command} is missing; it is in the Debian package prometheus"
        if os.environ.get("METABROKER_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Prometheus:
    """Asks a Prometheus; times are Unix times, in seconds."""

    def __init__(self, url):
        self.url = url

    def instant(self, query, at):
        return self._get("query", query=query, time=at)["result"]

    def range(self, query, start, end, step=1):
        return self._get("query_range", query=query, start=start, end=end, step=step)[
            "result"
        ]

    def label_values(self, label, selector):
        return self._get(f"label/{label}/values", **{"match[]": selector})

    def is_ready(self):
        try:
            with urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def scrapes(self):
        """How often the target was scraped successfully so far."""
        found = self.instant("count_over_time((up == 1)[1h:1s])", time.time())
        return int(float(found[0]["value"][1])) if found else 0

    def _get(self, path, **parameters):
        address = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(address, timeout=10) as answer:
            return orjson.loads(answer.read())["data"]


@contextmanager
def running_prometheus(directory, target):
    """Run one that scrapes ``target`` every second, and evaluates our alerts.

    Args:
        directory: Where it keeps its files.
        target: Host and port of the service.
    """
    command = required("prometheus")
    configuration = directory / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump(_quick(target)))
    port = _free_port()
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            cwd=directory,
            stdout=log,
            stderr=log,
        )
        try:
            prometheus = Prometheus(f"http://127.0.0.1:{port}")
            _wait(prometheus, process, directory / "prometheus.log")
            yield prometheus
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _quick(target):
    """The configuration that we ship, in quick motion, and for ``target``."""
    document = yaml.safe_load(CONFIGURATION.read_text())
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    document["rule_files"] = [
        str(CONFIGURATION.parent / name) for name in document["rule_files"]
    ]
    (job,) = document["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    return document


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait(prometheus, process, log):
    deadline = time.monotonic() + _PATIENCE
    while not prometheus.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"Prometheus doesn't come up: {log.read_text()}")
        time.sleep(0.05)
