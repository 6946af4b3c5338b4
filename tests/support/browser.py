"""A headless Chromium, and what it says while a page is open."""

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1366, "height": 900}
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Watched:
    """A page, and all that it did that somebody might not want."""

    page: object
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self):
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _console(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    @property
    def hosts(self):
        return {urlsplit(url).hostname for url in self.asked}


@asynccontextmanager
async def running_chromium():
    """Yield a Chromium; skip where there is none, or fail.

    With METABROKER_TEST_ALL=1 in the environment a missing one is a failure.
    """
    if find_spec("playwright") is None:
        _give_up("playwright is not installed")
    if not os.access(CHROMIUM, os.X_OK):
        _give_up(f"no Chromium at {CHROMIUM}")
    from playwright.async_api import async_playwright  # noqa: PLC0415

    with TemporaryDirectory(prefix="chromium-") as directory:
        async with async_playwright() as playwright:
            # A context of its own directory: nothing of a user's is read or written.
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=_FLAGS,
                env={**os.environ, "HOME": directory},
            )
            try:
                yield browser
            finally:
                await browser.close()


@asynccontextmanager
async def watched_page(browser, **options):
    """Yield a page of a fresh context, watched from its first request on."""
    context = await browser.new_context(**options)
    try:
        watched = Watched(await context.new_page())
        watched.listen()
        yield watched
    finally:
        await context.close()


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("METABROKER_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
