"""Sessions whose routes were lost are found again at their sites."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.domain.errors import ImpossibleUpdate, StoreUnavailable
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import ANONYMOUS, OPERATORS, Principal
from aggregator.domain.records import WinnerState
from aggregator.domain.sites import Site, SiteKind
from aggregator.domain.updates import phase_update
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.virtual_time import virtual_time

A, B = session_uuid("a"), session_uuid("b")
ANA = Principal("https://issuer.example", "ana")
ACCEPT, REJECT, CANCEL = (
    phase_update(SessionPhase(name)) for name in ("ACCEPTED", "REJECTED", "CANCELLED")
)


@asynccontextmanager
async def after_a_loss(**behaviour):
    """Sites a and b each have a session that nobody here knows."""
    federation = InProcessFederation()
    for name in ("a", "b"):
        federation.add(name, **behaviour)
    federation.brokers["a"].phases[A] = SessionPhase.RUNNING
    federation.brokers["b"].phases[B] = SessionPhase.OFFERED
    async with federation.running():
        yield federation


async def recover(federation, *sessions, owner=ANONYMOUS):
    return await federation.recovering.recover_all(sessions, owner)


@virtual_time
async def test_each_session_is_found_at_its_site():
    async with after_a_loss() as federation:
        a, nobody, b = await recover(federation, A, session_uuid("nobody"), B)
        assert (a.route.site, b.route.site) == ("a", "b")
        assert nobody.route is None
        assert [r.outcome for r in nobody.readings] == [Outcome.NOT_FOUND] * 2
        view = await federation.sessions.get(A, federation.caller())
        assert view.phase is SessionPhase.RUNNING
        assert view.dialect == "2026-07"


@virtual_time
async def test_what_runs_is_its_sets_winner_and_is_watched():
    async with after_a_loss() as federation:
        [found] = await recover(federation, A)
        assert federation.store.winner[found.route.offer_set].state is (
            WinnerState.ACCEPTED
        )
        federation.brokers["a"].phases[A] = SessionPhase.COMPLETED
        assert await federation.watching.look()
        assert federation.store.watched == {}
        seen = [row.phase for row in federation.store.history_rows]
        assert seen == ["COMPLETED"]


@virtual_time
async def test_what_runs_can_be_cancelled():
    async with after_a_loss() as federation:
        await recover(federation, A)
        view = await federation.updating.update(A, CANCEL, federation.caller())
        assert view.phase is SessionPhase.CANCELLED


@virtual_time
async def test_an_offer_can_be_rejected_but_not_accepted():
    """Another of its set may have been accepted: nobody knows any more."""
    async with after_a_loss() as federation:
        await recover(federation, B)
        strict = federation.caller(strict=True)
        with pytest.raises(ImpossibleUpdate) as caught:
            await federation.updating.update(B, ACCEPT, strict)
        assert caught.value.kind == "accept-lost"
        assert federation.brokers["b"].phases[B] is SessionPhase.OFFERED
        view = await federation.updating.update(B, REJECT, strict)
        assert view.phase is SessionPhase.REJECTED


@virtual_time
async def test_an_acceptance_that_was_under_way_is_adopted():
    async with after_a_loss() as federation:
        [found] = await recover(federation, B)
        federation.brokers["b"].phases[B] = SessionPhase.ACCEPTED
        assert await federation.watching.look()
        winner = federation.store.winner[found.route.offer_set]
        assert winner.state is WinnerState.ACCEPTED


@virtual_time
async def test_whose_they_are_is_said_or_they_are_the_operators():
    async with after_a_loss() as federation:
        await recover(federation, A, owner=OPERATORS)
        operator = Principal(ANA.issuer, "olga", is_operator=True)
        for principal, sees in ((ANA, False), (ANONYMOUS, False), (operator, True)):
            caller = federation.caller(principal=principal)
            route = federation.store.kept[A]
            assert principal.owns(route.issuer, route.subject) is sees
            if sees:
                await federation.sessions.get(A, caller)
        await recover(federation, A, owner=ANA)
        await asyncio.sleep(3)
        await federation.sessions.get(A, federation.caller(principal=ANA))
        await recover(federation, A, owner=OPERATORS)
        assert federation.store.kept[A].subject == "ana"


@virtual_time
async def test_what_is_known_stays_as_it_is():
    async with after_a_loss() as federation:
        [offer, _] = (await federation.ask(principal=ANA)).offers
        before = federation.store.kept[offer.session]
        [found] = await recover(federation, offer.session, owner=ANONYMOUS)
        assert found.route == before == federation.store.kept[offer.session]


@virtual_time
async def test_a_session_that_two_sites_have_is_not_guessed():
    async with after_a_loss() as federation:
        federation.brokers["b"].phases[A] = SessionPhase.RUNNING
        [found] = await recover(federation, A)
        assert found.route is None
        assert federation.store.kept == {}


@virtual_time
async def test_a_meta_broker_that_passes_a_session_on_is_not_its_site():
    federation = InProcessFederation()
    federation.add(
        "far", site=Site("far", "https://far.example", kind=SiteKind.METABROKER)
    )
    federation.add("a")
    for broker in federation.brokers.values():
        broker.phases[A] = SessionPhase.RUNNING
    federation.brokers["far"].phases[B] = SessionPhase.RUNNING
    async with federation.running():
        a, b = await recover(federation, A, B)
        assert (a.route.site, b.route.site) == ("a", "far")


@virtual_time
async def test_a_site_that_does_not_answer_holds_up_nobody_for_long():
    async with after_a_loss() as federation:
        federation.brokers["b"].call_delay = 1000
        many = [A, *(session_uuid(f"x{number}") for number in range(40))]
        began = asyncio.get_running_loop().time()
        found = await recover(federation, *many)
        assert asyncio.get_running_loop().time() - began <= 6 * 5
        assert [one.session for one in found if one.route] == [A]
        assert found[-1].readings[1].outcome is Outcome.TIMEOUT


@virtual_time
async def test_few_are_looked_for_at_once():
    async with after_a_loss(call_delay=1.0) as federation:
        many = [session_uuid(f"x{number}") for number in range(20)]
        looking = asyncio.create_task(recover(federation, *many))
        await asyncio.sleep(0.5)
        assert federation.calls.open_calls("a") == 8
        assert len(await looking) == 20


@virtual_time
async def test_a_store_that_can_not_keep_what_is_found_is_told():
    async with after_a_loss() as federation:
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await recover(federation, A, B)
