"""The ports to what operators did, and to what they are shown of the store.

Every method is one transaction and raises ``StoreUnavailable`` where the store
can't do it. Several replicas share one store, and so one set of drains.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aggregator.domain.drains import AuditEntry, Drain
from aggregator.domain.tallies import SiteHoldings, SiteTally


class Drains(Protocol):
    """Which sites are drained; what changes that leaves a trace."""

    async def drains(self, now: datetime) -> Sequence[Drain]:
        """Return the drains that have not ended at ``now``."""
        ...

    async def drain(self, drain: Drain, entry: AuditEntry) -> None:
        """Keep a drain in the place of its site's present one, and ``entry``."""
        ...

    async def undrain(self, site: str, entry: AuditEntry) -> bool:
        """End a site's drain and keep ``entry``; False where there was none."""
        ...


class AuditTrail(Protocol):
    """What operators did."""

    async def audit(self, limit: int) -> Sequence[AuditEntry]:
        """Return the latest entries, the newest first."""
        ...


class SiteTallies(Protocol):
    """What the store knows of each site's offers."""

    async def of_sites(self, now: datetime, since: datetime) -> Mapping[str, SiteTally]:
        """Count offers and wins from ``since`` on, and what is open at ``now``."""
        ...


class Holdings(Protocol):
    """What the store holds in all, and what of it was never used."""

    async def of_sites(self, now: datetime) -> Mapping[str, SiteHoldings]:
        """Return what each site holds for users at ``now``, where it holds any."""
        ...

    async def known_sessions(self) -> int:
        """Count the offers and sessions whose site is known."""
        ...

    async def expired_unused(self, until: datetime) -> Mapping[str, int]:
        """Count the offers that expired by ``until`` and that nobody wanted, once.

        That are those that nobody tried to accept last, turned down or released, and
        that their site didn't take back. What one call has counted no other counts,
        of any replica; the first of all only says from when on it is counted.

        Returns:
            By site, how many.
        """
        ...
