"""Deadlines are behaviour: asserted exactly, on a virtual clock."""

import asyncio

import pytest

from aggregator.domain.errors import (
    CredentialsWanted,
    NoSiteToAsk,
    Overloaded,
    SitesSilent,
    SitesUnavailable,
    StoreUnavailable,
)
from aggregator.domain.events import FanOutFinished, LateAnswered
from aggregator.domain.outcomes import Outcome
from aggregator.domain.ranking.usage import SiteUsage, Usages
from aggregator.domain.sites import Required, Site
from aggregator.services.learning import Learned, nothing_learned
from aggregator.services.limits import FanOutLimits, HealthLimits
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.ranking import plain_policy
from tests.support.virtual_time import virtual_time


def now():
    return asyncio.get_running_loop().time()


def outcomes(offer_set):
    return {answer.site: answer.outcome for answer in offer_set.answers}


@virtual_time
async def test_the_answer_comes_when_all_have_answered():
    federation = InProcessFederation()
    federation.add("a", delay=0.2)
    federation.add("b", delay=1.5)
    async with federation.running():
        began = now()
        offer_set = await federation.ask()
        assert now() - began == pytest.approx(1.5)
    assert {offer.site for offer in offer_set.offers} == {"a", "b"}
    assert federation.store.sets[offer_set.uuid] == offer_set


@virtual_time
async def test_a_grace_after_the_quorum_leaves_the_slowest_behind():
    federation = InProcessFederation()
    for name in "abcd":
        federation.add(name, delay=0.1)
    federation.add("slow", delay=5)
    async with federation.running():
        began = now()
        offer_set = await federation.ask()
        assert now() - began == pytest.approx(0.6)
        assert outcomes(offer_set)["slow"] is Outcome.PENDING


@virtual_time
async def test_a_required_site_is_waited_for_until_the_deadline():
    federation = InProcessFederation()
    for name in "abcd":
        federation.add(name, delay=0.1)
    federation.add("slow", delay=5, required=Required.ALWAYS)
    async with federation.running():
        began = now()
        offer_set = await federation.ask()
        assert now() - began == pytest.approx(5)
    assert outcomes(offer_set)["slow"] is Outcome.OK


@virtual_time
async def test_the_quorum_waits_for_the_first_offer():
    federation = InProcessFederation()
    for name in "abcd":
        federation.add(name, delay=0.1, outcome=Outcome.NO_OFFER)
    federation.add("slow", delay=5)
    async with federation.running():
        offer_set = await federation.ask()
    assert [offer.site for offer in offer_set.offers] == ["slow"]


@virtual_time
async def test_prefer_wait_turns_the_quorum_off():
    federation = InProcessFederation()
    for name in "abcd":
        federation.add(name, delay=0.1)
    federation.add("slow", delay=3)
    async with federation.running():
        began = now()
        await federation.ask(wait=4.0)
        assert now() - began == pytest.approx(3)


@virtual_time
async def test_prefer_wait_is_kept_within_its_bounds():
    federation = InProcessFederation()
    federation.add("never", delay=10_000)
    async with federation.running():
        for wait, kept in ((0.0, 1.0), (2.0, 2.0), (9999.0, 60.0)):
            began = now()
            with pytest.raises(SitesSilent):
                await federation.ask(wait=wait)
            assert now() - began == pytest.approx(kept)


@virtual_time
async def test_many_silent_sites_cost_one_deadline_not_many():
    federation = InProcessFederation()
    for number in range(20):
        federation.add(f"s{number}", delay=10_000)
    async with federation.running():
        began = now()
        with pytest.raises(SitesSilent) as caught:
            await federation.ask()
        assert now() - began == pytest.approx(8)
    assert caught.value.offer_set in federation.store.sets


@virtual_time
async def test_a_late_answer_joins_the_open_set():
    federation = InProcessFederation()
    federation.add("a", delay=0.1)
    federation.add("late", delay=20, start=1)
    async with federation.running():
        offer_set = await federation.ask(wait=2.0)
        assert offer_set.late_until is not None
        await asyncio.sleep(30)
        grown = federation.store.sets[offer_set.uuid]
    assert [offer.site for offer in grown.offers] == ["late", "a"]
    assert grown.version == offer_set.version + 1
    assert outcomes(grown)["late"] is Outcome.OK
    assert federation.telemetry.of(LateAnswered) == [LateAnswered("late", joined=True)]


