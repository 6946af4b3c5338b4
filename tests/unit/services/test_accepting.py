"""At most one winner; what is ambiguous is settled by the site's word alone."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.domain.errors import (
    AcceptPending,
    ImpossibleUpdate,
    StoreUnavailable,
    UnknownResource,
)
from aggregator.domain.events import AcceptFinished, AcceptOutcome
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import Principal
from aggregator.domain.records import WinnerState
from aggregator.domain.updates import phase_update
from aggregator.services.limits import AcceptanceLimits
from tests.support.federation import InProcessFederation
from tests.support.virtual_time import virtual_time

ACCEPT = phase_update(SessionPhase.ACCEPTED)
REJECT = phase_update(SessionPhase.REJECTED)
CANCEL = phase_update(SessionPhase.CANCELLED)


@asynccontextmanager
async def offered(*sites, limits=None, **behaviour):
    """A federation that made an offer at each of ``sites``, by site."""
    federation = InProcessFederation(**(limits or {}))
    for name in sites or ("a", "b"):
        federation.add(name, **behaviour)
    async with federation.running():
        offer_set = await federation.ask()
        yield federation, {o.site: o.session for o in offer_set.offers}, offer_set.uuid


def accepted_sessions(federation):
    return [
        session
        for broker in federation.brokers.values()
        for session, phase in broker.phases.items()
        if phase is SessionPhase.ACCEPTED
    ]


async def update(federation, session, what=ACCEPT, **caller):
    caller = {"strict": True, **caller}
    return await federation.updating.update(session, what, federation.caller(**caller))


def outcomes(federation):
    return [event.outcome for event in federation.telemetry.of(AcceptFinished)]


@virtual_time
async def test_an_accepted_offer_wins_and_its_siblings_are_released():
    async with offered() as (federation, offers, uuid):
        view = await update(federation, offers["a"])
        assert view.phase is SessionPhase.ACCEPTED
        await federation.releasing.work_off()
        assert federation.brokers["b"].phases[offers["b"]] is SessionPhase.REJECTED
        lost = await federation.sessions.get(offers["b"], federation.caller())
        assert lost.phase is SessionPhase.REJECTED
        assert federation.store.winner[uuid].state is WinnerState.ACCEPTED
        assert outcomes(federation) == [AcceptOutcome.ACCEPTED]


@virtual_time
async def test_accepting_again_answers_the_same_without_asking_the_site():
    async with offered() as (federation, offers, _):
        first = await update(federation, offers["a"])
        calls = list(federation.brokers["a"].calls)
        again = await update(federation, offers["a"])
        assert again.phase is first.phase
        assert federation.brokers["a"].calls == calls


@virtual_time
async def test_a_sibling_can_not_be_accepted_and_says_why():
    async with offered() as (federation, offers, _):
        await update(federation, offers["a"])
        with pytest.raises(ImpossibleUpdate) as caught:
            await update(federation, offers["b"])
        assert caught.value.kind == "sibling-accepted"
        lenient = await update(federation, offers["b"], strict=False)
        assert lenient.phase is SessionPhase.REJECTED
        assert "urn:metabroker:sibling-accepted" in {m.kind for m in lenient.messages}
        assert accepted_sessions(federation) == [offers["a"]]


@virtual_time
async def test_concurrent_accepts_of_siblings_have_one_winner():
    async with offered("a", "b", "c", call_delay=0.5) as (federation, offers, _):
        results = await asyncio.gather(
            *(update(federation, session) for session in offers.values()),
            return_exceptions=True,
        )
        assert sum(isinstance(r, ImpossibleUpdate) for r in results) == 2
        assert len(accepted_sessions(federation)) == 1


@virtual_time
async def test_concurrent_accepts_of_one_offer_ask_its_site_once():
    async with offered(call_delay=0.5) as (federation, offers, _):
        views = await asyncio.gather(*(update(federation, offers["a"]),) * 1)
        views += await asyncio.gather(
            *(update(federation, offers["a"]) for _ in range(5))
        )
        assert {view.phase for view in views} == {SessionPhase.ACCEPTED}
        asked = [call for call in federation.brokers["a"].calls if "ACCEPTED" in call]
        assert len(asked) == 1


@virtual_time
async def test_an_expired_offer_can_not_be_accepted_though_its_site_would():
    async with offered(expires=30) as (federation, offers, _):
        await asyncio.sleep(31)
        with pytest.raises(ImpossibleUpdate) as caught:
            await update(federation, offers["a"])
        assert caught.value.kind == "offer-expired"
        view = await federation.sessions.get(offers["a"], federation.caller())
        assert view.phase is SessionPhase.EXPIRED
        assert accepted_sessions(federation) == []


@virtual_time
async def test_a_site_that_refuses_leaves_the_set_open_for_its_siblings():
    async with offered() as (federation, offers, uuid):
        federation.brokers["a"].phases[offers["a"]] = SessionPhase.EXPIRED
        with pytest.raises(ImpossibleUpdate) as caught:
            await update(federation, offers["a"])
        assert caught.value.kind == "offer-refused"
        assert uuid not in federation.store.winner
        assert (await update(federation, offers["b"])).phase is SessionPhase.ACCEPTED


@virtual_time
async def test_a_200_that_changes_nothing_twice_is_a_refusal():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.extend([(None, False), (None, False)])
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["a"])
        verbs = [verb for verb, _ in federation.brokers["a"].calls[1:]]
        assert verbs == ["ACCEPTED", "read", "ACCEPTED"]


@virtual_time
async def test_a_commit_whose_answer_was_lost_is_found_by_reading():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.append((Outcome.TIMEOUT, True))
        assert (await update(federation, offers["a"])).phase is SessionPhase.ACCEPTED
        verbs = [verb for verb, _ in federation.brokers["a"].calls[1:]]
        assert verbs == ["ACCEPTED", "read"]
        assert outcomes(federation) == [
            AcceptOutcome.AMBIGUOUS,
            AcceptOutcome.RECONCILED_ACCEPTED,
        ]


@virtual_time
async def test_a_request_that_was_lost_is_sent_once_more():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.append((Outcome.CONNECT_ERROR, False))
        assert (await update(federation, offers["a"])).phase is SessionPhase.ACCEPTED
        verbs = [verb for verb, _ in federation.brokers["a"].calls[1:]]
        assert verbs == ["ACCEPTED", "read", "ACCEPTED"]


@virtual_time
async def test_while_nobody_knows_the_caller_is_told_and_no_other_site_is_touched():
    async with offered() as (federation, offers, _):
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, True))
        site.read_faults.extend([Outcome.TIMEOUT] * 8)
        began = asyncio.get_running_loop().time()
        with pytest.raises(AcceptPending) as caught:
            await update(federation, offers["a"])
        assert asyncio.get_running_loop().time() - began == pytest.approx(10)
        assert caught.value.retry_after
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["b"])
        assert len(federation.brokers["b"].calls) == 1
        await asyncio.sleep(120)
        assert (await update(federation, offers["a"])).phase is SessionPhase.ACCEPTED


@virtual_time
async def test_a_caller_that_would_wait_for_ever_is_told_after_a_minute():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.append((Outcome.TIMEOUT, True))
        federation.brokers["a"].read_faults.extend([Outcome.TIMEOUT] * 99)
        began = asyncio.get_running_loop().time()
        with pytest.raises(AcceptPending):
            await update(federation, offers["a"], wait=1e9)
        assert asyncio.get_running_loop().time() - began == pytest.approx(60)


@virtual_time
async def test_an_acceptance_that_stays_unknown_is_lost_and_adopted_when_it_shows():
    async with offered(expires=60) as (federation, offers, uuid):
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, True))
        site.read_faults.extend([Outcome.CONNECT_ERROR] * 60)
        with pytest.raises(AcceptPending):
            await update(federation, offers["a"])
        await asyncio.sleep(200)
        assert federation.store.winner[uuid].state is WinnerState.LOST
        with pytest.raises(ImpossibleUpdate) as caught:
            await update(federation, offers["a"])
        assert caught.value.kind == "accept-lost"
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["b"])
        site.read_faults.clear()
        assert (await update(federation, offers["a"])).phase is SessionPhase.ACCEPTED
        assert federation.store.winner[uuid].state is WinnerState.ACCEPTED
        assert outcomes(federation)[-1] is AcceptOutcome.ADOPTED


@virtual_time
async def test_an_acceptance_is_taken_over_from_a_replica_that_went_away():
    async with offered() as (federation, offers, uuid):
        route = federation.store.kept[offers["a"]]
        federation.brokers["a"].phases[offers["a"]] = SessionPhase.ACCEPTED
        claim = federation.accepting._claim(route)
        await federation.store.claim(claim, "gone", federation.clock.now())
        await federation.accepting.take_over()
        await asyncio.sleep(1)
        assert federation.store.winner[uuid].state is WinnerState.ACCEPTED
        verbs = [verb for verb, _ in federation.brokers["a"].calls[1:]]
        assert verbs == ["read"]


@virtual_time
async def test_what_a_site_took_after_a_sibling_had_won_is_cancelled():
    """Another replica was told no, withdrew, and the user took the sibling there."""
    async with offered(call_delay=1.0) as (federation, offers, uuid):
        site = federation.brokers["a"]
        accepting = asyncio.create_task(update(federation, offers["a"]))
        await asyncio.sleep(0.5)
        store = federation.store
        await store.withdraw(store.winner[uuid])
        sibling = federation.accepting._claim(store.kept[offers["b"]])
        await store.claim(sibling, "other", federation.clock.now())
        await store.settle(sibling, WinnerState.ACCEPTED, [])
        site.faults.extend([(None, True), (Outcome.TIMEOUT, False)])
        with pytest.raises(ImpossibleUpdate, match="another offer"):
            await accepting
        assert site.phases[offers["a"]] is SessionPhase.CANCELLED
        assert store.winner[uuid].session == offers["b"]
        assert outcomes(federation)[-1] is AcceptOutcome.CONFLICT


@virtual_time
async def test_without_a_durable_row_the_site_is_not_asked():
    async with offered() as (federation, offers, _):
        federation.store.broken = True
        with pytest.raises(StoreUnavailable):
            await update(federation, offers["a"])
        assert len(federation.brokers["a"].calls) == 1


@virtual_time
async def test_a_store_that_breaks_after_the_site_took_it_loses_nothing():
    async with offered(call_delay=1.0) as (federation, offers, uuid):
        accepting = asyncio.create_task(update(federation, offers["a"]))
        await asyncio.sleep(0.5)
        federation.store.broken = True
        await asyncio.sleep(3)
        federation.store.broken = False
        assert (await accepting).phase is SessionPhase.ACCEPTED
        assert federation.store.winner[uuid].state is WinnerState.ACCEPTED


@virtual_time
async def test_a_rejected_offer_is_rejected_here_though_its_site_forgets():
    async with offered() as (federation, offers, _):
        assert (await update(federation, offers["a"], REJECT)).phase == "REJECTED"
        federation.brokers["a"].phases[offers["a"]] = SessionPhase.OFFERED
        view = await federation.sessions.get(offers["a"], federation.caller())
        assert view.phase is SessionPhase.REJECTED
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["a"])
        assert (await update(federation, offers["b"])).phase is SessionPhase.ACCEPTED


@virtual_time
async def test_a_rejection_that_its_site_did_not_hear_is_told_again():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.append((Outcome.CONNECT_ERROR, False))
        view = await update(federation, offers["a"], REJECT)
        assert view.phase is SessionPhase.REJECTED
        assert "urn:metabroker:release-queued" in {m.kind for m in view.messages}
        await federation.releasing.work_off()
        assert federation.brokers["a"].phases[offers["a"]] is SessionPhase.REJECTED


@virtual_time
async def test_an_accepted_session_can_be_cancelled_but_not_rejected():
    async with offered() as (federation, offers, _):
        await update(federation, offers["a"])
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["a"], REJECT)
        assert (await update(federation, offers["a"], CANCEL)).phase == "CANCELLED"
        federation.brokers["a"].phases[offers["a"]] = SessionPhase.RUNNING
        view = await federation.sessions.get(offers["a"], federation.caller())
        assert view.phase is SessionPhase.CANCELLED


@virtual_time
async def test_other_users_find_nothing():
    async with offered() as (federation, offers, uuid):
        other = Principal("https://issuer.example", "somebody")
        caller = federation.caller(principal=other)
        with pytest.raises(UnknownResource):
            await federation.updating.update(offers["a"], ACCEPT, caller)
        with pytest.raises(UnknownResource):
            await federation.sessions.get(offers["a"], caller)
        with pytest.raises(UnknownResource):
            await federation.shown.view(uuid, other)


@virtual_time
async def test_an_acceptance_that_ended_does_not_answer_for_the_next():
    """The store has taken the winner out, and the first attempt doesn't know it yet."""
    async with offered() as (federation, offers, uuid):
        store = federation.store
        withdraw = store.withdraw

        async def withdraw_slowly(winner, releases):
            await withdraw(winner, releases)
            await asyncio.sleep(1)

        store.withdraw = withdraw_slowly
        federation.brokers["a"].phases[offers["a"]] = SessionPhase.EXPIRED
        refused = asyncio.create_task(update(federation, offers["a"]))
        await asyncio.sleep(0.5)
        assert (await update(federation, offers["b"])).phase is SessionPhase.ACCEPTED
        assert store.winner[uuid].session == offers["b"]
        with pytest.raises(ImpossibleUpdate):
            await refused


