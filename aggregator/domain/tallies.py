"""Tallies: what each site did of late, counted."""

from dataclasses import dataclass


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
