"""Tallies: what each site did of late, counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.domain.phases import SessionPhase


@dataclass(frozen=True, slots=True)
class SiteTally:
    """Counts of one site.

    Attributes:
        offers: Offers that it made in the last 24 hours.
        wins: Those of them that were accepted, in the same time.
        open_reservations: Offers that wait for their users now.
    """

    offers: int = 0
    wins: int = 0
    open_reservations: int = 0


@dataclass(frozen=True, slots=True)
class SiteHoldings:
    """What one site holds for users now.

    Attributes:
        open_reservations: Offers that wait for their users.
        sessions: Sessions that haven't ended, by the phase they were last seen in.
        oldest_reading: When that of them was last read that wasn't for the longest
            time; None where there are none.
    """

    open_reservations: int = 0
    sessions: Mapping[SessionPhase, int] = field(default_factory=dict)
    oldest_reading: datetime | None = None
