"""The help of every command: what a call is made of, and how it ends."""

import re

import pytest
from typer.main import get_command

from aggregator.cli import app


def commands(group=None, path=()):
    group = group or get_command(app)
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_help_names_arguments_as_manuals_do_and_no_types_of_flags(run, path):
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    [usage] = re.findall(r"Usage: \S+ (.*)", shown.stdout)
    assert usage.startswith(" ".join(path))
    assert not re.search(r"[{}]|\[\[", usage)
    assert "<bool>" not in shown.stdout


def test_usage_names_the_argument_that_is_missing(run):
    result = run("request")
    assert result.exit_code == 2
    assert "metabroker request [OPTIONS] FILE" in " ".join(result.stderr.split())
    assert "Missing argument 'FILE'" in result.stderr


def test_help_tells_the_exit_codes(run):
    shown = " ".join(run("--help").stdout.split())
    assert "0 good, 1 refused or no offer, 2 wrong usage or input" in shown
