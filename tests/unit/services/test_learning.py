"""What the service learns of accepted sessions, and that ranking reads it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import SiteCalibrated
from aggregator.domain.ranking.histories import Course, Promise, SessionHistory
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.replay import replay_inputs, replayed
from aggregator.domain.sites import Site
from aggregator.ports.snapshot import FederatedSite, Federation
from aggregator.services.learning import Learning, nothing_learned
from tests.support.in_process import RecordedTelemetry
from tests.support.ranking import (
    NOW,
    facts,
    knowing,
    located,
    moment,
    offer,
    plain_policy,
    ranked,
    wanting,
)

KIND = "docker-container"
CALIBRATED = plain_policy(estimate={"start": {"calibrated": True}})


def history(number, site="A", late=240.0, ago=3600.0, **promise):
    """A session promised in 2 minutes that started ``late`` seconds after that."""
    ranked_at = moment(-ago - 120 - late)
    start = ranked_at + timedelta(seconds=120)
    return SessionHistory(
        f"s-{number:03}",
        site,
        ranked_at,
        Promise(**{"kind": KIND, "ranked": ranked_at, "start": start, **promise}),
        Course(started=start + timedelta(seconds=late)),
    )


def transferring(number, ago=7200.0):
    """A session for which 1 TB came from B in 4000 seconds."""
    made = history(
        number, bytes_to_move=10**12, sources=("B_DISK",), is_sure=True, ago=ago
    )
    began = moment(-ago - 4000)
    course = replace(made.course, staging=began, staged=moment(-ago))
    return replace(made, course=course)


class KeptHistories:
    """Histories as a store holds them: those of ``growing`` are still followed."""

    def __init__(self, *histories):
        self.kept = {one.session: one for one in histories}
        self.growing = set()
        self.reads = []
        self.broken = False

    async def accepted(self, since, limit):
        if self.broken:
            raise StoreUnavailable("the store is away")
        recent = [name for name, one in self.kept.items() if one.accepted >= since]
        return {name: name in self.growing for name in recent[:limit]}

    async def read(self, sessions):
        self.reads.append(list(sessions))
        return [self.kept[name] for name in sessions]


class Still:
    """A clock that stands, and the federation of A and B."""

    def now(self):
        return NOW

    def current(self):
        sites = {
            name: FederatedSite(Site(name, "", rses=(f"{name}_DISK",)), None, None)
            for name in ("A", "B")
        }
        return Federation(sites, (), Links(), None, {}, 1)


def learning_from(histories, telemetry=None):
    return Learning(
        histories=histories,
        snapshot=Still(),
        clock=Still(),
        telemetry=telemetry or RecordedTelemetry(),
        sampling=60.0,
    )


async def learned_from(*histories):
    learning = learning_from(KeptHistories(*histories))
    await learning.learn()
    return learning.learned()


async def test_a_site_that_is_always_late_is_expected_late():
    learned = await learned_from(*(history(n) for n in range(31)))
    knowledge = knowing(learned.facts(facts("A"), KIND))
    estimate = ranked(CALIBRATED, [offer("A", 120)], knowledge=knowledge)
    found = estimate.ranked[0].estimate
    assert (found.offered_start, found.lateness, found.start) == (120, 240, 360)
    assert found.notes == (
        "promised in 2 min, this site is usually 4 min late (31 starts)",
    )


async def test_what_was_learned_can_be_replayed():
    learned = await learned_from(
        *(history(n) for n in range(31)), *(transferring(100 + n) for n in range(3))
    )
    knowledge = knowing(
        learned.facts(facts("A"), KIND),
        facts("B"),
        data=(located("x", 100, "B_DISK"),),
        links=learned.link_knowledge(Links()),
    )
    ranking = ranked(CALIBRATED, [offer("A", 120)], wanting("x"), knowledge)
    inputs = replay_inputs(wanting("x"), "r-1", [offer("A", 120)], knowledge, NOW)
    assert replayed(CALIBRATED, inputs).as_document() == ranking.as_document()
    assert ranking.ranked[0].estimate.lateness == 240
    [note] = [n for n in ranking.ranked[0].estimate.notes if "Gb/s" in n]
    assert note == "2 Gb/s from B, measured in the last day (3 transfers)"


async def test_links_are_learned_between_sites():
    learned = await learned_from(*(transferring(n) for n in range(3)))
    [(pair, link)] = learned.links.items()
    assert pair == ("B", "A")
    assert link.hour is None
    assert link.day is not None
    assert (link.day.gbps, link.day.transfers) == (pytest.approx(2.0), 3)


async def test_whoever_ranks_reads_the_same_value_until_it_is_replaced():
    histories = KeptHistories(*(history(n) for n in range(9)))
    learning = learning_from(histories)
    assert learning.learned() == nothing_learned()
    await learning.learn()
    before = learning.learned()
    histories.kept.update({"s-100": history(100, site="B")})
    await learning.learn()
    assert before.starts.record("B", KIND).lateness == ()
    assert learning.learned().starts.record("B", KIND).lateness != ()


async def test_sessions_that_ended_are_read_once_and_others_in_turn():
    histories = KeptHistories(*(history(n) for n in range(3)))
    histories.growing = {"s-001", "s-002"}
    learning = learning_from(histories)
    for _ in range(2):
        await learning.learn()
    histories.growing = {"s-002"}
    for _ in range(2):
        await learning.learn()
    assert histories.reads == [
        ["s-000", "s-001", "s-002"],
        ["s-001", "s-002"],
        ["s-001", "s-002"],
        ["s-002"],
    ]


async def test_no_more_than_200_are_read_at_once():
    histories = KeptHistories(*(history(n) for n in range(450)))
    learning = learning_from(histories)
    for _ in range(4):
        await learning.learn()
    assert [len(read) for read in histories.reads] == [200, 200, 50, 0]


async def test_what_is_too_old_or_gone_is_forgotten():
    histories = KeptHistories(*(history(n) for n in range(9)))
    learning = learning_from(histories)
    await learning.learn()
    histories.kept.clear()
    await learning.learn()
    assert learning.learned() == nothing_learned()


async def test_each_configured_site_is_told():
    telemetry = RecordedTelemetry()
    unseen = replace(history(50), course=Course())
    gone = history(60, site="GONE")
    histories = KeptHistories(*(history(n) for n in range(9)), unseen, gone)
    await learning_from(histories, telemetry).learn()
    assert telemetry.of(SiteCalibrated) == [SiteCalibrated("A", 240.0, 9, 1)]


async def test_a_store_that_is_away_takes_nothing_back():
    histories = KeptHistories(*(history(n) for n in range(9)))
    learning = learning_from(histories)
    await learning.learn()
    before = learning.learned()
    histories.broken = True
    running = asyncio.create_task(learning.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert learning.learned() is before
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
