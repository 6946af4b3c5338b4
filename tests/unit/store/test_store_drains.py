import asyncio
from dataclasses import replace

from aggregator.domain.drains import AuditEntry, Drain, OperatorAction
from aggregator.domain.records import WinnerState
from aggregator.domain.registry import RegisteredRse, RegisteredSite, Registration
from aggregator.domain.sites import Downtime
from aggregator.domain.tallies import SiteTally
from aggregator.store.drains import DrainStore
from aggregator.store.registrations import RegistrationStore
from aggregator.store.sql_store import open_store
from tests.support.stored_records import (
    FIRST,
    NOW,
    SECOND,
    SET,
    THIRD,
    later,
    offer,
    offer_set,
    winner,
)

DRAIN = Drain("lisboa", NOW, later(3600), "ana of https://issuer.example", "new racks")


def entry(uuid="1", **members):
    return AuditEntry(
        **{
            "uuid": uuid,
            "moment": NOW,
            "by": "ana of https://issuer.example",
            "action": OperatorAction.DRAIN,
            "site": "lisboa",
            "reason": "new racks",
            "until": later(3600),
            **members,
        }
    )


async def test_a_drain_comes_back_as_it_was_kept_until_it_ends(store):
    await store.drains.drain(DRAIN, entry())
    assert await store.drains.drains(NOW) == [DRAIN]
    assert await store.drains.drains(later(3599)) == [DRAIN]
    assert await store.drains.drains(later(3600)) == []


async def test_a_site_has_one_drain_the_latest(store):
    longer = replace(DRAIN, since=later(5), until=later(7200), reason="more racks")
    await store.drains.drain(DRAIN, entry())
    await store.drains.drain(longer, entry("2"))
    assert await store.drains.drains(NOW) == [longer]


async def test_drains_of_other_sites_stay(store):
    other = replace(DRAIN, site="madrid")
    await store.drains.drain(DRAIN, entry())
    await store.drains.drain(other, entry("2", site="madrid"))
    assert await store.drains.undrain("lisboa", entry("3", moment=later(1)))
    assert await store.drains.drains(later(1)) == [other]


async def test_ending_what_has_ended_is_no_deed(store):
    await store.drains.drain(DRAIN, entry())
    undone = entry("2", action=OperatorAction.UNDRAIN, moment=later(9), until=None)
    assert await store.drains.undrain("lisboa", undone)
    assert not await store.drains.undrain("lisboa", replace(undone, uuid="3"))
    assert not await store.drains.undrain("madrid", replace(undone, uuid="4"))
    assert await store.drains.audit(9) == [undone, entry()]


async def test_replicas_share_drains(three_stores):
    first, second, third = three_stores
    await first.drains.drain(DRAIN, entry())
    assert await second.drains.drains(NOW) == [DRAIN]
    await asyncio.gather(
        *(
            store.drains.drain(replace(DRAIN, reason=str(number)), entry(f"x{number}"))
            for number, store in enumerate(three_stores)
        )
    )
    [kept] = await third.drains.drains(NOW)
    assert kept.reason in {"0", "1", "2"}
    assert len(await second.drains.audit(9)) == 4


async def test_the_audit_trail_has_the_newest_first_and_an_end(store):
    trail = DrainStore(store.database, most_entries=3)
    for number in range(5):
        await trail.drain(DRAIN, entry(str(number), moment=later(number)))
    assert [each.uuid for each in await trail.audit(9)] == ["4", "3", "2"]
    assert [each.uuid for each in await trail.audit(2)] == ["4", "3"]


async def test_drains_and_their_trail_outlive_a_restart(url):
    async with open_store(url) as store:
        await store.drains.drain(DRAIN, entry())
    async with open_store(url) as store:
        assert await store.drains.drains(NOW) == [DRAIN]
        assert await store.drains.audit(9) == [entry()]


async def test_tallies_count_offers_wins_and_what_is_open(store):
    other_set = "4c2e6ab8-3f60-4b8e-9a5d-0d6a63a3f002"
    await store.offer_sets.add(
        offer_set(offers=(offer(FIRST), offer(SECOND, site="madrid"))), [], {}
    )
    await store.offer_sets.add(
        offer_set(uuid=other_set, offers=(offer(THIRD),), created=later(-90_000)),
        [],
        {},
    )
    assert await store.tallies.of_sites(NOW, later(-86_400)) == {
        "lisboa": SiteTally(offers=1, wins=0, open_reservations=2),
        "madrid": SiteTally(offers=1, wins=0, open_reservations=1),
    }
    await store.winners.claim(winner(FIRST), "a", later(30))
    assert (await store.tallies.of_sites(NOW, NOW))["lisboa"].wins == 0
    await store.winners.settle(winner(FIRST), WinnerState.ACCEPTED, [])
    assert await store.tallies.of_sites(later(301), NOW) == {
        "lisboa": SiteTally(offers=1, wins=1, open_reservations=0),
        "madrid": SiteTally(offers=1, wins=0, open_reservations=0),
    }
    assert (await store.winners.of_offer_set(SET)).site == "lisboa"


async def test_tallies_of_nothing_are_empty(store):
    assert await store.tallies.of_sites(NOW, NOW) == {}


def registration(**members):
    downtime = Downtime(NOW, later(60), "network", planned=False)
    site = RegisteredSite(
        "LISBOA",
        node="PTSRC",
        country="PT",
        latitude=38.7,
        longitude=-9.1,
        rses=(RegisteredRse("PT_STORM", (downtime,)),),
        unusable_rses=("PT_OLD",),
        downtimes=(downtime,),
        disabled=True,
    )
    return Registration(
        **{"read": NOW, "sites": (site,), "faults": ("naive",), **members}
    )


async def test_what_the_registry_said_comes_back(store):
    memory = RegistrationStore(store.database, "https://registry.example")
    assert await memory.recall() is None
    await memory.remember(registration())
    assert await memory.recall() == registration()
    newer = registration(read=later(5), sites=())
    await memory.remember(newer)
    assert await memory.recall() == newer


async def test_what_another_registry_said_is_of_no_use(store):
    await RegistrationStore(store.database, "https://one.example").remember(
        registration()
    )
    other = RegistrationStore(store.database, "https://other.example")
    assert await other.recall() is None


async def test_replicas_remember_at_once(three_stores):
    memories = [RegistrationStore(store.database, "x") for store in three_stores]
    await asyncio.gather(*(memory.remember(registration()) for memory in memories))
    assert await memories[0].recall() == registration()


async def test_what_another_release_wrote_is_passed_over(store):
    memory = RegistrationStore(store.database, "x")
    await memory.remember(replace(registration(), sites=("not a site",)))
    assert await memory.recall() is None
