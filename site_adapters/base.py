"""What every adapter is and is built from.

An adapter speaks to one site. Third parties bring their own by an entry point in
the group ``metabroker.site_adapters`` that names an ``AdapterFactory``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import aiohttp

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext, SiteBroker, SiteProbe


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Bounds of what one site's answer may cost us.

    Attributes:
        body: The largest body that is read, in bytes after decompression.
        offers: Offers that are read of one answer; what is beyond is left out.
        redirects: Redirects that are followed, always within the site's origin.
        reprobe_after: Seconds between two probes of a site's dialect.
    """

    body: int = 4 * 1024 * 1024
    offers: int = 1000
    redirects: int = 5
    reprobe_after: float = 300.0


@dataclass(frozen=True, slots=True)
class Preparation:
    """How the preparation of an adapter ended.

    Attributes:
        outcome: ``ok`` where the adapter knows how to speak to its site.
        dialect: The name of the dialect that it will speak, empty if unknown.
        detail: What was wrong, in words for the operator.
        offers: Offers that came though nothing was asked for, to be released.
    """

    outcome: Outcome
    dialect: str = ""
    detail: str = ""
    offers: tuple[Offer, ...] = ()


class SiteAdapter(SiteBroker, SiteProbe, Protocol):
    """One site's broker as the federation sees it."""

    async def prepare(self, context: CallContext) -> Preparation:
        """Find out what must be known before the site can be spoken to.

        Calling it is a courtesy, done once after start so that the first request
        needn't wait for it. Like all calls it returns its failures.
        """
        ...


class AdapterFactory(Protocol):
    """Makes the adapter that speaks to ``site``."""

    def __call__(
        self,
        site: Site,
        session: aiohttp.ClientSession,
        limits: CallLimits,
        *,
        clock: Clock,
        dialect_probe: bool = True,
    ) -> SiteAdapter:
        """Make an adapter; ``dialect_probe`` says whether it may probe dialects."""
        ...


class WallClock:
    """The time of day of this machine."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)
