"""Replicas that can be killed, over one store and sites that go on without them.

Everything runs on a virtual clock. A killed replica does nothing more from that
moment, not even what its tasks would do on being cancelled.
"""

import asyncio
import itertools
import random
from collections import deque
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.phases import ALLOWED_FROM, SessionPhase
from aggregator.domain.records import WinnerState
from aggregator.domain.schedules import StartInterval
from aggregator.domain.sites import Required, Site
from aggregator.ports.snapshot import FederatedSite
from tests.support.exact_store import ExactStore
from tests.support.federation import InProcessFederation
from tests.support.in_process import _seconds_after
from tests.support.virtual_time import LoopClock

QUICKEST, SLOWEST = 0.001, 0.05
"""Seconds that the store and the sites take for what goes well."""


_DELAY = 5.5
"""Seconds after which a delayed call is carried out: it is given up after 5."""


class Fault(StrEnum):
    """What a site does to one call."""

    LOST_REQUEST = "lost request"
    LOST_ANSWER = "lost answer"
    DELAYED = "delayed"
    ERROR = "error"
    ERROR_AFTER_ALL = "error, though done"
    IGNORED = "ignored"
    GONE = "gone"
    REFUSED = "refused"
    THROTTLED = "throttled"


class ModelSite:
    """A site whose work, once begun, does not depend on who asked for it."""

    def __init__(self, name, clock):
        self.name = name
        self.clock = clock
        self.rng = random.Random(name)
        self.down = False
        self.delay = 0.0
        self.expires = 300.0
        self.faults = deque()
        self.phases = {}
        self.made = {}
        self.refused = set()
        self.wins = lambda _: False
        self.winners_rejected = set()
        self._work = set()

    async def request_offers(self, request, context):
        del request
        return await self._work_for(
            context, self._offer(), SiteAnswer(self.name, Outcome.TIMEOUT)
        )

    async def read_session(self, session, context):
        return await self._work_for(context, self._read(session), self._silence())

    async def update_session(self, session, update, context):
        return await self._work_for(
            context, self._update(session, update.phase), self._silence()
        )

    async def _work_for(self, context, work, silence):
        if self.down:
            work.close()
            if isinstance(silence, SiteAnswer):
                return SiteAnswer(self.name, Outcome.CONNECT_ERROR)
            return SessionReading(self.name, Outcome.CONNECT_ERROR)
        task = asyncio.create_task(work, name="site")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        wait = context.deadline - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait({task}, timeout=wait)
        return task.result() if done else silence

    def _silence(self):
        return SessionReading(self.name, Outcome.TIMEOUT)

    async def _offer(self):
        await asyncio.sleep(self.delay + self._a_while())
        now = self.clock.now()
        uuid = _a_uuid(self.rng)
        expires = _seconds_after(now, self.expires)
        self.phases[uuid] = SessionPhase.OFFERED
        self.made[uuid] = expires
        start = _seconds_after(now, 60)
        offer = Offer(
            self.name,
            uuid,
            uuid,
            start=StartInterval(start, start),
            expires=expires,
            payload={"meta": {"uuid": uuid}, "phase": "OFFERED"},
        )
        return SiteAnswer(self.name, Outcome.OK, (offer,))

    async def _read(self, session):
        await asyncio.sleep(self._a_while())
        return self._reading(session)

    async def _update(self, session, wanted):
        fault = self.faults.popleft() if self.faults else None
        await asyncio.sleep(_DELAY if fault is Fault.DELAYED else self._a_while())
        if wanted is SessionPhase.REJECTED and self.wins(session):
            self.winners_rejected.add(session)
        if fault is Fault.GONE:
            self._move(session, SessionPhase.EXPIRED)
        if fault in {None, Fault.LOST_ANSWER, Fault.DELAYED, Fault.ERROR_AFTER_ALL}:
            self._move(session, wanted)
        await asyncio.sleep(self._a_while())
        match fault:
            case Fault.LOST_REQUEST | Fault.LOST_ANSWER:
                return SessionReading(self.name, Outcome.CONNECT_ERROR)
            case Fault.ERROR | Fault.ERROR_AFTER_ALL:
                return SessionReading(self.name, Outcome.ERROR_5XX)
            case Fault.REFUSED:
                self.refused.add(session)
                return SessionReading(self.name, Outcome.REFUSED_4XX)
            case Fault.THROTTLED:
                return SessionReading(self.name, Outcome.THROTTLED, retry_after=2.0)
            case _:
                return self._reading(session)

    def _move(self, session, wanted):
        if self.phases.get(session) in ALLOWED_FROM.get(
            wanted, frozenset({SessionPhase.OFFERED})
        ):
            self.phases[session] = wanted

    def _reading(self, session):
        phase = self.phases.get(session)
        if phase is None:
            return SessionReading(self.name, Outcome.NOT_FOUND)
        payload = {"meta": {"uuid": session}, "phase": phase.value}
        return SessionReading(self.name, Outcome.OK, phase, payload)

    def _a_while(self):
        return self.rng.uniform(QUICKEST, SLOWEST)

    async def close(self):
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)


