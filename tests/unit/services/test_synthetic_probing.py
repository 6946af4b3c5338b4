"""Probes from end to end: what they reserve is given back, all of it."""

import asyncio
from pathlib import Path

import pytest

from aggregator.domain.drains import Drain
from aggregator.domain.events import Operation, SiteCalled, SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Site
from aggregator.services.background import Background
from aggregator.services.limits import HealthLimits, SyntheticLimits
from aggregator.services.synthetic_probing import SyntheticProbing
from tests.support.federation import REQUEST, InProcessFederation
from tests.support.virtual_time import virtual_time


def probing(federation, background, **limits):
    return SyntheticProbing(
        request=REQUEST,
        snapshot=federation,
        calls=federation.calls,
        health=federation.health,
        releasing=federation.releasing,
        background=background,
        clock=federation.clock,
        limits=SyntheticLimits(Path("probe.yaml"), **limits),
    )


def calls(federation, site):
    return [kind for kind, _ in federation.brokers[site].calls]


@virtual_time
async def test_offers_are_asked_for_and_given_back():
    federation = InProcessFederation()
    federation.add("a", offers=3)
    async with federation.running(), Background().running() as background:
        await probing(federation, background).probe_all()
        while await federation.releasing.work_off():
            pass
        assert calls(federation, "a") == ["request", *["REJECTED"] * 3]
        reading = federation.health.report("a").synthetic
        assert (reading.outcome, reading.offers) == (Outcome.OK, 3)
        assert federation.store.sets == {}
        assert await federation.store.open_reservations(federation.clock.now()) == 0


@virtual_time
async def test_a_no_is_a_good_answer():
    federation = InProcessFederation()
    federation.add("a", outcome=Outcome.NO_OFFER)
    async with federation.running(), Background().running() as background:
        await probing(federation, background).probe_all()
        assert federation.health.state("a") is SiteState.UP
        assert calls(federation, "a") == ["request"]


@virtual_time
async def test_it_is_counted_apart_from_what_users_ask():
    federation = InProcessFederation()
    federation.add("a")
    async with federation.running(), Background().running() as background:
        await probing(federation, background).probe_all()
    operations = [event.operation for event in federation.telemetry.of(SiteCalled)]
    assert operations[0] is Operation.SYNTHETIC
    assert Operation.REQUEST not in operations


@virtual_time
async def test_only_the_sites_that_are_named_are_probed():
    federation = InProcessFederation()
    for name in ("a", "b"):
        federation.add(name)
    async with federation.running(), Background().running() as background:
        await probing(federation, background, sites=("b",)).probe_all()
    assert (calls(federation, "a"), calls(federation, "b")[:1]) == ([], ["request"])


@virtual_time
async def test_a_site_to_which_no_request_goes_is_not_probed_either():
    now = InProcessFederation().clock
    drains = {
        "drained": Drain("drained", now.start, now.start.replace(year=2090), "o", "r")
    }
    federation = InProcessFederation(drain_of=drains.get)
    federation.add("drained")
    federation.add("off", site=Site("off", "https://off.example", enabled=False))
    async with federation.running(), Background().running() as background:
        await probing(federation, background).probe_all()
    assert calls(federation, "drained") == calls(federation, "off") == []


@virtual_time
async def test_it_is_the_trial_of_a_site_that_was_ejected():
    federation = InProcessFederation(health=HealthLimits(probes=False, errors=1))
    broker = federation.add("a", outcome=Outcome.ERROR_5XX)
    async with federation.running(), Background().running() as background:
        probe = probing(federation, background)
        await probe.probe_all()
        assert federation.health.state("a") is SiteState.EJECTED
        await probe.probe_all()
        assert calls(federation, "a") == ["request"]
        await asyncio.sleep(20)
        broker.outcome = Outcome.OK
        await probe.probe_all()
        assert federation.health.state("a") is SiteState.UP


@virtual_time
async def test_it_comes_again_and_again_and_not_at_once():
    federation = InProcessFederation()
    federation.add("a", outcome=Outcome.NO_OFFER)
    async with federation.running(), Background().running() as background:
        loop = asyncio.create_task(probing(federation, background, interval=100).run())
        await asyncio.sleep(79)
        assert calls(federation, "a") == []
        await asyncio.sleep(1000)
        assert 8 <= len(calls(federation, "a")) <= 13
        loop.cancel()


@virtual_time
async def test_a_stop_in_the_middle_gives_back_what_was_reserved():
    federation = InProcessFederation()
    federation.add("a", delay=2)
    async with federation.running():
        async with Background().running() as background:
            loop = asyncio.create_task(probing(federation, background).probe_all())
            await asyncio.sleep(1)
            loop.cancel()
        assert len(federation.store.queued) == 1


@pytest.mark.parametrize("limits", [{"interval": 0}, {"timeout": 0}, {"interval": -1}])
def test_times_of_nothing_are_refused(limits):
    with pytest.raises(ValueError, match="must be more than 0"):
        SyntheticLimits(Path("probe.yaml"), **limits)
