"""The port to what became of accepted sessions.

Every method raises ``StoreUnavailable`` where the store can't do it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aggregator.domain.ranking.histories import SessionHistory


class Histories(Protocol):
    """Reading histories, a bounded number at a time."""

    async def accepted(self, since: datetime, limit: int) -> Mapping[str, bool]:
        """Return sessions accepted since then, the newest first.

        Returns:
            By session, whether it is still followed, so that its history may grow.
        """
        ...

    async def read(self, sessions: Sequence[str]) -> Sequence[SessionHistory]:
        """Return the histories of accepted sessions; what can't be read is left out."""
        ...


class Alternatives(Protocol):
    """What else a session's user could have accepted."""

    async def earliest_alternative(self, session: str) -> datetime | None:
        """Return the earliest start that ranking estimated of a session's siblings.

        Siblings count that could be accepted when the session was, and an estimate
        before that moment counts as that moment.

        Returns:
            None where the session wasn't accepted, or no sibling has an estimate.
        """
        ...
