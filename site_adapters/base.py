"""What every adapter is and is built from.

An adapter speaks to one site. Third parties bring their own by an entry point in
the group ``metabroker.site_adapters`` that names an ``AdapterFactory``.
"""

from dataclasses import dataclass
from typing import Protocol

import aiohttp

from aggregator.domain.sites import Site
from aggregator.ports.clock import Clock
from aggregator.ports.sites import SiteBroker, SitePreparation, SiteProbe


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Bounds of what one site's answer may cost us.

    Attributes:
        body: The largest body that is read, in bytes after decompression.
        offers: Offers that are read of one answer; what is beyond is left out.
        redirects: Redirects that are followed, always within the site's origin.
        reprobe_after: Seconds between a probe of a site's dialect and the next, where
            there are doubts; they double while probes find nothing new.
        longest_reprobe: The most that these seconds become.
    """

    body: int = 4 * 1024 * 1024
    offers: int = 1000
    redirects: int = 5
    reprobe_after: float = 5.0
    longest_reprobe: float = 300.0


class SiteAdapter(SiteBroker, SiteProbe, SitePreparation, Protocol):
    """One site's broker as the federation sees it."""


class AdapterFactory(Protocol):
    """Makes the adapter that speaks to ``site``.

    The adapter is kept while what concerns it stays the same; ``pool`` says what of a
    site doesn't.
    """

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
