"""Adapters are found by entry points, ours like those of others."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from site_adapters.execution_broker import ExecutionBrokerAdapter
from site_adapters.registry import GROUP, AdapterError, adapter_factories

ROOT = Path(__file__).parents[3]
OUR_CLASS = "site_adapters.execution_broker:ExecutionBrokerAdapter"


def point(name, value=OUR_CLASS):
    return EntryPoint(name=name, value=value, group=GROUP)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make a distribution that announces an adapter look installed."""

    def install(distribution, name, module):
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.0\n")
        lines = f"[{GROUP}]\n{name} = {module}:make\n"
        (info / "entry_points.txt").write_text(lines)
        (tmp_path / f"{module}.py").write_text("def make(): ...\n")

    monkeypatch.syspath_prepend(tmp_path)
    return install


def test_ours_are_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"][GROUP]

    factories = adapter_factories(point(*item) for item in points.items())

    assert factories == {
        "execution-broker": ExecutionBrokerAdapter,
        "metabroker": ExecutionBrokerAdapter,
    }


def test_one_of_another_distribution_is_found(install):
    install("their-adapter", "theirs", "their_adapter")

    assert adapter_factories()["theirs"].__module__ == "their_adapter"


def test_two_of_one_name_are_an_error(install):
    install("first-adapter", "same", "first_adapter")
    install("second-adapter", "same", "second_adapter")

    with pytest.raises(AdapterError, match="two site adapters are called 'same'"):
        adapter_factories()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("no_such_module:make", "no_such_module"),
        ("site_adapters.registry:no_such_name", "no_such_name"),
        ("site_adapters.registry:GROUP", "can't be called"),
    ],
)
def test_one_that_cannot_be_loaded_is_an_error_that_names_it(value, word):
    with pytest.raises(AdapterError, match=word) as raised:
        adapter_factories([point("broken", value)])

    assert "'broken'" in str(raised.value)


def test_what_was_found_cannot_be_changed():
    factories = adapter_factories([point("one")])

    with pytest.raises(TypeError):
        factories["two"] = None
