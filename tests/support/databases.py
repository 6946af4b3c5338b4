"""Databases for tests: a PostgreSQL server of our own, and stores of every kind."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from tests.support.ports import free_port

_DEBIAN = Path("/usr/lib/postgresql")
_ROLE = "metabroker"
_START_LIMIT = 30.0
_SETPRIV = shutil.which("setpriv")
_DIE_WITH_US = [_SETPRIV, "--pdeathsig", "QUIT"] if _SETPRIV else []


class PostgresqlServer:
    """A PostgreSQL server on loopback, in a directory of its own.

    PostgreSQL refuses to run as root: then it runs as its package's user.
    """

    def __init__(self, binaries: Path, directory: Path) -> None:
        self._binaries = binaries
        self._directory = directory
        self._data = directory / "data"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: Mapping[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
            self._identity = {
                "user": "postgres",
                "group": "postgres",
                "extra_groups": [],
            }

    def initialise(self) -> None:
        """Make the server's data directory."""
        self._run(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={_ROLE}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )

    def start(self) -> None:
        """Start the server, and return once it takes connections."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_DIE_WITH_US,
                    self._binaries / "postgres",
                    *("-D", self._data),
                    *("-p", str(self._port)),
                    *("-k", str(self._directory)),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", "max_connections=60"),
                    *("-c", "fsync=off"),  # no test cuts the power
                ],
                cwd=self._directory,
                stdout=log,
                stderr=log,
                **self._identity,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server at once, as in a crash; whoever is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_START_LIMIT)
            self._process = None

    def new_database(self) -> str:
        """Make an empty database, and return its URL."""
        name = f"store_{uuid4().hex}"
        self._run("createdb", *self._address(), f"--username={_ROLE}", name)
        return f"postgresql://{_ROLE}@127.0.0.1:{self._port}/{name}"

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_LIMIT
        while not self._is_ready():
            if time.monotonic() > until:
                self.stop()
                pytest.fail(f"PostgreSQL didn't start: {self._log()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        command = [self._binaries / "pg_isready", *self._address(), "--quiet"]
        return subprocess.run(command, check=False).returncode == 0

    def _address(self) -> list[str]:
        return [f"--host={self._directory}", f"--port={self._port}"]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self._directory,
            capture_output=True,
            check=False,
            **self._identity,
        )
        if done.returncode:
            pytest.fail(f"{program}: {done.stderr.decode()}")

    def _log(self) -> str:
        return (self._directory / "log").read_text()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Yield a running server; skip where there is no PostgreSQL, or fail.

    With METABROKER_TEST_ALL=1 in the environment a missing PostgreSQL is a failure.
    """
    if find_spec("asyncpg") is None:
        _give_up("asyncpg is not installed")
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=_major_version)
    if not found:
        _give_up(f"no PostgreSQL server in {_DEBIAN}")
    with tempfile.TemporaryDirectory(prefix="pg-") as directory:
        server = PostgresqlServer(found[-1].parent, Path(directory))
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("METABROKER_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _major_version(initdb: Path) -> int:
    name = initdb.parent.parent.name
    return int(name) if name.isdigit() else 0
