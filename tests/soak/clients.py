"""Clients that ask, accept, reject, cancel, change their minds and go away."""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from tests.support.conversation import JSON, REQUEST, ask, see, update

DEADLINE = 1.0
ACCEPT_DEADLINE = 3.0
TOKEN = "Bearer canary-in-the-soak"
STRICT = {"Prefer": "handling=strict", "Authorization": TOKEN}
_AWAY = (aiohttp.ClientError, TimeoutError)


@dataclass
class Asked:
    """An offer set, and what its client was told.

    Attributes:
        taken: Sessions whose acceptance was answered with 200.
        cancelled: Sessions of which a cancellation was asked.
        rejected: Sessions whose rejection was answered with 200.
        refusals: Why acceptances were refused, by session.
    """

    uuid: str
    sessions: list[str]
    taken: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)


class Clients:
    """A number of clients at once, each with one offer set after the other."""

    def __init__(self, federation, rng, figures):
        self._federation = federation
        self._rng = rng
        self._figures = figures
        self.counts = figures.counts
        self.sets: list[Asked] = []
        self.begun = 0

    async def run(self, sets, workers):
        """Go on until so many offer sets were asked for."""
        self._wanted = sets
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self):
        while self.begun < self._wanted:
            await self._federation.is_up.wait()
            self.begun += 1
            try:
                await self._turn()
            except _AWAY:
                self.counts["exchanges that a kill ended"] += 1

    async def _turn(self):
        if self._rng.random() < 0.05:
            await self._go_away()
            return
        heard = await ask(self._federation, Authorization=TOKEN)
        self._figures.answered(heard.seconds, DEADLINE)
        self.counts[f"requests answered {heard.status}"] += 1
        if heard.status != 303 or not heard.sessions:
            return
        asked = Asked(heard.uuid, heard.sessions)
        self.sets.append(asked)
        await self._decide(asked)

    async def _go_away(self):
        self.counts["clients gone"] += 1
        asking = asyncio.create_task(
            self._federation.post("/requests", REQUEST, headers=JSON)
        )
        await asyncio.sleep(self._rng.uniform(0.0, 0.05))
        asking.cancel()
        await asyncio.wait({asking})

    async def _decide(self, asked):
        chance = self._rng.random()
        best, *others = asked.sessions
        if chance < 0.1:
            return
        if chance < 0.25 and others:
            rival = self._rng.choice(others)
            await asyncio.gather(self._accept(asked, best), self._accept(asked, rival))
        elif chance < 0.35:
            await self._reject(asked, best)
            if others:
                await self._accept(asked, others[0])
        else:
            await self._accept(asked, best)
        if self._rng.random() < 0.15 and asked.taken:
            await self._cancel(asked, next(iter(asked.taken)))
        if self._rng.random() < 0.3:
            seen = await see(self._federation, best)
            self._figures.require(seen.status == 200, f"{best} is {seen.status}")

    async def _accept(self, asked, session):
        for _ in range(3):
            self.counts["accepts"] += 1
            heard = await update(self._federation, session, "ACCEPTED", **STRICT)
            self._figures.answered(heard.seconds, ACCEPT_DEADLINE)
            if heard.status != 503:
                break
            self.counts["accepts that were pending"] += 1
        if heard.status == 200:
            self.counts["accepts that were taken"] += 1
            asked.taken.add(session)
        elif heard.status == 409:
            kind = heard.document["type"].rpartition(":")[2]
            self.counts[f"accepts refused: {kind}"] += 1
            asked.refusals[session] = kind
        else:
            self._figures.require(
                heard.status == 503, f"accepting {session} is {heard.status}"
            )

    async def _reject(self, asked, session):
        heard = await update(self._federation, session, "REJECTED", **STRICT)
        self.counts[f"rejections answered {heard.status}"] += 1
        if heard.status == 200:
            asked.rejected.add(session)

    async def _cancel(self, asked, session):
        asked.cancelled.add(session)
        heard = await update(self._federation, session, "CANCELLED", **STRICT)
        self.counts[f"cancellations answered {heard.status}"] += 1
