"""``recover`` says what is wrong with what it is given; what it finds is tested elsewhere."""

import pytest

from aggregator.store.sql_store import sqlite_url
from tests.support.commands import completed
from tests.support.running import configuration_files

UUID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sessions"


def test_nothing_to_recover(run, file):
    file.write_text("# nothing\n\n")
    for arguments in ([], ["--from-file", file]):
        result = run("recover", *arguments)
        assert result.exit_code == 2
        assert "name sessions" in result.stderr


@pytest.mark.parametrize("text", ["session-1", UUID[:-1], f"{UUID}0"])
def test_what_is_no_uuid_is_named(run, file, text):
    file.write_text(f"{UUID}\n{text}\n")
    for arguments in ([text], ["--from-file", file]):
        result = run("recover", *arguments)
        assert result.exit_code == 2
        assert f"'{text}' is no session's uuid" in result.stderr


def test_a_file_that_can_not_be_read(run, file):
    result = run("recover", "--from-file", file)
    assert result.exit_code == 2
    assert "No such file" in result.stderr
    file.write_bytes(b"\xff\xfe")
    result = run("recover", "--from-file", file)
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_a_configuration_that_is_not_there(run, tmp_path):
    result = run("recover", UUID, "--config", tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "none.yaml" in result.stderr


def test_a_store_that_can_not_be_used(tmp_path):
    file = tmp_path / "store.db"
    file.write_text("This is not a database. " * 99)
    sites = [{"name": "a", "broker": {"url": "http://127.0.0.1:9"}}]
    settings = configuration_files(tmp_path, sites, {"store": sqlite_url(file)})
    done = completed("recover", UUID, "--config", settings)
    assert done.returncode == 1, done.stderr
    assert "not a database" in done.stderr
