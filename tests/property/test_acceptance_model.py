"""Acceptances against a simple model: whatever happens, in whatever order.

Requests, accepts, rejects and cancels of several clients, faults of sites, a store that
goes away, kills and starts of replicas and the passing of time come in random order.
After every step the promises are held against what sites and store know, and at the
end, when all faults are over, against what became of every reservation.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from aggregator.domain.errors import (
    AcceptPending,
    FanOutFailed,
    ImpossibleUpdate,
    SiteUnavailable,
    StoreUnavailable,
)
from aggregator.domain.phases import TAKEN, SessionPhase
from aggregator.domain.records import WinnerState
from aggregator.domain.updates import phase_update
from tests.support.model_federation import Fault, ModelFederation
from tests.support.virtual_time import VirtualTimeLoop

SITES = ("a", "b", "c")
REPLICAS = ("one", "two")
ACCEPT, REJECT, CANCEL = (
    SessionPhase.ACCEPTED,
    SessionPhase.REJECTED,
    SessionPhase.CANCELLED,
)
NOT_KNOWN = (AcceptPending, StoreUnavailable, SiteUnavailable)
LONG_ENOUGH = 200.0
"""Seconds in which what is retried is done: pauses are of a minute at most."""


@dataclass
class Asked:
    """An offer set that a client got, and what the client did with it.

    Attributes:
        expires: Seconds on the loop's clock at which its offers end.
        done: For each session the updates that were answered as done.
        wished: For each session the updates that were asked for.
        under_way: How many updates of the set aren't answered yet.
    """

    uuid: str
    site_of: dict[str, str]
    expires: float
    done: dict = field(default_factory=lambda: defaultdict(set))
    wished: dict = field(default_factory=lambda: defaultdict(set))
    under_way: int = 0


sites, replicas = st.sampled_from(SITES), st.sampled_from(REPLICAS)
numbers, moments = st.integers(0, 2), st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.2])
wishes = st.sampled_from([ACCEPT, ACCEPT, ACCEPT, ACCEPT, REJECT, CANCEL])
faults = st.lists(st.sampled_from(Fault), min_size=1, max_size=3)
WEIGHED = (
    (
        4,
        "request",
        replicas,
        st.sampled_from([None, *SITES]),
        st.sampled_from([300.0, 40.0]),
    ),
    (1, "request_and_go_away", replicas, moments),
    (
        5,
        "update",
        numbers,
        numbers,
        wishes,
        replicas,
        st.sampled_from([0.0, 0.1, 30.0]),
    ),
    (3, "two_updates", numbers, numbers, numbers, wishes, wishes, moments),
    (2, "accept_and_kill", numbers, numbers, replicas, moments),
    (4, "misbehave", sites, faults),
    (1, "site_goes_or_comes", sites, st.booleans()),
    (1, "store_goes_or_comes", st.booleans()),
    (1, "kill", replicas),
    (2, "start", replicas),
    (4, "time_passes", st.sampled_from([0.01, 0.05, 0.3, 2.0, 7.0, 35.0, 120.0])),
)
steps = st.one_of(
    *(
        st.tuples(st.just(name), *arguments)
        for weight, name, *arguments in WEIGHED
        for _ in range(weight)
    )
)


class Acceptances:
    """A federation of three sites and two replicas, and its clients.

    Args:
        delays: Whether sites may carry a call out long after we gave it up. It may take
            what was refused since; then it is cancelled, which takes a moment in which
            two sessions of a set are taken.
    """

    def __init__(self, *, delays):
        self.world = ModelFederation(SITES, REPLICAS)
        self.sets = []
        self.taken_late = set()
        self._delays = delays

    async def carry_out(self, plan):
        """Do all steps of a plan and hold the promises after each, and at the end."""
        try:
            for name in REPLICAS:
                await self.world.start(name)
            for name, *arguments in plan:
                await getattr(self, name)(*arguments)
                self.assert_promises()
            await self.end()
            self._delays = False
            self.assert_promises()
        finally:
            await self.world.close()

    # -- what must hold ---------------------------------------------------------------
    def assert_promises(self):
        assert not self.taken_late, "expired offers were accepted"
        if not self._delays:
            self._assert_at_most_one()
        for asked in self.sets:
            self._assert_no_winner_was_released(asked)
            self._assert_nothing_that_was_said_is_untrue(asked)
            for session, site in asked.site_of.items():
                assert self.world.store.kept[session].site == site

    def _assert_at_most_one(self):
        taken = defaultdict(set)
        for session, route in self.world.store.kept.items():
            if self.world.sites[route.site].phases.get(session) in TAKEN:
                taken[route.offer_set].add(session)
        assert all(len(sessions) == 1 for sessions in taken.values()), taken

    def _assert_no_winner_was_released(self, asked):
        for session, site in asked.site_of.items():
            if session in self.world.sites[site].winners_rejected:
                assert REJECT in asked.wished[session]

    def _assert_nothing_that_was_said_is_untrue(self, asked):
        store = self.world.store
        for session, done in asked.done.items():
            if ACCEPT in done and CANCEL not in asked.wished[session]:
                assert self._phase(asked, session) in TAKEN
                winner = store.winner[asked.uuid]
                assert winner.session == session
                assert winner.state is WinnerState.ACCEPTED
                assert store.kept[session].overlay is None
            if REJECT in done:
                assert ACCEPT not in done
                assert store.kept[session].overlay is REJECT

    # -- what happens -----------------------------------------------------------------
    async def misbehave(self, site, faults):
        """Let the next updates at a site go wrong."""
        for fault in faults:
            if self._delays or fault is not Fault.DELAYED:
                self.world.sites[site].faults.append(fault)

    async def site_goes_or_comes(self, site, down):
        self.world.sites[site].down = down

    async def store_goes_or_comes(self, broken):
        self.world.store.broken = broken

    async def kill(self, replica):
        await self.world.kill(replica)

    async def start(self, replica):
        await self.world.start(replica)

    async def time_passes(self, seconds):
        await asyncio.sleep(seconds)

    async def request(self, name, slow, expires):
        replica = self._replica(name)
        self._set_sites(slow, expires)
        if replica is None:
            return
        began = self._now()
        try:
            offer_set = await replica.services.ask(wait=2.0)
        except (FanOutFailed, StoreUnavailable):
            return
        finally:
            assert self._now() - began < 2.5
        site_of = {offer.session: offer.site for offer in offer_set.offers}
        if not site_of:
            return
        self.sets.append(Asked(offer_set.uuid, site_of, began + expires))

    async def request_and_go_away(self, name, moment):
        replica = self._replica(name)
        self._set_sites(None, 300.0)
        if replica is None:
            return
        await asyncio.sleep(6)  # what other requests made comes in until then
        before = self._made()
        task = replica.begin(replica.services.ask(wait=2.0))
        await asyncio.sleep(moment)
        gone = not task.done()
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0.5)
        if gone and not self.world.store.broken:
            known = self.world.store.released | self.world.store.queued.keys()
            assert self._made() - before <= known

    def _replica(self, name):
        """Return the replica of that name, the other where it is dead."""
        alive = [one for one in self.world.replicas.values() if one is not None]
        return self.world.replicas[name] or next(iter(alive), None)

    def _set_sites(self, slow, expires):
        for site in self.world.sites.values():
            site.delay = 5.0 if site.name == slow else 0.0
            site.expires = expires

    def _made(self):
        return {
            (site.name, session)
            for site in self.world.sites.values()
            for session in site.made
        }

    async def update(self, which, number, wanted, name, wait):
        """Ask for an update of one of the latest sets; wait for it, or go on."""
        replica = self._replica(name)
        if replica is None or not self.sets:
            return
        asked = self.sets[-1 - which % len(self.sets)]
        session = list(asked.site_of)[number % len(asked.site_of)]
        must_do = wanted is ACCEPT and self._nothing_is_in_the_way(asked, session)
        exchange = replica.begin(self._exchange(replica, asked, session, wanted))
        await asyncio.wait({exchange}, timeout=wait)
        if must_do and wait > 1:
            assert ACCEPT in asked.done[session], "a good offer was not accepted"

    async def two_updates(self, which, one, other, first, second, moment):
        """Ask for updates of one set, one soon after the other."""
        await self.update(which, one, first, REPLICAS[0], moment)
        await self.update(which, other, second, REPLICAS[1], 1.0)

    async def accept_and_kill(self, which, number, name, moment):
        """Kill the replica that was asked to accept, in the middle of it."""
        await self.update(which, number, ACCEPT, name, moment)
        await self.world.kill(name)

    async def _exchange(self, replica, asked, session, wanted):
        services = replica.services
        expired = self._now() >= asked.expires
        asked.wished[session].add(wanted)
        asked.under_way += 1
        try:
            await services.updating.update(
                session, phase_update(wanted), services.caller(strict=True)
            )
        except (ImpossibleUpdate, *NOT_KNOWN):
            return
        else:
            if expired and wanted is ACCEPT and ACCEPT not in asked.done[session]:
                self.taken_late.add(session)
            asked.done[session].add(wanted)
        finally:
            asked.under_way -= 1

    def _nothing_is_in_the_way(self, asked, session):
        site = self.world.sites[asked.site_of[session]]
        return not (
            self.world.store.broken
            or site.down
            or site.faults
            or asked.under_way
            or asked.uuid in self.world.store.winner
            or asked.wished[session]
            or site.phases[session] is not SessionPhase.OFFERED
            or self._now() + 5 > asked.expires
        )

    def _phase(self, asked, session):
        return self.world.sites[asked.site_of[session]].phases[session]

    def _now(self):
        return asyncio.get_running_loop().time()

    async def end(self):
        """End all faults, and see what became of every reservation."""
        self.world.store.broken = False
        for site in self.world.sites.values():
            site.down = False
            site.faults.clear()
        for name in REPLICAS:
            await self.world.start(name)
        await asyncio.sleep(LONG_ENOUGH)
        self._assert_all_is_decided()
        self._assert_what_is_taken_has_won()
        self._assert_losers_are_given_back()
        self._assert_what_was_queued_is_given_back()

    def _assert_all_is_decided(self):
        for asked in self.sets:
            assert asked.under_way == 0
        for winner in self.world.store.winner.values():
            assert winner.state is not WinnerState.ACCEPTING

    def _assert_what_is_taken_has_won(self):
        for session, route in self.world.store.kept.items():
            if self.world.sites[route.site].phases[session] in TAKEN:
                winner = self.world.store.winner[route.offer_set]
                assert winner.session == session
                assert winner.state is WinnerState.ACCEPTED

    def _assert_losers_are_given_back(self):
        store = self.world.store
        for session, route in store.kept.items():
            winner = store.winner.get(route.offer_set)
            won = winner is not None and winner.state is WinnerState.ACCEPTED
            lost = won and winner.session != session and winner.site != route.site
            rejected = route.overlay is REJECT
            if (lost or rejected) and not self._is_over(route.site, session):
                phase = self.world.sites[route.site].phases[session]
                assert phase is not SessionPhase.OFFERED, (route.site, session)

    def _assert_what_was_queued_is_given_back(self):
        store = self.world.store
        for site, session in store.released | store.queued.keys():
            if not self._is_over(site, session):
                phase = self.world.sites[site].phases[session]
                assert phase is not SessionPhase.OFFERED, (site, session)

    def _is_over(self, site, session):
        """Whether an offer has expired, or its site wouldn't hear of its end."""
        there = self.world.sites[site]
        return session in there.refused or there.made[session] <= self.world.clock.now()


GIVEN_UP_AND_TAKEN = [
    ("request", "one", None, 300.0),
    *(
        ("misbehave", site, [Fault.DELAYED, Fault.REFUSED, Fault.LOST_REQUEST])
        for site in SITES
    ),
    ("update", 0, 0, ACCEPT, "one", 30.0),
]
"""A call is given up, the next is refused, and then the first one gets through."""


@pytest.mark.parametrize("delays", [False, True])
def test_the_promises_hold_whatever_happens(delays):
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @example(GIVEN_UP_AND_TAKEN)
    @given(st.lists(steps, min_size=15, max_size=40))
    def hold(plan):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(Acceptances(delays=delays).carry_out(plan))

    hold()
