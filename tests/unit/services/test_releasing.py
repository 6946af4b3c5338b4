"""Sites are told of offers that won't be taken, until they heard it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.domain.errors import ImpossibleUpdate
from aggregator.domain.events import ReleaseOutcome, ReleaseTried
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release
from aggregator.domain.sites import CredentialsMode, Site
from aggregator.domain.updates import phase_update
from tests.support.federation import InProcessFederation
from tests.support.virtual_time import virtual_time

ACCEPT = phase_update(SessionPhase.ACCEPTED)


def release_of(federation, site, session):
    now = federation.clock.now()
    return Release(site, session, "a test wants it", now, None)


async def offered(federation):
    offer_set = await federation.ask()
    return {offer.site: offer.session for offer in offer_set.offers}


def federation_of(*names):
    federation = InProcessFederation()
    for name in names:
        federation.add(name)
    return federation


def tried(federation):
    return [event.outcome for event in federation.telemetry.of(ReleaseTried)]


@virtual_time
async def test_what_a_site_took_late_and_nobody_accepted_is_cancelled():
    """The acceptance was refused, and then a call that was given up got through."""
    federation = federation_of("a", "b")
    async with federation.running():
        sessions = await offered(federation)
        site = federation.brokers["a"]
        site.phases[sessions["a"]] = SessionPhase.ACCEPTED
        await federation.releasing.release([release_of(federation, "a", sessions["a"])])
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.CANCELLED
        view = await federation.sessions.get(sessions["a"], federation.caller())
        assert view.phase is SessionPhase.REJECTED
        taken = await federation.updating.update(
            sessions["b"], ACCEPT, federation.caller()
        )
        assert taken.phase is SessionPhase.ACCEPTED
        assert tried(federation)[0] is ReleaseOutcome.RELEASED


@virtual_time
async def test_a_cancellation_that_its_site_did_not_hear_is_told_again():
    federation = federation_of("a")
    async with federation.running():
        sessions = await offered(federation)
        site = federation.brokers["a"]
        site.phases[sessions["a"]] = SessionPhase.RUNNING
        site.faults.extend([(None, False), (Outcome.TIMEOUT, False)])
        release = release_of(federation, "a", sessions["a"])
        await federation.releasing.release([release])
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.RUNNING
        federation.store.due.clear()
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.CANCELLED
        assert tried(federation) == [ReleaseOutcome.RETRIED, ReleaseOutcome.RELEASED]


@virtual_time
async def test_what_its_user_accepted_stays_though_a_release_of_it_was_queued():
    federation = federation_of("a", "b")
    async with federation.running():
        sessions = await offered(federation)
        await federation.updating.update(sessions["a"], ACCEPT, federation.caller())
        await federation.releasing.release([release_of(federation, "a", sessions["a"])])
        await federation.releasing.work_off()
        assert federation.brokers["a"].phases[sessions["a"]] is SessionPhase.ACCEPTED
        assert federation.brokers["b"].phases[sessions["b"]] is SessionPhase.REJECTED
        assert ("REJECTED", sessions["a"]) not in federation.brokers["a"].calls
        assert await federation.store.waiting() == 0


@virtual_time
async def test_what_is_about_to_be_released_can_not_be_accepted():
    """Its client went away: whoever finds it all the same is told at once."""
    federation = federation_of("a")
    async with federation.running():
        sessions = await offered(federation)
        site = federation.brokers["a"]
        site.faults.append((Outcome.TIMEOUT, False))
        await federation.releasing.release([release_of(federation, "a", sessions["a"])])
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.OFFERED
        with pytest.raises(ImpossibleUpdate):
            await federation.updating.update(
                sessions["a"], ACCEPT, federation.caller(strict=True)
            )


@virtual_time
async def test_two_sites_with_one_uuid_are_each_shown_their_users_credentials():
    federation = InProcessFederation()
    for name in ("a", "b"):
        url = f"https://{name}.example"
        site = Site(name, url, credentials=CredentialsMode.RELAY)
        federation.add(name, site=site)
    async with federation.running():
        shown = {}
        for name, broker in federation.brokers.items():

            async def update(session, update, context, site=name):
                shown[site, session] = context.authorization
                return SessionReading(site, Outcome.OK, SessionPhase.REJECTED)

            broker.update_session = update
        for name in ("a", "b"):
            caller = federation.caller(authorization=f"Bearer of {name}")
            release = release_of(federation, name, "one uuid")
            await federation.releasing.release([release], caller)
        await federation.releasing.work_off()
        assert shown == {
            ("a", "one uuid"): "Bearer of a",
            ("b", "one uuid"): "Bearer of b",
        }


@virtual_time
async def test_what_may_be_taken_late_is_released_until_it_expires():
    """The site forgets the rejection, and then a call that was given up gets through."""
    federation = federation_of("a")
    async with federation.running():
        sessions = await offered(federation)
        site = federation.brokers["a"]
        expires = federation.clock.now() + timedelta(seconds=100)
        release = release_of(federation, "a", sessions["a"])
        release = replace(release, expires=expires, until_expiry=True)
        await federation.releasing.release([release])
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.REJECTED
        assert await federation.store.waiting() == 1
        site.phases[sessions["a"]] = SessionPhase.ACCEPTED
        federation.store.due.clear()
        await federation.releasing.work_off()
        assert site.phases[sessions["a"]] is SessionPhase.CANCELLED
        assert tried(federation) == [ReleaseOutcome.RETRIED, ReleaseOutcome.RELEASED]
        assert await federation.store.waiting() == 0


@virtual_time
async def test_what_may_be_taken_late_is_let_go_when_it_has_expired():
    federation = federation_of("a")
    async with federation.running():
        sessions = await offered(federation)
        expires = federation.clock.now() + timedelta(seconds=100)
        release = release_of(federation, "a", sessions["a"])
        release = replace(release, expires=expires, until_expiry=True)
        await federation.releasing.release([release])
        await federation.releasing.work_off()
        await asyncio.sleep(101)
        await federation.releasing.work_off()
        assert tried(federation)[-1] is ReleaseOutcome.RELEASED
        assert await federation.store.waiting() == 0


@pytest.mark.parametrize(
    "fault", [Outcome.CONNECT_ERROR, Outcome.BUSY, Outcome.TIMEOUT]
)
def test_a_release_that_its_site_did_not_hear_is_tried_again(fault):
    @virtual_time
    async def release():
        federation = federation_of("a")
        async with federation.running():
            sessions = await offered(federation)
            federation.brokers["a"].faults.append((fault, False))
            release = release_of(federation, "a", sessions["a"])
            await federation.releasing.release([release])
            await federation.releasing.work_off()
            assert tried(federation) == [ReleaseOutcome.RETRIED]
            federation.store.due.clear()
            await federation.releasing.work_off()
            phase = federation.brokers["a"].phases[sessions["a"]]
            assert phase is SessionPhase.REJECTED

    release()


@virtual_time
async def test_reservations_that_were_never_shown_are_left_to_whoever_took_them():
    federation = federation_of("a")
    async with federation.running():
        site = federation.brokers["a"]
        site.phases["unknown"] = SessionPhase.ACCEPTED
        await federation.releasing.release([release_of(federation, "a", "unknown")])
        await federation.releasing.work_off()
        assert site.phases["unknown"] is SessionPhase.ACCEPTED
        assert tried(federation) == [ReleaseOutcome.RELEASED]
