"""Synthetic probing: requests that nobody wants, to see whether sites make offers.

A plain probe sees that a broker answers. This one goes the whole way of a user's
request: it asks for offers, and gives back what came. It reserves for a moment, so
that it is off unless an operator wants it.
"""

import asyncio
import random
from typing import Final

from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.site_conditions import SyntheticReading
from aggregator.ports.clock import Clock
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite, Snapshot
from aggregator.services.background import Background
from aggregator.services.composing import release
from aggregator.services.limits import SyntheticLimits
from aggregator.services.releasing import Releasing
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth

_REASON: Final = "it was offered to a probe, which wants none"


class SyntheticProbing:
    """Asks sites for offers on an interval, and releases what they reserve.

    Sites that no user's request would go to now aren't asked either, so that an
    ejected one is, once its ejection is over: then this is its trial.
    """

    def __init__(
        self,
        *,
        request: ExecutionRequest,
        snapshot: Snapshot,
        calls: SiteCalls,
        health: SiteHealth,
        releasing: Releasing,
        background: Background,
        clock: Clock,
        limits: SyntheticLimits,
    ) -> None:
        self._request = request
        self._snapshot = snapshot
        self._calls = calls
        self._health = health
        self._releasing = releasing
        self._background = background
        self._clock = clock
        self._limits = limits

    async def run(self) -> None:
        """Probe until cancelled; the first time after a pause, as all others."""
        while True:
            # Jittered, so that replicas don't all ask at once.
            await asyncio.sleep(self._limits.interval * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter, not a secret
            await self.probe_all()

    async def probe_all(self) -> None:
        """Probe every site that is wanted and can be asked, once.

        The calls belong to the service: what they reserve is given back also where
        it ends meanwhile.
        """
        calls = [
            self._background.spawn(self._probe(site), name="synthetic_probe")
            for site in self._snapshot.current().sites.values()
            if self._is_wanted(site)
        ]
        if calls:
            await asyncio.wait(calls)

    def _is_wanted(self, site: FederatedSite) -> bool:
        wanted = self._limits.sites
        return (not wanted or site.site.name in wanted) and self._calls.refusal(
            site
        ) is None

    async def _probe(self, site: FederatedSite) -> None:
        deadline = asyncio.get_running_loop().time() + self._limits.timeout
        answer = await self._calls.probe_offers(
            site, self._request, CallContext(deadline=deadline)
        )
        now = self._clock.now()
        offers = (*answer.offers, *answer.surplus)
        if offers:
            await self._releasing.release(
                [release(offer, _REASON, now) for offer in offers]
            )
        self._health.note_synthetic(
            site.site.name,
            SyntheticReading(
                now, answer.outcome, answer.seconds, len(answer.offers), answer.detail
            ),
        )
