"""The README names what there is, and only that."""

import re

import pytest
from typer.main import get_command

from aggregator.cli.application import app
from tests.support.ranking import ROOT

README = (ROOT / "README.md").read_text("utf-8")
LINKS = re.findall(r"\]\(([^)#:]+)\)", README)


def commands():
    """Yield each command with its subcommands, as they are typed."""
    for name, command in get_command(app).commands.items():
        yield name, None
        for below in getattr(command, "commands", {}):
            yield name, below


@pytest.mark.parametrize("target", LINKS)
def test_what_is_linked_is_there(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name
)
def test_every_page_of_the_documentation_is_linked(page):
    assert f"docs/{page.name}" in LINKS


@pytest.mark.parametrize(("name", "below"), list(commands()))
def test_every_command_is_named(name, below):
    assert re.search(rf"(metabroker |`){name}\b", README)
    # The reference is what docs/policies-reference.md was printed by.
    if below not in {None, "reference"}:
        assert re.search(rf"({name} |`){below}\b", README)
