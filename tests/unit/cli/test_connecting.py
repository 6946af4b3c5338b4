"""Where the broker is and who asks: options, environment, exit codes."""

import re
import socket

import pytest
from typer.testing import CliRunner

from aggregator.cli import app
from site_adapters.simulated import SimulatedSite
from site_adapters.simulated import run as run_site
from tests.support.background import in_background


@pytest.fixture
def dead_url():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def test_broker_that_is_not_there_is_exit_code_4(run, dead_url):
    result = run("sites", "--url", dead_url)
    assert result.exit_code == 4
    assert result.stderr == f"metabroker: can't reach {dead_url}: Connection refused\n"
    assert result.stdout == ""


def test_url_comes_from_the_environment(run, dead_url, monkeypatch):
    monkeypatch.setenv("METABROKER_URL", dead_url)
    assert dead_url in run("sites").stderr


def test_url_that_is_none_is_a_usage_error(run):
    result = run("sites", "--url", "not a url")
    assert result.exit_code == 2
    assert "not an http or https URL" in result.stderr


@pytest.mark.parametrize("name", ["METABROKER_TOKEN", "ACCESS_TOKEN"])
def test_token_of_the_environment_is_not_sent_in_clear_text(run, monkeypatch, name):
    monkeypatch.setenv(name, "sesame")
    result = run("sites", "--url", "http://broker.example")
    assert result.exit_code == 3
    assert "sesame" not in result.output


def test_token_file_comes_before_the_environment(run, monkeypatch, tmp_path, dead_url):
    file = tmp_path / "token"
    file.write_text("sesame\n")
    monkeypatch.setenv("METABROKER_TOKEN", "other")
    assert run("sites", "--url", dead_url, "--token-file", file).exit_code == 4
    plain = run("sites", "--url", "http://broker.example", "--token-file", file)
    assert plain.exit_code == 3


@pytest.mark.parametrize("content", ["", "two words", "caf\xe9", "a\x00b"])
def test_token_file_without_a_token_is_refused(run, tmp_path, content):
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    result = run("sites", "--token-file", file)
    assert result.exit_code == 3
    assert result.stderr == f"metabroker: {file} holds no token\n"


def test_token_file_that_is_not_there_is_exit_code_3(run, tmp_path):
    result = run("sites", "--token-file", tmp_path / "none")
    assert result.exit_code == 3
    assert "No such file" in result.stderr


def test_who_needs_a_token_is_told_where_it_is_read_from(run, request_file, tmp_path):
    closed = SimulatedSite(name="closed", requires_authorization=True)
    with in_background(run_site(closed)) as site:
        refused = run("request", request_file, "--url", site.url)
        assert refused.exit_code == 3
        assert refused.stderr.endswith(
            "\n  a token is read from --token-file, METABROKER_TOKEN or ACCESS_TOKEN\n"
        )
        file = tmp_path / "token"
        file.write_text("sesame")
        asked = run("request", "-", "--url", site.url, "--token-file", file, stdin="{}")
    assert asked.exit_code == 1
    assert re.fullmatch(r"Offer set \S{36}: NO\n(ERROR: .+\n)+", asked.stdout)
    assert "a token is read" not in asked.stderr


def test_tokens_have_no_option_of_their_own(run):
    result = run("sites", "--token", "sesame")
    assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "-h"], ["--version"]])
def test_help_and_version(arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "metabroker" in result.stdout


def test_command_without_arguments_explains_itself():
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "request" in result.output
