"""The demo's federation with a real meta-broker, beside the commands under test."""

import pytest
from typer.testing import CliRunner

from aggregator.cli import app
from aggregator.demo.federation import running_sites, write_configuration
from aggregator.demo.simulated_sites import DATA
from tests.support.background import in_background
from tests.support.commands import command, wait_for_url

TIME_SCALE = 600.0


@pytest.fixture(scope="session")
def metabroker(tmp_path_factory):
    """The URL of a meta-broker in front of the demo's sites."""
    directory = tmp_path_factory.mktemp("metabroker")
    with in_background(running_sites(TIME_SCALE)) as sites:
        settings = write_configuration(directory, sites, port=0)
        with command("serve", "--config", settings) as service:
            yield wait_for_url(service)
            service.terminate()
            _, errors = service.communicate(timeout=20)
        assert service.returncode == 0, errors


@pytest.fixture
def run(monkeypatch):
    """Run the command in this process; no variable of the environment disturbs it."""
    for name in ("METABROKER_URL", "METABROKER_TOKEN", "ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments, stdin=None):
        result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


@pytest.fixture
def ask(run, metabroker):
    """Run the command against the meta-broker."""
    return lambda *arguments, **more: run(*arguments, "--url", metabroker, **more)


@pytest.fixture(scope="session")
def request_file():
    return DATA / "request.yaml"