@virtual_time
async def test_a_winner_is_withdrawn_with_the_release_of_its_offer_or_not_at_all():
    """A crash between the two would leave the offer at its site for good."""
    async with offered() as (federation, offers, uuid):
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, False))
        site.faults.extend([(None, False), (None, False)])
        store = federation.store
        queue_alone_is_broken(store)
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["a"])
        assert uuid not in store.winner
        assert store.queued["a", offers["a"]].until_expiry


@virtual_time
async def test_what_is_being_released_can_not_be_accepted_again():
    """Its site, told to reject, might end what its user had accepted meanwhile."""
    async with offered() as (federation, offers, _):
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, False))
        site.faults.extend([(None, False), (None, False)])
        with pytest.raises(ImpossibleUpdate):
            await update(federation, offers["a"])
        with pytest.raises(ImpossibleUpdate) as caught:
            await update(federation, offers["a"])
        assert caught.value.kind == "not-offered"
        view = await federation.sessions.get(offers["a"], federation.caller())
        assert view.phase is SessionPhase.REJECTED
        await federation.releasing.work_off()
        assert site.phases[offers["a"]] is SessionPhase.REJECTED
        assert (await update(federation, offers["b"])).phase is SessionPhase.ACCEPTED


@virtual_time
async def test_a_site_that_took_the_lost_call_may_refuse_the_next():
    """It says 409, for the session is accepted already: by the call that was lost."""
    async with offered() as (federation, offers, uuid):
        site = federation.brokers["a"]

        async def refuse(session, what, context, ask=site.update_session):
            if what.phase is SessionPhase.ACCEPTED and len(site.calls) > 2:
                site.phases[session] = SessionPhase.ACCEPTED
                site.calls.append(("ACCEPTED", session))
                return SessionReading("a", Outcome.REFUSED_4XX)
            return await ask(session, what, context)

        site.update_session = refuse
        site.faults.append((Outcome.TIMEOUT, False))
        assert (await update(federation, offers["a"])).phase is SessionPhase.ACCEPTED
        verbs = [verb for verb, _ in site.calls[1:]]
        assert verbs == ["ACCEPTED", "read", "ACCEPTED", "read"]
        assert federation.store.winner[uuid].state is WinnerState.ACCEPTED
        assert not {key for key in federation.store.queued if key[0] == "a"}


