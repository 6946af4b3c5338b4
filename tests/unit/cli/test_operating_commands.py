"""``check``, ``serve`` and ``simulate``, the last two as processes of their own."""

import json
import re
import signal
import socket
from urllib.request import urlopen

import pytest

from aggregator.demo.federation import running_sites, write_configuration
from tests.support.background import in_background
from tests.support.commands import command, wait_for_url


@pytest.fixture
def settings(tmp_path):
    with in_background(running_sites()) as sites:
        yield write_configuration(tmp_path, sites, port=0)


def test_good_configuration_is_said_to_be_good(run, settings):
    result = run("check", "--config", settings)
    assert result.exit_code == 0, result.output
    assert "8 sites, policies demo" in result.stdout
    verdict = run("check", "--config", settings, "--json")
    assert json.loads(verdict.stdout)["ok"] is True


def test_bad_configuration_is_said_with_place_and_reason(run, settings):
    sites = settings.with_name("sites.yaml")
    sites.write_text(sites.read_text().replace("country: AU", "country: Down Under"))
    result = run("check", "--config", settings)
    assert result.exit_code == 1
    assert re.match(rf"{re.escape(str(sites))}:\d+:\d+: country ", result.stderr)

    verdict = run("check", "--config", settings, "--json")
    assert verdict.exit_code == 1
    [problem] = json.loads(verdict.stdout)["problems"]
    assert problem["file"] == str(sites)
    assert problem["pointer"] == "/sites/0/country"


@pytest.mark.parametrize("command", ["check", "serve"])
def test_configuration_that_is_not_there(run, tmp_path, command):
    result = run(command, "--config", tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "none.yaml" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_service_serves_until_it_is_told_to_end(settings, number):
    with command("serve", "--config", settings) as service:
        url = wait_for_url(service)
        with urlopen(f"{url}/ping", timeout=10) as answer:
            assert json.load(answer)["status"] == "UP"
        service.send_signal(number)
        _, rest = service.communicate(timeout=20)
        assert service.returncode == 0, rest
        assert "Traceback" not in rest


def test_service_says_that_its_port_is_taken(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with command("serve", "-c", settings, METABROKER_LISTEN=listen) as service:
            _, errors = service.communicate(timeout=20)
    assert service.returncode == 1
    reason = f"can't listen at {listen}: address already in use"
    assert f"metabroker: {reason}\n" in errors
    assert "Traceback" not in errors


def test_service_says_which_store_it_can_not_use(settings, tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("not a directory")
    with command("serve", "-c", settings, METABROKER_STATE=occupied) as service:
        _, errors = service.communicate(timeout=20)
    assert service.returncode == 1
    assert f"metabroker: the store's file {occupied}" in errors
    assert "Traceback" not in errors


def test_site_is_simulated_until_it_is_told_to_end(tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text("name: itsrc\nfirst_start: 5\nlatency: {request: 0.1}\n")
    with command("simulate", "--site", file, "--dialect", "2026-07", "--port", 0) as it:
        line = it.stdout.readline()
        started = re.fullmatch(
            r"itsrc \(2026-07\) at (http://127\.0\.0\.1:\d+)\n", line
        )
        assert started, line + it.stderr.read()
        with pytest.raises(OSError, match="400"):
            urlopen(f"{started[1]}/offersets/x", timeout=10)
        it.send_signal(signal.SIGINT)
        _, errors = it.communicate(timeout=20)
    assert it.returncode == 0, errors


def test_simulated_site_tells_programs_where_it_is():
    with command("simulate", "--name", "itsrc", "--port", 0, "--json") as it:
        text = ""
        while not text.endswith("}\n"):
            text += it.stdout.readline()
        told = json.loads(text)
        assert told.pop("url").startswith("http://127.0.0.1:")
        assert told == {"name": "itsrc", "dialect": "2025-11"}
        it.send_signal(signal.SIGTERM)
        _, errors = it.communicate(timeout=20)
    assert it.returncode == 0, errors


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: x\nfirst_strat: 5\n", ":2:14: there is no setting 'first_strat'"),
        ("name: x\noffers: many\n", ":2:9: offers: "),
        ("name: x\ndialect: '1999'\n", "no dialect '1999'"),
        ("name: [", ":1:"),
        ("- x\n", "should be a mapping"),
        ("offers: 1\n", ":1:1: name: "),
    ],
)
def test_site_file_that_is_none_is_refused_with_its_place(run, tmp_path, text, fault):
    file = tmp_path / "site.yaml"
    file.write_text(text)
    result = run("simulate", "--site", file)
    assert result.exit_code == 2
    assert fault in result.stderr
