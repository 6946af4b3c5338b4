"""The walls of the house: who may import whom, and that each module stands alone."""

import subprocess
import sys
from pathlib import Path

from tests.support.ranking import ROOT

IMPORT_EACH_ALONE = """
import importlib, pkgutil, sys

def names_in(top):
    package = importlib.import_module(top)
    found = pkgutil.walk_packages(package.__path__, top + ".")
    return [top, *(module.name for module in found)]

def layer_of(name):
    return "site_adapters" if name[0] == "s" else ".".join(name.split(".")[:2])

names = names_in("aggregator") + names_in("site_adapters")
for name in names:
    # A cycle can only be within a layer: others can't be imported from below.
    for known in [known for known in sys.modules if known in names]:
        if layer_of(known) == layer_of(name):
            del sys.modules[known]
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
print(len(names), "modules")
"""


def run(*command):
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=55
    )


def test_imports_point_inwards():
    linter = Path(sys.executable).with_name("lint-imports")
    linted = run(linter, "--no-cache")
    assert linted.returncode == 0, linted.stdout


def test_each_module_can_be_imported_alone():
    imported = run(sys.executable, "-W", "error", "-c", IMPORT_EACH_ALONE)
    assert imported.returncode == 0, imported.stderr
    *broken, count = imported.stdout.splitlines()
    assert broken == []
    assert int(count.split()[0]) > 200