def _a_uuid(rng):
    return str(UUID(int=rng.getrandbits(128), version=4))


class Life:
    """Whether a replica lives."""

    def __init__(self):
        self.over = False

    def check(self):
        if self.over:
            raise asyncio.CancelledError


class Mortal:
    """What a replica reaches of the world, for as long as it lives.

    Each call takes a while before and after it is carried out, so that a kill may
    come between its commitment and the knowledge of that.
    """

    def __init__(self, target, life, rng=None):
        self._target = target
        self._life = life
        self._rng = rng

    def __getattr__(self, name):
        found = getattr(self._target, name)
        if not asyncio.iscoroutinefunction(found):
            return Mortal(found, self._life, self._rng)

        async def call(*arguments, **named):
            await self._pause()
            result = await found(*arguments, **named)
            await self._pause()
            return result

        return call

    async def _pause(self):
        self._life.check()
        if self._rng is not None:
            await asyncio.sleep(self._rng.uniform(QUICKEST, SLOWEST))
        self._life.check()


@dataclass
class Replica:
    """One replica of the service; what it was asked for dies with it."""

    services: InProcessFederation
    life: Life
    stack: AsyncExitStack
    tasks: set = field(default_factory=set)

    def begin(self, work):
        """Run what a client asks for; a kill ends it."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class ModelFederation:
    """One store and a few sites, with replicas that come and go."""

    def __init__(self, sites, replicas):
        self.clock = LoopClock()
        self.store = ExactStore()
        self.sites = {name: ModelSite(name, self.clock) for name in sites}
        for site in self.sites.values():
            site.wins = self._wins
        self.replicas = dict.fromkeys(replicas)
        self._rng = random.Random(0)
        self._uuids = (_a_uuid(self._rng) for _ in itertools.count())

    def _wins(self, session):
        return any(
            winner.session == session and winner.state is WinnerState.ACCEPTED
            for winner in self.store.winner.values()
        )

    async def start(self, name):
        """Start the replica unless it runs."""
        if self.replicas[name] is not None:
            return
        life = Life()
        services = InProcessFederation(
            Mortal(self.store, life, self._rng), replica=name
        )
        services.clock = self.clock
        services._uuids = self._uuids
        for site in self.sites.values():
            configured = Site(
                site.name, f"https://{site.name}.example", required=Required.NEVER
            )
            broker = Mortal(site, life)
            services.sites[site.name] = FederatedSite(configured, broker, probe=None)
        stack = AsyncExitStack()
        await stack.enter_async_context(services.running())
        background = services.accepting._background
        background.run(services.releasing.run, name="releases")
        background.run(services.accepting.resume, name="acceptances")
        background.run(services.watching.run, name="watches")
        self.replicas[name] = Replica(services, life, stack)

    async def kill(self, name):
        """End the replica at once, in the middle of whatever it does."""
        replica, self.replicas[name] = self.replicas[name], None
        if replica is None:
            return
        replica.life.over = True
        background = replica.services.accepting._background
        tasks = [*replica.tasks, *background._finite, *background._endless]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(asyncio.CancelledError):
            await replica.stack.aclose()

    async def close(self):
        for name in self.replicas:
            await self.kill(name)
        for site in self.sites.values():
            await site.close()