@virtual_time
async def test_a_replica_that_was_overtaken_does_not_ask_again():
    """It stood still while another was told no, and the user accepted the sibling."""
    async with offered() as (federation, offers, uuid):
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, False))
        site.read_faults.extend([Outcome.TIMEOUT] * 5)
        accepting = asyncio.create_task(update(federation, offers["a"]))
        await asyncio.sleep(0.5)
        store = federation.store
        await store.withdraw(store.winner[uuid])
        sibling = federation.accepting._claim(store.kept[offers["b"]])
        await store.claim(sibling, "other", federation.clock.now())
        await store.settle(sibling, WinnerState.ACCEPTED, [])
        with pytest.raises(ImpossibleUpdate):
            await accepting
        assert [verb for verb, _ in site.calls if verb == "ACCEPTED"] == ["ACCEPTED"]
        assert store.winner[uuid].session == offers["b"]
        assert store.queued["a", offers["a"]].until_expiry


@virtual_time
async def test_a_rejection_is_kept_with_its_release_or_not_at_all():
    async with offered() as (federation, offers, _):
        federation.brokers["a"].faults.append((Outcome.CONNECT_ERROR, False))
        queue_alone_is_broken(federation.store)
        view = await update(federation, offers["a"], REJECT)
        assert view.phase is SessionPhase.REJECTED
        await federation.releasing.work_off()
        assert federation.brokers["a"].phases[offers["a"]] is SessionPhase.REJECTED


