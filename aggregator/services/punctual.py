"""Being punctual: whatever the store does, the caller is answered in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aggregator.domain.errors import StoreUnavailable

_SLACK: Final = 0.4
"""Seconds after the deadline that keeping and writing the answer may take."""


@asynccontextmanager
async def answered_by(deadline: float) -> AsyncIterator[None]:
    """Give up soon after ``deadline``: then it is the store that doesn't answer.

    What the store was asked to do may be done all the same.

    Args:
        deadline: When the sites are no longer waited for, on the loop's clock.

    Raises:
        StoreUnavailable: The block took too long.
    """
    limit = asyncio.timeout_at(deadline + _SLACK)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise StoreUnavailable(
            "The store didn't answer in time.", retry_after=1.0
        ) from None
