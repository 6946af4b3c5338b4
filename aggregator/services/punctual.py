"""Being punctual: whatever the store does, the caller is answered in time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aggregator.domain.errors import MetaBrokerError, StoreUnavailable

PATIENCE: Final = 1.0
"""Seconds that the store is waited for where there is an answer without it."""
_SLACK: Final = 0.4
"""Seconds after the deadline that keeping and writing the answer may take."""


def store_is_silent() -> MetaBrokerError:
    """Return the reason why something took too long that no site can delay."""
    return StoreUnavailable("the store didn't answer in time", retry_after=1.0)


@asynccontextmanager
async def answered_by(
    deadline: float, reason: Callable[[], MetaBrokerError] = store_is_silent
) -> AsyncIterator[None]:
    """Give up soon after ``deadline``.

    What the store was asked to do may be done all the same.

    Args:
        deadline: When the sites are no longer waited for, on the loop's clock.
        reason: Returns what to raise where the block took too long.

    Raises:
        MetaBrokerError: The block took too long: the one that ``reason`` returns.
    """
    limit = asyncio.timeout_at(deadline + _SLACK)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise reason() from None