def queue_alone_is_broken(store):
    async def queue(releases, due):
        raise StoreUnavailable("the store broke in between")

    store.queue = queue


@virtual_time
async def test_a_rejection_is_marked_once_an_acceptance_in_its_way_was_refused():
    async with offered() as (federation, offers, _):
        store = federation.store
        mark, refusals = store.mark, iter([False])

        async def mark_later(session, phase, releases):
            return next(refusals, True) and await mark(session, phase, releases)

        store.mark = mark_later
        assert (await update(federation, offers["a"], REJECT)).phase == "REJECTED"
        assert store.kept[offers["a"]].overlay is SessionPhase.REJECTED


@virtual_time
async def test_a_cancelled_offer_can_not_be_rejected():
    async with offered() as (federation, offers, _):
        site = federation.brokers["a"]
        site.call_delay = 0.5
        rejecting = asyncio.create_task(update(federation, offers["a"], REJECT))
        await asyncio.sleep(0.1)
        await federation.store.mark(offers["a"], SessionPhase.CANCELLED)
        with pytest.raises(ImpossibleUpdate) as caught:
            await rejecting
        assert "CANCELLED" in caught.value.detail


@virtual_time
async def test_an_acceptance_that_another_replica_found_out_is_not_lost():
    patient = {"acceptance": AcceptanceLimits(longest_wait=600)}
    async with offered(expires=60, limits=patient) as (federation, offers, uuid):
        site, store = federation.brokers["a"], federation.store
        site.faults.append((Outcome.TIMEOUT, True))
        site.read_faults.extend([Outcome.CONNECT_ERROR] * 60)
        accepting = asyncio.create_task(update(federation, offers["a"], wait=500.0))
        await asyncio.sleep(5)
        await store.settle(store.winner[uuid], WinnerState.ACCEPTED, [])
        await accepting
        assert store.winner[uuid].state is WinnerState.ACCEPTED
        assert AcceptOutcome.LOST not in outcomes(federation)
