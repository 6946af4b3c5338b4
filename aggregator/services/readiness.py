"""Readiness: whether the store can be written, asked at most once a second.

Anybody may ask, and to find out costs the store a durable write.
"""

import asyncio
from typing import Final

from aggregator.domain.errors import StoreUnavailable
from aggregator.ports.store import StoreHealth

_FRESHNESS: Final = 1.0


class Readiness:
    """Remembers for a moment what the store said."""

    def __init__(self, store: StoreHealth) -> None:
        self._store = store
        self._asking = asyncio.Lock()
        self._asked: float | None = None
        self._fault: StoreUnavailable | None = None

    async def fault(self) -> StoreUnavailable | None:
        """Return why the store can't be written, None where it can."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if self._asked is None or loop.time() - self._asked >= _FRESHNESS:
                self._fault = await self._ask()
                self._asked = loop.time()
            return self._fault

    async def _ask(self) -> StoreUnavailable | None:
        try:
            await self._store.check(writing=True)
        except StoreUnavailable as error:
            return error
        return None
