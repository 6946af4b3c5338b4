"""Three processes on one PostgreSQL are one service, also while some are killed."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiohttp
import pytest

from site_adapters.simulated import faults
from tests.support.conversation import accept, ask, eventually, read, see
from tests.support.winning import asked_for, assert_decided, owner_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 5


async def test_the_replicas_made_the_tables_once(calm, operator):
    revisions = await operator.fetch("SELECT version_num FROM alembic_version")
    assert len(revisions) == 1
    assert all([(await read(one, "/readyz")).status == 200 for one in calm.everywhere])
    assert "Traceback" not in calm.logs()
    assert '"level":"error"' not in calm.logs()


async def test_each_request_may_be_answered_by_another_replica(calm):
    offer_set = await ask(calm)
    assert offer_set.status == 303
    assert len(offer_set.sessions) == 4
    shown = [await read(one, f"/offersets/{offer_set.uuid}") for one in calm.everywhere]
    assert {tuple(one.sessions) for one in shown} == {tuple(offer_set.sessions)}
    winner = offer_set.sessions[0]
    assert (await see(calm, winner)).phase == "OFFERED"
    assert (await accept(calm, winner)).status == 200
    await assert_decided(calm, offer_set, winner)


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_of_siblings_accepted_at_once_one_wins(calm, round_):
    offer_set = await ask(calm)
    heard = await asyncio.gather(
        *(
            accept(calm.at((place + round_) % 3), session)
            for place, session in enumerate(offer_set.sessions)
        )
    )
    assert sorted(one.status for one in heard) == [200, 409, 409, 409]
    [winner] = [one for one in heard if one.status == 200]
    losers = [one for one in heard if one.status == 409]
    for loser in losers:
        assert loser.document["type"].endswith(":sibling-accepted")
    uuid = winner.document["meta"]["uuid"]
    await assert_decided(calm, offer_set, uuid)
    for session in set(offer_set.sessions) - {uuid}:
        site = owner_of(calm, session)
        is_elsewhere = site is not owner_of(calm, uuid)
        assert asked_for(site, session, "ACCEPTED") == 0
        assert asked_for(site, session, "REJECTED") == is_elsewhere


async def test_one_offer_accepted_everywhere_at_once_is_accepted(calm):
    offer_set = await ask(calm)
    session = offer_set.sessions[0]
    heard = await asyncio.gather(*(accept(one, session) for one in calm.everywhere))
    assert [one.status for one in heard] == [200, 200, 200]
    await assert_decided(calm, offer_set, session)


async def test_a_late_answer_at_one_replica_is_seen_at_another(calm):
    calm.sites["c"].behave(latency={"request": 1.5})
    offer_set = await ask(calm.at(0), Prefer="wait=1")
    assert len(offer_set.sessions) == 3

    async def grown():
        shown = await read(calm.at(1), f"/offersets/{offer_set.uuid}")
        return shown if len(shown.sessions) == 4 else None

    shown = await eventually(grown)
    [late] = set(shown.sessions) - set(offer_set.sessions)
    assert late in calm.sites["c"].sessions
    assert (await accept(calm.at(2), late)).status == 200
    await assert_decided(calm, shown, late)


async def test_what_is_late_for_a_set_that_another_replica_closed_is_released(calm):
    site = calm.sites["c"]
    site.behave(latency={"request": 1.5})
    known = set(site.sessions)
    offer_set = await ask(calm.at(0), Prefer="wait=1")
    assert (await accept(calm.at(1), offer_set.sessions[0])).status == 200

    async def late_and_released():
        new = set(site.sessions) - known
        return new and not new & site.open_reservations()

    await eventually(late_and_released)
    shown = await read(calm.at(2), f"/offersets/{offer_set.uuid}")
    assert shown.sessions == offer_set.sessions


async def test_a_key_means_one_request_at_all_replicas(calm):
    before = len(calm.sites["a"].requests)
    heard = await asyncio.gather(
        *(ask(one, Idempotency_Key='"k1"') for one in calm.everywhere)
    )
    assert {one.status for one in heard} == {303}
    assert len({one.uuid for one in heard}) == 1
    posted = [
        call for call in calm.sites["a"].requests[before:] if call.method == "POST"
    ]
    assert len([call for call in posted if "sessions" not in call.path]) == 1


async def test_a_restart_of_all_replicas_loses_nothing(calm):
    """Neither routes nor acceptances nor releases, though they are all killed at once."""
    site = calm.sites["b"]
    undecided, decided = await ask(calm), await ask(calm)
    await site.stop()
    winner = decided.sessions[0]
    assert (await accept(calm, winner)).status == 200
    calm.kill()
    await site.start()
    await calm.start()
    assert (await accept(calm, winner)).status == 200
    assert (await accept(calm, decided.sessions[1])).status == 409
    await assert_decided(calm, decided, winner)
    for session in undecided.sessions:
        assert (await see(calm, session)).phase == "OFFERED"
    assert (await accept(calm, undecided.sessions[2])).status == 200
    await assert_decided(calm, undecided, undecided.sessions[2])


@asynccontextmanager
async def accepting(victim, session):
    """Accept an offer at a replica that doesn't live to answer."""
    task = asyncio.create_task(accept(victim, session))
    try:
        yield
    finally:
        with suppress(aiohttp.ClientError):
            await task