@virtual_time
async def test_what_was_learned_when_it_began_counts_to_its_end():
    fair = {"name": "fair_share", "of": "site", "shares_percent": {"a": 50}}
    policy = plain_policy(weighers=[{"name": "time_to_start"}, fair])
    federation = InProcessFederation(policy=policy)
    federation.add("a", delay=1)
    federation.add("late", delay=20)
    used = Usages({"a": SiteUsage(900.0, {}, {})})
    federation.learned = Learned(usages=used)
    async with federation.running():
        offer_set = await federation.ask()
        federation.learned = nothing_learned()
        await asyncio.sleep(20)
        grown = federation.store.sets[offer_set.uuid]
        anew = await federation.ask()
    for found, seconds in ((offer_set, 450), (grown, 450), (anew, 0)):
        parts = {one["site"]: one["seconds"] for one in found.ranking["offers"]}
        assert parts["a"]["fair_share"] == seconds
    assert len(grown.offers) == 2


@virtual_time
async def test_a_late_answer_after_the_acceptance_is_released():
    federation = InProcessFederation()
    federation.add("a", delay=0.1)
    federation.add("late", delay=20)
    async with federation.running():
        offer_set = await federation.ask(wait=2.0)
        route = federation.store.kept[offer_set.offers[0].session]
        await federation.accepting.accept(route, federation.caller())
        await asyncio.sleep(30)
        await federation.releasing.work_off()
    assert federation.brokers["late"].phases[session_uuid("late")] == "REJECTED"
    assert len(federation.store.sets[offer_set.uuid].offers) == 1


@virtual_time
async def test_a_call_that_never_ends_is_given_up_after_the_late_answers():
    federation = InProcessFederation()
    federation.add("a", delay=0.1)
    federation.add("never", delay=10_000)
    async with federation.running():
        offer_set = await federation.ask(wait=2.0)
        await asyncio.sleep(61)
        assert outcomes(federation.store.sets[offer_set.uuid])["never"] is (
            Outcome.TIMEOUT
        )
        assert federation.calls.open_calls("never") == 0


