"""Whatever the API's description allows, and what it forbids, is answered as it says."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.running import running_federation

CONFIGURATION = Path(__file__).parents[1] / "data" / "schemathesis.toml"
EXAMPLES = 8
LONGEST = 150


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), time_scale=1000),
        SimulatedSite(name="espsrc", rses=("SPSRC_STORM",), dialect="2026-07"),
        settings={
            "following": {"interval": 0.05, "longest_stream": 0.1},
            "health": {"probes": True, "interval": 0.2},
            "budget": {"in_all": 1_000_000},
            "log": {"level": "error"},
        },
    ) as running:
        async with asyncio.timeout(10):
            while (await running.get("/health")).status != 200:
                pass
        yield running


async def description(federation, folder):
    """Write the API's description to a file, with JSON alone as a body of /requests.

    YAML and XML are tried at the other paths whose bodies are requests: the coverage
    of all three would take three times as long.
    """
    document = await (await federation.get("/openapi.json")).json()
    bodies = document["components"]["requestBodies"]
    as_json = bodies["Request"]["content"]["application/json"]
    bodies["JsonRequest"] = {"required": True, "content": {"application/json": as_json}}
    asking = document["paths"]["/requests"]["post"]
    asking["requestBody"] = {"$ref": "#/components/requestBodies/JsonRequest"}
    path = folder / "description.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.timeout(LONGEST + 30)
async def test_nothing_is_found(federation, tmp_path):
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", CONFIGURATION),
        *("run", await description(federation, tmp_path), "--url", federation.url),
        *("--max-examples", EXAMPLES, "--generation-deterministic"),
        *("--warnings", "off", "--no-color", "--no-shrink"),
    ]
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LONGEST):
            report, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        report, _ = await process.communicate()
    text = report.decode()
    assert process.returncode == 0, text
    assert "No issues found" in text
    described = len(json.loads((tmp_path / "description.json").read_text())["paths"])
    tested = int(text.partition("  Tested: ")[2].split()[0])
    assert tested >= described
