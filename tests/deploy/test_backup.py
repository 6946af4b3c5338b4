"""The commands of docs/operations.md by which a store is backed up and restored."""

import os
import re
import subprocess

import pytest

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import REQUEST
from tests.support.databases import postgresql_server
from tests.support.ranking import ROOT
from tests.support.running import running_federation
from tests.support.tools import tool

SECTION = (
    (ROOT / "docs" / "operations.md")
    .read_text("utf-8")
    .partition("## Backup and restore\n")[2]
    .partition("\n## ")[0]
)
BLOCKS = re.findall(r"^```\n(.*?)^```\n", SECTION, re.MULTILINE | re.DOTALL)


def block(beginning):
    """Return the commands of which one begins so, but for those of systemd."""
    (found,) = [one for one in BLOCKS if re.search(f"^{beginning}", one, re.MULTILINE)]
    lines = found.splitlines()
    return "\n".join(line for line in lines if not line.startswith("systemctl "))


def run(commands, directory, **environment):
    commands = commands.replace("/var/lib/metabroker", str(directory / "lib"))
    commands = commands.replace("/var/backups", str(directory))
    done = subprocess.run(
        ["/bin/bash", "-euc", commands],
        cwd=directory,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


async def ask(running):
    """Ask for offers, and return where they are."""
    answer = await running.post("/offersets", REQUEST)
    assert answer.status == 303
    return "/offersets/" + (await answer.json())["meta"]["uuid"]


def federation(directory, store):
    return running_federation(
        directory, SimulatedSite(name="a"), settings={"store": store}
    )


async def back_and_forth(directory, store, backup, restore):
    """Back up between two requests, restore, and return how their sets are found."""
    async with federation(directory, store) as running:
        before = await ask(running)
        backup()
        after = await ask(running)
        assert (await running.get(after)).status == 200
    restore()
    async with federation(directory, store) as running:
        found = [(await running.get(path)).status for path in (before, after)]
        assert await ask(running)
        return found


async def test_sqlite_is_backed_up_while_it_is_used_and_restored(tmp_path):
    tool("sqlite3")
    file = tmp_path / "lib" / "metabroker.sqlite"
    backup, restore = block("sqlite3"), block("rm ")
    found = await back_and_forth(
        tmp_path,
        sqlite_url(file),
        lambda: run(backup, tmp_path),
        # What a process that was killed leaves behind must not be taken for the new.
        lambda: (
            file.with_name(file.name + "-wal").write_bytes(b"old"),
            run(restore, tmp_path),
        ),
    )
    assert found == [200, 404]
    assert (tmp_path / "metabroker.sqlite").stat().st_mode & 0o077 == 0


@pytest.fixture
def database():
    with postgresql_server() as server:
        yield server.new_database()


async def test_postgresql_is_backed_up_while_it_is_used_and_restored(
    tmp_path, database
):
    tool("pg_dump")
    backup, restore = block("pg_dump"), block("pg_restore")
    found = await back_and_forth(
        tmp_path,
        database,
        lambda: run(backup, tmp_path, METABROKER_STORE=database),
        lambda: run(restore, tmp_path, METABROKER_STORE=database),
    )
    assert found == [200, 404]