async def decided_by(operator, offer_set):
    """Wait until the store knows the set's winner; return its session."""

    async def known():
        return await operator.fetchval(
            "SELECT session FROM winners WHERE offer_set = $1 AND state = 'accepted'",
            offer_set.uuid,
        )

    return await eventually(known)


async def is_waiting(operator):
    return await operator.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()"
    )


async def test_a_kill_before_the_row(calm, operator):
    """Nothing was begun: the site was not asked, and any offer can be accepted."""
    offer_set = await ask(calm)
    session, sibling = offer_set.sessions[0], offer_set.sessions[-1]
    victim = calm.everywhere[0]
    async with operator.transaction():
        await operator.execute(
            "SELECT * FROM offer_sets WHERE uuid = $1 FOR UPDATE", offer_set.uuid
        )
        async with accepting(victim, session):
            await eventually(lambda: is_waiting(operator))
            victim.kill()
    assert (await accept(calm, sibling)).status == 200
    await assert_decided(calm, offer_set, sibling)
    assert asked_for(owner_of(calm, session), session, "ACCEPTED") == 0


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_kill_after_the_row(calm, operator, is_late):
    """The site never heard of it, or hears of it when the replica is gone."""
    offer_set = await ask(calm)
    session = offer_set.sessions[0]
    site, victim = owner_of(calm, session), calm.everywhere[0]
    fault = faults.late(1) if is_late else replace(faults.lost_request(), delay=1)
    site.script("update", fault)

    async def asked():
        return asked_for(site, session, "ACCEPTED")

    async with accepting(victim, session):
        await eventually(asked)
        victim.kill()
    assert session not in site.accepted
    assert (await accept(calm, offer_set.sessions[-1])).status == 409
    assert await decided_by(operator, offer_set) == session
    await assert_decided(calm, offer_set, session)


async def test_a_kill_after_the_post(calm, operator):
    """The site took it and nobody heard: it is found by reading, and not asked again."""
    offer_set = await ask(calm)
    session = offer_set.sessions[-1]
    site, victim = owner_of(calm, session), calm.everywhere[0]
    site.script("update", faults.lost_answer(hold=30))

    async def taken():
        return session in site.accepted

    async with accepting(victim, session):
        await eventually(taken)
        victim.kill()
    assert await decided_by(operator, offer_set) == session
    await assert_decided(calm, offer_set, session)
    assert asked_for(site, session, "ACCEPTED") == 1


async def test_a_kill_before_a_release_is_tried(calm):
    """It is in the store, where others find it as soon as it is due."""
    offer_set = await ask(calm)
    session, other = offer_set.sessions[0], calm.sites["b"]
    other.script("update", faults.error(503), times=None)
    victim = calm.everywhere[0]
    assert (await accept(victim, session)).status == 200
    victim.kill()
    other.clear_script()
    await assert_decided(calm, offer_set, session)


async def test_a_kill_while_a_release_is_tried(calm, operator):
    """It is tried again once the dead replica's lease has ended."""
    offer_set = await ask(calm)
    session, other = offer_set.sessions[0], calm.sites["c"]
    [loser] = set(offer_set.sessions) & other.sessions.keys()
    other.script("update", replace(faults.lost_request(), delay=30))
    assert (await accept(calm, session)).status == 200

    async def leased():
        return await operator.fetchval(
            "SELECT lease_owner FROM releases WHERE session = $1", loser
        )

    owner = await eventually(leased)
    for replica in calm.everywhere:
        if f"-{replica.replica.pid}-" in owner:
            replica.kill()
    await assert_decided(calm, offer_set, session)
    assert asked_for(other, loser, "REJECTED") == 2


async def test_kills_one_after_the_other_while_offers_are_accepted(calm):
    """With a client that only repeats what it was not answered, nothing goes wrong."""
    sets = [await ask(calm) for _ in range(6)]
    for site in calm.sites.values():
        site.behave(latency={"update": 0.3})

    async def insist(offer_set):
        session = offer_set.sessions[0]
        while True:
            with suppress(aiohttp.ClientError):
                heard = await accept(calm, session)
                if heard.status != 503:
                    return heard
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(insist(offer_set)) for offer_set in sets]
        for _ in range(2):
            await asyncio.sleep(0.2)
            calm.everywhere[0].kill()
    assert [task.result().status for task in tasks] == [200] * len(sets)
    for offer_set in sets:
        await assert_decided(calm, offer_set, offer_set.sessions[0])
        assert (await see(calm, offer_set.sessions[0])).status == 200
