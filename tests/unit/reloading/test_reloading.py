"""What can't be read changes nothing, whatever it is, and reading goes on."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from aggregator.catalogue.beside import CatalogueWithEntries
from aggregator.catalogue.static import StaticCatalogue
from aggregator.domain.events import Reloaded
from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.replicas import Did, LocatedData
from aggregator.ports.configuration import ConfigurationRefused, Reread
from aggregator.ports.snapshot import Federation
from aggregator.services.reloading import Reloading
from tests.support.in_process import RecordedTelemetry
from tests.support.ranking import plain_policy

DATA = LocatedData(Did("testing", "x"), (), 1, 1)
OTHER = StaticCatalogue({})


def federation(revision=1, **members):
    known = {
        "sites": {},
        "policies": (plain_policy(),),
        "links": Links(),
        "catalogue": None,
        "retired": {},
    }
    return Federation(**{**known, **members}, revision=revision)


class Source:
    """A source that gives what it was told to, one after the other."""

    def __init__(self, *results):
        self.results = list(results)
        self.reads = 0
        self.told = asyncio.Queue()

    async def read(self):
        self.reads += 1
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def changes(self):
        while True:
            await self.told.get()
            yield


class Present:
    """Holds a federation, and takes another into effect."""

    def __init__(self):
        self.now = federation()

    def current(self):
        return self.now

    def apply(self, new):
        self.now = replace(new, revision=self.now.revision + 1)
        return self.now


def reloading(source):
    present, telemetry = Present(), RecordedTelemetry()
    service = Reloading(
        source=source, reconfiguring=present, snapshot=present, telemetry=telemetry
    )
    return service, present, telemetry


FASTER = Reread(federation(links=Links(default_gbps=2)), ("look at this",))


async def test_what_is_right_takes_effect_and_is_told():
    service, present, telemetry = reloading(Source(FASTER))
    with structlog.testing.capture_logs() as logs:
        assert await service.reload()
    assert present.now.revision == 2
    assert telemetry.of(Reloaded) == [
        Reloaded(success=True, detail="revision 2: links changed")
    ]
    assert [line["reason"] for line in logs] == ["look at this"]


def numbered(revision, sha256):
    return replace(plain_policy(), identity=PolicyIdentity("a", revision, sha256))


def policies(*names):
    return {"policies": [plain_policy(metadata={"name": name}) for name in names]}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, "nothing new"),
        (policies("a", "b"), policies("b", "a"), "order of policies changed"),
        (policies("a", "b"), policies("b"), "policy a removed"),
        (policies("a"), policies("a", "b"), "policy b added"),
        (
            {"policies": [numbered(1, "0")]},
            {"policies": [numbered(2, "1")]},
            "policy a changed",
        ),
        (
            {"policies": [numbered(2, "0")]},
            {"policies": [numbered(2, "1")]},
            "policy a changed, policy a is still called revision 2",
        ),
        (
            {"catalogue": StaticCatalogue({DATA.did: DATA})},
            {"catalogue": StaticCatalogue({DATA.did: replace(DATA, size=2)})},
            "replicas changed",
        ),
        (
            {"catalogue": StaticCatalogue({DATA.did: DATA})},
            {"catalogue": StaticCatalogue({DATA.did: replace(DATA)})},
            "nothing new",
        ),
        (
            {"catalogue": CatalogueWithEntries(OTHER, StaticCatalogue({}))},
            {"catalogue": CatalogueWithEntries(OTHER, StaticCatalogue({}))},
            "nothing new",
        ),
    ],
)
async def test_what_changed_is_told_in_words(before, after, told):
    service, _, telemetry = reloading(
        Source(Reread(federation(**before)), Reread(federation(**after)))
    )
    assert await service.reload()
    assert await service.reload()
    assert telemetry.of(Reloaded)[-1].detail == f"revision 3: {told}"


@pytest.mark.parametrize(
    ("fault", "detail", "event"),
    [
        (ConfigurationRefused(["a:1:2: x", "b:3:4: y"]), "a:1:2: x; b:3:4: y", "configuration_refused"),
        (OSError("a bug of ours"), "OSError('a bug of ours')", "configuration_not_read"),
    ],
)  # fmt: skip
async def test_what_is_wrong_changes_nothing_and_is_told(fault, detail, event):
    service, present, telemetry = reloading(Source(fault, FASTER))
    before = present.now
    with structlog.testing.capture_logs() as logs:
        assert not await service.reload()
    assert present.now is before
    assert telemetry.of(Reloaded) == [Reloaded(success=False, detail=detail)]
    assert {line["event"] for line in logs} == {event}
    assert await service.reload()


async def test_faults_are_logged_one_by_one_up_to_a_number():
    reasons = [f"a:{line}:1: wrong" for line in range(50)]
    service, _, _ = reloading(Source(ConfigurationRefused(reasons)))
    with structlog.testing.capture_logs() as logs:
        await service.reload()
    assert [line["reason"] for line in logs] == reasons[:20]


async def test_requests_and_changes_have_it_read_and_many_at_once_are_one():
    source = Source(*[FASTER] * 9)
    service, _, _ = reloading(source)
    tasks = [asyncio.create_task(work) for work in (service.run(), service.watch())]

    async def reads(count):
        async with asyncio.timeout(5):
            while source.reads < count:
                await asyncio.sleep(0.001)
        assert source.reads == count

    for _ in range(3):
        service.request()
    await reads(1)
    source.told.put_nowait(None)
    await reads(2)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
