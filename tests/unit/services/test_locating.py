"""A session that nobody knows here is looked for at the sites, within bounds."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import OPERATORS, Principal
from aggregator.domain.sites import CredentialsMode, Site
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.virtual_time import virtual_time

A = session_uuid("a")
NOBODYS = [session_uuid(f"nobody/{number}") for number in range(100)]
ANA = Principal("https://issuer.example", "ana")
BOB = Principal("https://issuer.example", "bob")


@asynccontextmanager
async def running(**behaviour):
    federation = InProcessFederation()
    federation.add("a", **behaviour)
    federation.brokers["a"].phases[A] = SessionPhase.RUNNING
    async with federation.running():
        yield federation, federation.brokers["a"].calls


@asynccontextmanager
async def authenticated(**behaviour):
    """Users are known, and site a is shown their tokens, but b is not."""
    federation = InProcessFederation(open_to_all=False)
    for name, mode in (("a", CredentialsMode.RELAY), ("b", CredentialsMode.NONE)):
        site = Site(name, f"https://{name}.example", credentials=mode)
        federation.add(name, site=site, **behaviour)
    federation.brokers["a"].phases[A] = SessionPhase.RUNNING
    async with federation.running():
        yield federation


async def get(federation, session=A, **caller):
    return await federation.sessions.get(session, federation.caller(**caller))


async def is_unknown(federation, session, **caller):
    try:
        await get(federation, session, **caller)
    except UnknownResource:
        return True
    return False


@virtual_time
async def test_what_a_site_has_is_served_from_then_on():
    async with running() as (federation, calls):
        assert (await get(federation)).phase is SessionPhase.RUNNING
        assert A in federation.store.kept
        del calls[:]
        await asyncio.sleep(10)
        await get(federation)
        assert calls == [("read", A)]


@virtual_time
async def test_what_no_site_has_is_not_looked_for_again_for_a_while():
    async with running() as (federation, calls):
        for _ in range(10):
            assert await is_unknown(federation, NOBODYS[0])
        assert calls == [("read", NOBODYS[0])]
        await asyncio.sleep(61)
        federation.brokers["a"].phases[NOBODYS[0]] = SessionPhase.ACCEPTED
        assert not await is_unknown(federation, NOBODYS[0])


@pytest.mark.parametrize("outcome", [Outcome.CONNECT_ERROR, Outcome.NO_TOKEN])
def test_what_a_silent_site_may_have_is_looked_for_again(outcome):
    @virtual_time
    async def run():
        async with running() as (federation, _):
            federation.brokers["a"].read_faults.append(outcome)
            assert await is_unknown(federation, A)
            assert not await is_unknown(federation, A)

    run()


@pytest.mark.parametrize(
    ("mode", "is_asked"),
    [
        (CredentialsMode.NONE, False),
        (CredentialsMode.RELAY, True),
        (CredentialsMode.EXCHANGE, True),
        (CredentialsMode.CLIENT_CREDENTIALS, False),
    ],
)
def test_only_sites_that_are_shown_who_asks_may_give_a_session_to_a_user(
    mode, is_asked
):
    @virtual_time
    async def run():
        federation = InProcessFederation(open_to_all=False)
        site = Site("a", "https://a.example", credentials=mode)
        broker = federation.add("a", site=site)
        broker.phases[A] = SessionPhase.RUNNING
        async with federation.running():
            ana = {"principal": ANA, "authorization": "Bearer ana"}
            assert await is_unknown(federation, A, **ana) is not is_asked
            assert bool(broker.calls) is is_asked

    run()


@virtual_time
async def test_many_who_ask_for_one_session_are_one_search():
    async with running(call_delay=1.0) as (federation, calls):
        unknown = await asyncio.gather(
            *(is_unknown(federation, NOBODYS[0]) for _ in range(100))
        )
        assert all(unknown)
        assert len(calls) == 1


@virtual_time
async def test_no_more_than_a_few_searches_go_on_at_once():
    async with running(call_delay=1.0) as (federation, calls):
        assert all(
            await asyncio.gather(*(is_unknown(federation, uuid) for uuid in NOBODYS))
        )
        assert len(calls) == 4


@virtual_time
async def test_searches_are_few_in_the_long_run():
    async with running() as (federation, calls):
        for uuid in NOBODYS:
            assert await is_unknown(federation, uuid)
        assert len(calls) == 20
        await asyncio.sleep(10)
        for uuid in reversed(NOBODYS):
            assert await is_unknown(federation, uuid)
        assert len(calls) == 40


@virtual_time
async def test_a_site_that_is_ejected_is_not_asked():
    async with running() as (federation, calls):
        federation.brokers["a"].read_faults.extend([Outcome.ERROR_5XX] * 5)
        for uuid in NOBODYS[:9]:
            assert await is_unknown(federation, uuid)
        assert len(calls) == 5


@virtual_time
async def test_a_poll_that_comes_back_through_another_broker_is_not_passed_on():
    async with running() as (federation, calls):
        assert await is_unknown(federation, A, via="1.1 us, 1.1 them, 1.1 us")
        assert calls == []
        assert not await is_unknown(federation, A, via="1.1 them, 1.1 us")


@virtual_time
async def test_a_store_that_is_away_is_not_an_unknown_session():
    async with running() as (federation, calls):
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await get(federation)
        assert calls == []


@virtual_time
async def test_a_user_finds_what_a_site_shows_for_the_users_token():
    async with authenticated() as federation:
        ana = {"principal": ANA, "authorization": "Bearer ana"}
        assert (await get(federation, **ana)).phase is SessionPhase.RUNNING
        assert federation.store.kept[A].subject == "ana"
        assert federation.brokers["b"].calls == []
        bob = {"principal": BOB, "authorization": "Bearer bob"}
        calls = len(federation.brokers["a"].calls)
        assert await is_unknown(federation, A, **bob)
        assert len(federation.brokers["a"].calls) == calls


@virtual_time
@pytest.mark.parametrize("caller", [{}, {"principal": ANA}])
async def test_without_a_token_to_show_nothing_is_looked_for(caller):
    async with authenticated() as federation:
        assert await is_unknown(federation, A, **caller)
        assert federation.brokers["a"].calls == []


@virtual_time
async def test_what_is_the_operators_goes_to_the_user_to_whom_its_site_shows_it():
    async with authenticated() as federation:
        await federation.recovering.recover_all([A], OPERATORS)
        assert await is_unknown(federation, A, principal=ANA)
        await get(federation, principal=ANA, authorization="Bearer ana")
        assert await is_unknown(federation, A, principal=BOB, authorization="Bearer b")
