import asyncio
from dataclasses import replace

import pytest

from aggregator.domain.errors import Overloaded, UserOverLimit
from aggregator.domain.principal import Principal
from aggregator.services.limits import BudgetLimits, FanOutLimits
from tests.support.federation import InProcessFederation
from tests.support.virtual_time import virtual_time

ANA = Principal("https://issuer.example", "ana")
BOB = Principal("https://issuer.example", "bob")


def with_offers(count, **limits):
    federation = InProcessFederation(**limits)
    federation.add("a", offers=count, expires=300)
    return federation


@virtual_time
async def test_a_user_with_too_many_open_offers_waits_and_others_do_not():
    federation = with_offers(3, budget=BudgetLimits(per_user=3))
    async with federation.running():
        await federation.ask(principal=ANA)
        with pytest.raises(UserOverLimit):
            await federation.ask(principal=ANA)
        await federation.ask(principal=BOB)
        await asyncio.sleep(301)
        await federation.ask(principal=ANA)


@virtual_time
async def test_accepting_frees_the_budget():
    federation = with_offers(3, budget=BudgetLimits(per_user=3))
    async with federation.running():
        offer_set = await federation.ask(principal=ANA)
        route = federation.store.kept[offer_set.offers[0].session]
        await federation.accepting.accept(route, federation.caller(principal=ANA))
        await federation.ask(principal=ANA)


@virtual_time
async def test_all_users_together_have_a_budget():
    federation = with_offers(3, budget=BudgetLimits(in_all=3))
    async with federation.running():
        await federation.ask()
        await asyncio.sleep(2)
        with pytest.raises(Overloaded):
            await federation.ask(principal=BOB)


@virtual_time
async def test_one_user_can_not_use_all_fan_outs():
    federation = InProcessFederation(fan_out=FanOutLimits(concurrent_per_user=2))
    federation.add("slow", delay=2)
    async with federation.running():
        tokens = (ANA, replace(ANA, groups=frozenset({"/srcnet/spain"})))
        first = [asyncio.create_task(federation.ask(principal=one)) for one in tokens]
        await asyncio.sleep(0.1)
        for one in (ANA, replace(ANA, home_site="slow")):
            with pytest.raises(UserOverLimit):
                await federation.ask(principal=one)
        await federation.ask(principal=BOB)
        await asyncio.gather(*first)
        await federation.ask(principal=ANA)
