"""Tokens that were issued, remembered in memory until shortly before they end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from cachetools import TLRUCache, TTLCache

from aggregator.credentials.token_endpoint import IssuedToken, NotIssued
from aggregator.domain.outcomes import Outcome

_LATE: Final = NotIssued(
    Outcome.TIMEOUT, "no token was there before the deadline", is_ours=True
)


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How long tokens are remembered. Times are in seconds.

    Attributes:
        tokens: The most that are remembered of one site.
        margin: How long before its end a token isn't used any more; never more than
            half of its life.
        unsaid: The life of a token of which the issuer didn't say how long it lives.
        pause: For how long a failure is remembered instead, so that an issuer in
            trouble isn't asked again by every call.
        renewal: How often a token at most is renewed because its site refused it.
    """

    tokens: int = 10_000
    margin: float = 60.0
    unsaid: float = 60.0
    pause: float = 5.0
    renewal: float = 10.0


class TokenMemory:
    """Remembers one site's tokens by key; of calls at once for one key one asks.

    Nothing is asked for in the background: whoever waits longest for a token does the
    asking, and where that call is given up, the next one does.
    """

    def __init__(self, limits: MemoryLimits | None = None) -> None:
        self._limits = limits or MemoryLimits()
        self._known: TLRUCache[bytes, IssuedToken | NotIssued] = TLRUCache(
            self._limits.tokens, self._end, timer=_now
        )
        self._renewed: TTLCache[bytes, bool] = TTLCache(
            self._limits.tokens, self._limits.renewal, timer=_now
        )
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def get(
        self,
        key: bytes,
        issue: Callable[[], Awaitable[IssuedToken | NotIssued]],
        deadline: float,
    ) -> IssuedToken | NotIssued:
        """Return the token of ``key``, from ``issue`` where none is known.

        Args:
            key: What stands for the user or the service.
            issue: Asks for a token; called by one caller at a time.
            deadline: Until when to wait for one's turn, on the event loop's clock.
        """
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            async with self._turn(key, deadline):
                return await self._get_alone(key, issue)
        except TimeoutError:
            return _LATE

    def doubt(self, key: bytes, token: str) -> bool:
        """Forget ``token``, which its site refused, unless it was renewed just now.

        Returns:
            Whether there is, or may be, another one.
        """
        known = self._known.get(key)
        if isinstance(known, NotIssued):
            return False
        if known is None or known.text != token:
            return True
        if key in self._renewed:
            return False
        self._renewed[key] = True
        self._known.pop(key, None)
        return True

    async def _get_alone(
        self, key: bytes, issue: Callable[[], Awaitable[IssuedToken | NotIssued]]
    ) -> IssuedToken | NotIssued:
        known = self._known.get(key)
        if known is None:
            known = await issue()
            self._known[key] = known
        return known

    @asynccontextmanager
    async def _turn(self, key: bytes, deadline: float) -> AsyncGenerator[None]:
        """Give one caller after the other what is of ``key``.

        Raises:
            TimeoutError: It isn't one's turn before the deadline.
        """
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with asyncio.timeout_at(deadline):
            await turn.acquire()
        try:
            yield
        finally:
            turn.release()

    def _end(self, _: bytes, value: IssuedToken | NotIssued, now: float) -> float:
        """Return until when ``value`` is good for other calls."""
        if isinstance(value, NotIssued):
            return now if value.is_ours else now + self._limits.pause
        lifetime = self._limits.unsaid if value.lifetime is None else value.lifetime
        return now + lifetime - min(self._limits.margin, lifetime / 2)


def _now() -> float:
    return asyncio.get_running_loop().time()
