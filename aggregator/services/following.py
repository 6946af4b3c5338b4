"""Following: offer sets that grow and sessions that move, for clients that wait.

Other replicas change the same sets, so that the store's version of a set is what is
watched; any number of followers of one set cost one look at a time.
"""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from cachetools import TTLCache

from aggregator.domain.errors import (
    FanOutFailed,
    StoreUnavailable,
    UnknownResource,
)
from aggregator.domain.phases import TERMINAL, session_phase
from aggregator.domain.views import OfferSetView, SessionView
from aggregator.ports.store import OfferSetWatch
from aggregator.services.admission import Admission
from aggregator.services.caller import Caller
from aggregator.services.limits import FollowLimits
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.services.punctual import PATIENCE
from aggregator.services.sessions import Sessions

_NOT_READ: Final = 0
"""In the place of a version while the store is away: no set has it."""


class Following:
    """Waits for changes on behalf of clients."""

    def __init__(
        self,
        *,
        watch: OfferSetWatch,
        offer_sets: ShownOfferSets,
        sessions: Sessions,
        limits: FollowLimits,
    ) -> None:
        self._watch = watch
        self._offer_sets = offer_sets
        self._sessions = sessions
        self._limits = limits
        self._versions: TTLCache[str, int | None] = TTLCache(
            10_000, limits.interval / 2, timer=_now
        )
        self._looking: dict[str, asyncio.Lock] = {}
        self._admission = Admission(
            "clients",
            "wait",
            in_all=limits.followers,
            per_user=limits.followers_per_user,
            retry_after=math.ceil(limits.interval) * 10.0,
        )

    async def answered_offer_set(self, uuid: str, caller: Caller) -> OfferSetView:
        """Return the set, once late answers filled it or the caller's wait is over.

        Raises:
            UnknownResource: There is no such set of the caller's.
            FanOutFailed: It has no offers even then, and that isn't a NO.
            Overloaded: As many clients wait as may.
            UserOverLimit: The same of this user.
        """
        try:
            return await self._offer_sets.view(uuid, caller.principal)
        except FanOutFailed:
            if not caller.wait:
                raise
        until = caller.received + min(caller.wait, self._limits.longest_wait)
        with self._admission.admitted(caller.principal):
            while True:
                version = (await self._offer_sets.get(uuid, caller.principal)).version
                try:
                    return await self._offer_sets.view(uuid, caller.principal)
                except FanOutFailed:
                    if await self._next_version(uuid, version, until) is None:
                        raise

    async def offer_set_after(
        self, uuid: str, version: int, caller: Caller
    ) -> OfferSetView:
        """Return the set once it is of another version, or the caller's wait is over.

        Raises:
            UnknownResource: There is no such set of the caller's.
            Overloaded: As many clients wait as may.
            UserOverLimit: The same of this user.
        """
        wait = min(caller.wait or 0.0, self._limits.longest_wait)
        with self._admission.admitted(caller.principal):
            await self._next_version(uuid, version, caller.received + wait)
        return await self._offer_sets.view(uuid, caller.principal)

    async def offer_sets(
        self, uuid: str, caller: Caller
    ) -> AsyncGenerator[OfferSetView, None]:
        """Yield the set as it is, and again with each new version, for a while.

        Raises:
            UnknownResource: There is no such set of the caller's.
            Overloaded: As many clients wait as may.
            UserOverLimit: The same of this user.
        """
        until = _now() + self._limits.longest_stream
        with self._admission.admitted(caller.principal):
            while True:
                version = (await self._offer_sets.get(uuid, caller.principal)).version
                # Where there is nothing to show yet, late answers may still bring it.
                with suppress(FanOutFailed):
                    yield await self._offer_sets.view(uuid, caller.principal)
                if await self._next_version(uuid, version, until) is None:
                    return

    async def sessions(
        self, uuid: str, caller: Caller
    ) -> AsyncGenerator[SessionView, None]:
        """Yield the session as it is, and again when it changed, until it ended.

        Raises:
            UnknownResource: There is no such session of the caller's.
            Overloaded: As many clients wait as may.
            UserOverLimit: The same of this user.
        """
        until = _now() + self._limits.longest_stream
        before = None
        with self._admission.admitted(caller.principal):
            while _now() < until:
                view = await self._sessions.get(uuid, caller)
                if (view.phase, view.payload) != before:
                    before = (view.phase, view.payload)
                    yield view
                phase = view.phase or session_phase(view.payload.get("phase"))
                if phase in TERMINAL:
                    return
                await asyncio.sleep(self._limits.interval)

    async def _next_version(self, uuid: str, version: int, until: float) -> int | None:
        """Return the set's next version, None where there is none by ``until``."""
        while True:
            present = await self._version(uuid)
            if present is None:
                raise UnknownResource(f"there is no offer set {uuid}")
            if present not in {version, _NOT_READ}:
                return present
            left = until - _now()
            if left <= 0:
                return None
            await asyncio.sleep(min(left, self._limits.interval))

    async def _version(self, uuid: str) -> int | None:
        lock = self._looking.setdefault(uuid, asyncio.Lock())
        try:
            async with lock:
                with suppress(KeyError):
                    return self._versions[uuid]
                version = await self._read_version(uuid)
                self._versions[uuid] = version
                return version
        finally:
            if not lock.locked():
                self._looking.pop(uuid, None)

    async def _read_version(self, uuid: str) -> int | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._watch.version(uuid)
        except (StoreUnavailable, TimeoutError):
            return _NOT_READ


def _now() -> float:
    return asyncio.get_running_loop().time()
