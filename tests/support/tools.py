"""Programs of this machine that tests run."""

import os
import shutil

import pytest


def tool(name: str) -> str:
    """Return where a program is; skip where there is none, or fail.

    With METABROKER_TEST_ALL=1 in the environment a missing one is a failure.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing = f"{name} is not installed"
        if os.environ.get("METABROKER_TEST_ALL") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found
