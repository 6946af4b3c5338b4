"""The watch tells what files hold anew, however they came to hold it."""

import asyncio
import os
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256

import pytest

from aggregator.configuration import file_watch
from aggregator.configuration.file_watch import FileWatch

LONG = 30.0
"""An interval that no test waits for: what is told then was told by the system."""


class Watched:
    """A watch at work, and how often it told of something new."""

    def __init__(self, changes):
        self._changes = changes
        self._next = None

    async def told(self, within=5.0):
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._changes))
        await asyncio.wait({self._next}, timeout=within)
        if not self._next.done():
            return False
        found, self._next = self._next, None
        found.result()
        return True

    async def end(self):
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})


@asynccontextmanager
async def watching(*files, interval=LONG, settle=0.02):
    watch = FileWatch(lambda: files, {}, interval=interval, settle=settle)
    async with aclosing(watch.changes()) as changes:
        watched = Watched(changes)
        # Its first look is over, and the system's watch set up, once it waits.
        assert not await watched.told(within=0.3)
        try:
            yield watched
        finally:
            await watched.end()


@pytest.fixture
def file(tmp_path):
    directory = tmp_path / "config"
    directory.mkdir()
    found = directory / "sites.yaml"
    found.write_text("sites: []\n")
    return found


async def test_a_file_that_is_written_anew_is_told(file):
    async with watching(file) as watched:
        file.write_text("sites: [a]\n")
        assert await watched.told()


async def test_a_file_that_is_replaced_is_told(file):
    async with watching(file) as watched:
        for text in ("one", "two", "three"):
            new = file.with_name(".sites.new")
            new.write_text(text)
            new.replace(file)
            assert await watched.told(), text


async def test_a_file_that_goes_and_comes_back_is_told_twice(file):
    text = file.read_text()
    async with watching(file) as watched:
        file.unlink()
        assert await watched.told()
        file.write_text(text)
        assert await watched.told()


async def test_a_link_that_leads_elsewhere_is_told(tmp_path):
    """As orchestrators mount what they configure: by a link to a directory."""
    for version, text in (("v1", "one"), ("v2", "two")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "sites.yaml").write_text(text)
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "..data").symlink_to(tmp_path / "v1")
    (mount / "sites.yaml").symlink_to("..data/sites.yaml")
    async with watching(mount / "sites.yaml", interval=1.0) as watched:
        (mount / "..new").symlink_to(tmp_path / "v2")
        (mount / "..new").replace(mount / "..data")
        assert await watched.told()
        # From now on the new directory matters, and is soon watched.
        (tmp_path / "v2" / "sites.yaml").write_text("three")
        assert await watched.told()


async def test_what_a_link_leads_to_is_watched(tmp_path, file):
    link = tmp_path / "elsewhere" / "sites.yaml"
    link.parent.mkdir()
    link.symlink_to(file)
    async with watching(link) as watched:
        file.write_text("sites: [b]\n")
        assert await watched.told()


async def test_a_new_policy_beside_is_told(file):
    async with watching(file) as watched:
        file.with_name("another.yaml").write_text("kind: RankingPolicy\n")
        assert await watched.told()


async def test_the_same_content_and_other_files_are_nothing_new(file):
    async with watching(file) as watched:
        file.write_text(file.read_text())
        os.utime(file)
        file.with_name("metabroker.sqlite-wal").write_bytes(b"x" * 4096)
        assert not await watched.told(within=1.0)
        file.write_text("sites: [c]\n")
        assert await watched.told()


async def test_what_is_being_written_is_told_once_it_is_whole(file):
    pieces = [f"- piece {number}\n" for number in range(8)]

    async def write_slowly():
        with file.open("w") as opened:
            for piece in pieces:
                opened.write(piece)
                opened.flush()
                await asyncio.sleep(0.1)

    async with watching(file, settle=0.5) as watched:
        writing = asyncio.create_task(write_slowly())
        assert await watched.told()
        assert file.read_text() == "".join(pieces)
        await writing
        assert not await watched.told(within=0.8)


async def test_where_the_system_tells_nothing_it_looks_for_itself(file, monkeypatch):
    def none_left(*_, **__):
        raise OSError("no space left on device (watches)")

    monkeypatch.setattr(file_watch, "awatch", none_left)
    async with watching(file, interval=0.05) as watched:
        file.write_text("sites: [d]\n")
        assert await watched.told()


async def test_a_directory_that_is_not_there_is_waited_for(tmp_path):
    file = tmp_path / "later" / "sites.yaml"
    async with watching(file, interval=0.05) as watched:
        file.parent.mkdir()
        file.write_text("sites: []\n")
        assert await watched.told()


async def test_a_link_to_itself_harms_nobody(tmp_path, file):
    circle = tmp_path / "circle.yaml"
    circle.symlink_to(circle)
    async with watching(file, circle) as watched:
        file.write_text("sites: [e]\n")
        assert await watched.told()


async def test_what_changed_before_the_watch_began_is_told(file):
    read = {file: sha256(file.read_bytes()).hexdigest()}
    file.write_text("sites: [f]\n")
    watch = FileWatch(lambda: [file], read, interval=LONG, settle=0.02)
    async with aclosing(watch.changes()) as changes:
        async with asyncio.timeout(5):
            await anext(changes)
