"""The command as a process of its own."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("METABROKER_")}
COMMAND = [sys.executable, "-W", "error", "-m", "aggregator.cli"]
_LOG = 2**20
"""Bytes that a process may write and nobody reads; with more of them it stops."""


@contextmanager
def command(*arguments, **environment):
    """Run the command while the block runs; what is still up then is killed."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env={**CLEAN, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pipesize=_LOG,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def completed(*arguments, timeout=50):
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_for_url(service):
    """Return the URL at which a starting service says that it answers."""
    told = []
    for line in service.stderr:
        told.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError("".join(told))