@virtual_time
async def test_a_client_that_goes_away_leaves_no_reservation():
    federation = InProcessFederation()
    federation.add("quick", delay=0.1, required=Required.ALWAYS)
    federation.add("slow", delay=3)
    async with federation.running():
        asking = asyncio.create_task(federation.ask(wait=5.0))
        await asyncio.sleep(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(5)
        await federation.releasing.work_off()
    assert federation.brokers["quick"].phases[session_uuid("quick")] == "REJECTED"
    assert federation.brokers["slow"].phases[session_uuid("slow")] == "REJECTED"
    assert not federation.store.sets


@virtual_time
async def test_without_a_store_no_site_is_asked():
    federation = InProcessFederation()
    federation.add("a")
    async with federation.running():
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await federation.ask()
    assert federation.brokers["a"].calls == []


@virtual_time
async def test_a_set_that_can_not_be_kept_leaves_no_reservation():
    federation = InProcessFederation()
    federation.add("a", delay=0.1)
    async with federation.running():
        asking = asyncio.create_task(federation.ask())
        await asyncio.sleep(0.05)
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await asking
        await asyncio.sleep(1)
    assert federation.brokers["a"].phases[session_uuid("a")] == "REJECTED"


@virtual_time
async def test_a_no_names_the_sites_that_were_not_asked():
    federation = InProcessFederation()
    federation.add("no", outcome=Outcome.NO_OFFER)
    federation.add("off", site=Site("off", "https://off.example", enabled=False))
    async with federation.running():
        offer_set = await federation.ask()
    assert offer_set.offers == ()
    assert outcomes(offer_set) == {"no": Outcome.NO_OFFER, "off": Outcome.DISABLED}
    assert [m.values["site"] for m in offer_set.messages] == ["no", "off"]


@pytest.mark.parametrize(
    ("ends", "error"),
    [
        ([Outcome.NO_OFFER, Outcome.ERROR_5XX], SitesUnavailable),
        ([Outcome.NO_OFFER, Outcome.NO_TOKEN], SitesUnavailable),
        ([Outcome.UNAUTHORIZED, Outcome.NO_TOKEN], SitesUnavailable),
        ([Outcome.CONNECT_ERROR, Outcome.CONNECT_ERROR], SitesUnavailable),
        ([Outcome.UNAUTHORIZED, Outcome.FORBIDDEN], CredentialsWanted),
        ([Outcome.UNAUTHORIZED, Outcome.NO_OFFER], SitesUnavailable),
    ],
)
def test_what_is_not_a_no_is_an_error(ends, error):
    @virtual_time
    async def ask():
        federation = InProcessFederation()
        for number, outcome in enumerate(ends):
            federation.add(f"s{number}", outcome=outcome)
        async with federation.running():
            with pytest.raises(error) as caught:
                await federation.ask()
        assert [answer.outcome for answer in caught.value.answers] == ends

    ask()


@virtual_time
async def test_a_federation_without_sites_says_so():
    async with InProcessFederation().running() as federation:
        with pytest.raises(NoSiteToAsk):
            await federation.ask()


@virtual_time
async def test_more_than_the_limit_is_refused_at_once():
    federation = InProcessFederation(fan_out=FanOutLimits(concurrent=2))
    federation.add("slow", delay=3)
    async with federation.running():
        first = [asyncio.create_task(federation.ask()) for _ in range(2)]
        await asyncio.sleep(0)
        began = now()
        with pytest.raises(Overloaded):
            await federation.ask()
        assert now() == began
        await asyncio.gather(*first)


@virtual_time
async def test_a_site_whose_calls_are_all_in_use_is_not_asked():
    federation = InProcessFederation()
    federation.add("free", delay=3)
    federation.add(
        "narrow", delay=3, site=Site("narrow", "https://narrow.example", in_flight=1)
    )
    async with federation.running():
        first = asyncio.create_task(federation.ask())
        await asyncio.sleep(1)
        second = await federation.ask()
        await first
    assert outcomes(second) == {"free": Outcome.OK, "narrow": Outcome.BUSY}


@virtual_time
async def test_an_ejected_site_is_left_out_until_its_trial():
    federation = InProcessFederation(
        health=HealthLimits(probes=False, errors=2, base_ejection=30)
    )
    good = federation.add("good")
    bad = federation.add("bad", outcome=Outcome.ERROR_5XX)
    async with federation.running():
        for _ in range(2):
            await federation.ask()
        left_out = await federation.ask()
        assert outcomes(left_out)["bad"] is Outcome.BREAKER_OPEN
        await asyncio.sleep(31)
        bad.outcome = Outcome.OK
        assert outcomes(await federation.ask())["bad"] is Outcome.OK
    assert len(bad.calls) == 3
    assert len(good.calls) == 4


@virtual_time
async def test_when_every_site_is_ejected_all_are_asked():
    federation = InProcessFederation(health=HealthLimits(probes=False, errors=1))
    for name in "ab":
        federation.add(name, outcome=Outcome.ERROR_5XX)
    async with federation.running():
        for _ in range(3):
            with pytest.raises(SitesUnavailable):
                await federation.ask()
    assert len(federation.brokers["a"].calls) == 3


@virtual_time
async def test_a_fan_out_is_told_to_telemetry():
    federation = InProcessFederation()
    federation.add("a", delay=1)
    federation.add("b", delay=1, outcome=Outcome.ERROR_5XX)
    async with federation.running():
        offer_set = await federation.ask()
    (event,) = federation.telemetry.of(FanOutFinished)
    assert (event.offer_set, event.completeness) == (offer_set.uuid, "partial")
    assert (event.asked, event.answered, event.not_asked) == (2, 1, 0)


@virtual_time
async def test_two_sites_with_one_uuid_keep_their_offers_apart():
    federation = InProcessFederation()
    shared = session_uuid("shared")
    federation.add("a", uuids=(shared,))
    federation.add("b", uuids=(shared,))
    async with federation.running():
        first = await federation.ask()
        again = await federation.ask()
    assert len({o.session for o in first.offers}) == 2
    assert {o.site_session for o in first.offers} == {shared}
    # Both sites offer the reservation of the first request once more.
    assert again.offers == ()
