"""What a site counts as: what was decided of it, else what its answers say."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.domain.breaker import BreakerState
from aggregator.domain.drains import Drain
from aggregator.domain.events import Operation, SiteEjected, SiteState, SiteStateChanged
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Downtime, Site
from aggregator.ports.sites import ProbeReading
from aggregator.services.draining import DrainBook
from aggregator.services.limits import HealthLimits
from aggregator.services.site_health import SiteHealth
from tests.support.in_process import RecordedTelemetry
from tests.support.virtual_time import LoopClock, virtual_time

START = LoopClock.start
GOOD = ProbeReading(Outcome.OK, 0.1)
BAD = ProbeReading(Outcome.TIMEOUT, 5.0, "nothing came")
SITE = Site("here", "https://here.example")


def after(seconds):
    return START + timedelta(seconds=seconds)


class Watched:
    """Health of one site, with all that it told."""

    def __init__(self, site=SITE, **limits):
        self.book = DrainBook()
        self.telemetry = RecordedTelemetry()
        self.health = SiteHealth(
            HealthLimits(**limits), LoopClock(), self.telemetry, self.book.drain_of
        )
        self.health.configure([site])

    @property
    def told(self):
        return [event.state for event in self.telemetry.of(SiteStateChanged)]

    @property
    def report(self):
        return self.health.report("here")

    def drain(self, seconds, reason="racks"):
        now = LoopClock().now()
        drain = Drain("here", now, now + timedelta(seconds=seconds), "olga", reason)
        self.book.replace([drain])
        self.health.refresh()

    def probe(self, *readings):
        for reading in readings:
            self.health.note_probe("here", reading)

    def call(self, *outcomes):
        for outcome in outcomes:
            self.health.began("here")
            self.health.note("here", Operation.REQUEST, outcome, "it answered 500")


@virtual_time
async def test_a_site_is_unknown_until_something_is_known():
    watched = Watched()
    assert watched.told == [SiteState.UNKNOWN]
    watched.probe(GOOD)
    assert watched.told == [SiteState.UNKNOWN, SiteState.UP]


@virtual_time
async def test_an_unknown_site_is_said_to_have_failed_its_probe():
    watched = Watched()
    assert watched.report.why == "not asked yet"
    watched.probe(BAD)
    assert watched.report.state is SiteState.UNKNOWN
    assert watched.report.why == f"probe: {BAD.detail or BAD.outcome.value}"


@virtual_time
async def test_probes_in_a_row_decide_where_there_are_no_requests():
    watched = Watched(up_after=2, down_after=3)
    watched.probe(GOOD, BAD, BAD)
    assert watched.report.state is SiteState.UP
    watched.probe(BAD)
    assert (watched.report.state, watched.report.why) == (
        SiteState.DOWN,
        "nothing came",
    )
    watched.probe(GOOD, BAD, GOOD)
    assert watched.report.state is SiteState.DOWN
    watched.probe(GOOD)
    assert watched.report.state is SiteState.UP


@virtual_time
async def test_a_passing_probe_never_ends_an_ejection():
    watched = Watched(errors=2, base_ejection=15)
    watched.call(Outcome.ERROR_5XX, Outcome.ERROR_5XX)
    watched.probe(*[GOOD] * 10)
    assert watched.report.state is SiteState.EJECTED
    assert watched.report.breaker is BreakerState.OPEN
    assert watched.report.next_trial_in == 15
    await asyncio.sleep(16)
    watched.probe(*[GOOD] * 10)
    assert watched.report.state is SiteState.HALF_OPEN
    watched.call(Outcome.NO_OFFER)
    assert watched.report.state is SiteState.UP
    assert [event.reason for event in watched.telemetry.of(SiteEjected)] == [
        Outcome.ERROR_5XX
    ]


@virtual_time
async def test_the_end_of_an_ejection_is_told_without_a_request():
    watched = Watched(errors=1, base_ejection=15)
    watched.call(Outcome.TIMEOUT)
    await asyncio.sleep(16)
    watched.health.refresh()
    assert watched.told[-2:] == [SiteState.EJECTED, SiteState.HALF_OPEN]


@virtual_time
async def test_a_report_says_what_went_wrong_last_and_when():
    watched = Watched()
    await asyncio.sleep(5)
    watched.call(Outcome.ERROR_5XX, Outcome.ERROR_5XX)
    await asyncio.sleep(5)
    watched.probe(replace(GOOD, version="9", dialect="2026-07", clock_skew=3.0))
    report = watched.report
    assert report.last_error == "request: it answered 500"
    assert report.last_error_code is Outcome.ERROR_5XX
    assert (report.last_error_at, report.last_success) == (after(5), after(10))
    assert report.consecutive_errors == 2
    assert (report.version, report.dialect, report.clock_skew) == ("9", "2026-07", 3.0)


@virtual_time
async def test_what_was_learned_outlives_a_probe_that_learns_nothing():
    watched = Watched()
    ends = after(1e6)
    watched.probe(replace(GOOD, version="9", certificate_expires=ends, clock_skew=1.0))
    watched.probe(BAD)
    report = watched.report
    assert (report.version, report.certificate_expires) == ("9", ends)
    assert report.clock_skew == 1.0


@virtual_time
async def test_a_drained_site_is_drained_whatever_its_answers_say():
    watched = Watched(down_after=1)
    watched.probe(GOOD)
    await asyncio.sleep(10)
    watched.drain(100)
    report = watched.report
    assert (report.state, report.why) == (SiteState.DRAINED, "racks")
    assert (report.since, report.until) == (after(10), after(110))
    assert report.health is SiteState.UP
    watched.probe(BAD)
    assert watched.report.state is SiteState.DRAINED
    assert watched.report.health is SiteState.DOWN
    assert watched.told[-1] is SiteState.DRAINED


@virtual_time
async def test_when_a_drain_ends_the_site_counts_as_it_is_since_then():
    watched = Watched()
    watched.probe(GOOD)
    watched.drain(100)
    await asyncio.sleep(100)
    watched.health.refresh()
    assert watched.told[-2:] == [SiteState.DRAINED, SiteState.UP]
    assert (watched.report.since, watched.report.until) == (after(100), None)


@virtual_time
async def test_a_downtime_is_maintenance_while_it_lasts():
    downtime = Downtime(after(10), after(20), "network")
    watched = Watched(replace(SITE, downtimes=(downtime,)))
    watched.probe(GOOD)
    for seconds, state in ((9, SiteState.UP), (2, SiteState.MAINTENANCE), (9, "up")):
        await asyncio.sleep(seconds)
        watched.health.refresh()
        assert watched.report.state == state
    assert watched.told[-3:] == ["up", "maintenance", "up"]


@virtual_time
async def test_of_several_decisions_the_strongest_counts():
    downtime = Downtime(START, after(1000), "network")
    watched = Watched(replace(SITE, downtimes=(downtime,)))
    assert watched.report.state is SiteState.MAINTENANCE
    watched.drain(100)
    assert watched.report.state is SiteState.DRAINED
    off = replace(SITE, downtimes=(downtime,), enabled=False)
    watched.health.configure([off])
    assert (watched.report.state, watched.report.why) == (
        SiteState.DISABLED,
        "disabled by configuration",
    )


@virtual_time
async def test_what_was_known_of_a_site_elsewhere_says_nothing():
    watched = Watched()
    watched.probe(GOOD)
    watched.health.configure([replace(SITE, description="the same")])
    assert watched.report.state is SiteState.UP
    watched.health.configure([replace(SITE, url="https://elsewhere.example")])
    assert watched.report.state is SiteState.UNKNOWN


@virtual_time
async def test_a_site_that_is_enabled_again_is_unknown():
    watched = Watched()
    watched.probe(GOOD)
    watched.health.configure([replace(SITE, enabled=False)])
    watched.health.configure([SITE])
    assert watched.report.state is SiteState.UNKNOWN


@virtual_time
async def test_a_site_that_is_gone_tells_nothing_more():
    watched = Watched()
    watched.health.configure([])
    before = list(watched.told)
    watched.probe(GOOD)
    watched.call(Outcome.OK)
    assert watched.told == before


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.CANCELLED])
def test_what_says_nothing_of_the_site_changes_nothing(outcome):
    @virtual_time
    async def run():
        watched = Watched()
        watched.call(*[outcome] * 20)
        assert watched.told == [SiteState.UNKNOWN]

    run()
