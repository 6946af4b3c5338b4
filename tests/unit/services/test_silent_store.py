"""While the store is silent, callers are answered in time, from what is known."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.domain.errors import AcceptPending, StoreUnavailable, UnknownResource
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import ANONYMOUS, Principal
from aggregator.domain.schedules import format_instant
from aggregator.domain.updates import phase_update
from aggregator.services.limits import StatusLimits
from tests.support.federation import REQUEST, InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.memory_store import MemoryStore
from tests.support.virtual_time import virtual_time

ACCEPT = phase_update(SessionPhase.ACCEPTED)
LATEST = 0.5
SESSION = session_uuid("a")


class SilentStore(MemoryStore):
    """A store of which some methods never return, as when its packets are dropped."""

    def silence(self, *names):
        for name in names:
            setattr(self, name, self._never)

    def heal(self):
        for name in [name for name, it in vars(self).items() if it == self._never]:
            delattr(self, name)

    async def _never(self, *_):
        await asyncio.Event().wait()


@asynccontextmanager
async def running(limits=None, **behaviour):
    federation = InProcessFederation(
        store=SilentStore(), open_to_all=False, **limits or {}
    )
    federation.add("a", **behaviour)
    async with federation.running():
        yield federation


@asynccontextmanager
async def answered_within(seconds):
    began = asyncio.get_running_loop().time()
    yield
    assert asyncio.get_running_loop().time() - began <= seconds


@virtual_time
@pytest.mark.parametrize("wait", [None, 1, 20])
@pytest.mark.parametrize("method", ["add", "open_reservations"])
async def test_a_request_is_answered_by_its_deadline(wait, method):
    async with running(delay=0.9) as federation:
        federation.store.silence(method)
        async with answered_within((wait or 8) + LATEST):
            with pytest.raises(StoreUnavailable) as caught:
                await federation.repeating.request_offers(
                    REQUEST, federation.caller(wait=wait)
                )
        assert caught.value.retry_after
        federation.store.heal()
        await asyncio.sleep(2)
        await federation.releasing.work_off()
        assert SessionPhase.OFFERED not in federation.brokers["a"].phases.values()


@virtual_time
@pytest.mark.parametrize("wait", [None, 1])
@pytest.mark.parametrize("method", ["claim", "of_offer_set"])
async def test_an_acceptance_is_answered_by_its_deadline(wait, method):
    async with running() as federation:
        [offer] = (await federation.ask()).offers
        federation.store.silence(method)
        async with answered_within((wait or 10) + LATEST):
            with pytest.raises(StoreUnavailable):
                await federation.updating.update(
                    offer.session, ACCEPT, federation.caller(wait=wait)
                )
        assert federation.brokers["a"].phases[SESSION] is SessionPhase.OFFERED


@virtual_time
async def test_a_reading_that_can_not_be_kept_is_given_all_the_same():
    async with running() as federation:
        await federation.ask()
        federation.store.silence("save_reading")
        federation.brokers["a"].phases[SESSION] = SessionPhase.PREPARING
        async with answered_within(2):
            view = await federation.sessions.get(SESSION, federation.caller())
        assert view.phase is SessionPhase.PREPARING


@virtual_time
async def test_a_session_that_was_seen_here_goes_on_being_read():
    async with running() as federation:
        await federation.ask()
        await federation.sessions.get(SESSION, federation.caller())
        federation.store.silence("route_of", "save_reading")
        for phase in (SessionPhase.PREPARING, SessionPhase.RUNNING):
            federation.brokers["a"].phases[SESSION] = phase
            await asyncio.sleep(3)
            async with answered_within(2.5):
                view = await federation.sessions.get(SESSION, federation.caller())
            assert view.phase is phase
        federation.store.heal()
        await asyncio.sleep(3)
        await federation.sessions.get(SESSION, federation.caller())
        assert federation.store.kept[SESSION].last_payload["phase"] == "RUNNING"


@virtual_time
async def test_nobody_else_sees_what_is_known_here():
    async with running() as federation:
        owner = Principal("https://issuer.example", "ana")
        await federation.ask(principal=owner)
        await federation.sessions.get(SESSION, federation.caller(principal=owner))
        await asyncio.sleep(3)
        federation.store.silence("route_of")
        with pytest.raises(UnknownResource):
            await federation.sessions.get(SESSION, federation.caller())


@virtual_time
async def test_a_session_that_was_never_seen_here_is_not_said_to_be_unknown():
    async with running() as federation:
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await federation.sessions.get(SESSION, federation.caller())


@virtual_time
async def test_what_is_known_here_is_not_enough_to_accept():
    async with running() as federation:
        await federation.ask()
        await federation.sessions.get(SESSION, federation.caller())
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await federation.updating.update(SESSION, ACCEPT, federation.caller())
        assert federation.brokers["a"].phases[SESSION] is SessionPhase.OFFERED


@virtual_time
async def test_an_acceptance_that_was_kept_is_told_though_the_store_went_away():
    async with running(call_delay=1.0) as federation:
        await federation.ask()
        accepting = asyncio.create_task(
            federation.updating.update(SESSION, ACCEPT, federation.caller())
        )
        await asyncio.sleep(0.5)
        federation.store.silence("route_of")
        assert (await accepting).phase is SessionPhase.ACCEPTED


@virtual_time
@pytest.mark.parametrize("failover", [False, True])
async def test_an_acceptance_that_was_begun_is_pending_though_time_went_by_at_once(
    failover,
):
    """A busy machine holds the process up from before the deadline till past it."""
    async with running() as federation:
        [offer] = (await federation.ask()).offers
        federation.brokers["a"].call_delay = 5
        caller = federation.caller(wait=1)
        loop = asyncio.get_running_loop()

        def hold_up():
            loop.virtual += 2

        loop.call_at(caller.received + 0.99, hold_up)
        accepting = (
            federation.failover.accept(offer.session, caller)
            if failover
            else federation.updating.update(offer.session, ACCEPT, caller)
        )
        with pytest.raises(AcceptPending) as caught:
            await accepting
        assert caught.value.session == offer.session


@virtual_time
@pytest.mark.parametrize("read_before", [False, True])
async def test_an_offer_set_that_was_made_here_goes_on_being_shown(read_before):
    async with running() as federation:
        uuid = (await shown(federation)).uuid
        if read_before:
            await federation.updating.update(SESSION, ACCEPT, federation.caller())
            await federation.shown.view(uuid, ANONYMOUS)
        read = federation.clock.now()
        federation.store.silence("of_set")
        await asyncio.sleep(100)
        views = []
        for _ in range(2):
            async with answered_within(2):
                views.append(await federation.shown.view(uuid, ANONYMOUS))
        [notice] = [m for m in views[0].messages if m.kind.endswith("offer-set-stale")]
        assert format_instant(read) in notice.text
        assert "did not answer in time" in notice.text
        phase = SessionPhase.ACCEPTED if read_before else SessionPhase.OFFERED
        assert [offer.payload["phase"] for offer in views[0].offers] == [phase]
        assert views[0] == views[1]
        federation.store.heal()
        again = await federation.shown.view(uuid, ANONYMOUS)
        assert not [m for m in again.messages if m.kind.endswith("offer-set-stale")]


@virtual_time
async def test_an_offer_set_that_is_known_here_is_nobody_elses():
    async with running() as federation:
        uuid = (await shown(federation)).uuid
        federation.store.broken = True
        with pytest.raises(UnknownResource):
            await federation.shown.view(
                uuid, Principal("https://issuer.example", "eve")
            )
        with pytest.raises(StoreUnavailable):
            await federation.shown.view("another", ANONYMOUS)


@virtual_time
async def test_only_so_many_offers_are_kept_for_while_the_store_is_away():
    async with running(limits={"status": StatusLimits(cached_offers=4)}) as federation:
        uuids = [(await shown(federation)).uuid for _ in range(3)]
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await federation.shown.view(uuids[0], ANONYMOUS)
        for uuid in uuids[1:]:
            assert (await federation.shown.view(uuid, ANONYMOUS)).uuid == uuid


async def shown(federation):
    return federation.shown.made(await federation.ask())
