"""The demo's federation with a real meta-broker, beside the commands under test."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aggregator import wiring
from aggregator.cli import app
from aggregator.demo.federation import running_sites, write_configuration
from aggregator.demo.simulated_sites import DATA

TIME_SCALE = 600.0


@contextmanager
def in_background(serving):
    """Hold an async context open in a thread of its own; give what it gives."""
    ready = Future()

    async def hold():
        stop = asyncio.Event()
        async with serving as value:
            ready.set_result((asyncio.get_running_loop(), stop, value))
            await stop.wait()

    def run():
        try:
            asyncio.run(hold())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        loop, stop, value = ready.result(timeout=30)
        try:
            yield value
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()


@asynccontextmanager
async def _metabroker(directory: Path):
    async with running_sites(TIME_SCALE) as sites:
        settings = write_configuration(directory, sites, port=0)
        configuration = wiring.load_configuration(settings, {})
        async with wiring.running_service(configuration) as service:
            yield service.url


@pytest.fixture(scope="session")
def metabroker(tmp_path_factory):
    """The URL of a meta-broker in front of the demo's sites."""
    with in_background(_metabroker(tmp_path_factory.mktemp("metabroker"))) as url:
        yield url


@pytest.fixture
def run(monkeypatch):
    """Run the command in this process; no variable of the environment disturbs it."""
    for name in ("METABROKER_URL", "METABROKER_TOKEN", "ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments, stdin=None):
        result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


@pytest.fixture
def ask(run, metabroker):
    """Run the command against the meta-broker."""
    return lambda *arguments, **more: run(*arguments, "--url", metabroker, **more)


@pytest.fixture(scope="session")
def request_file():
    return DATA / "request.yaml"
