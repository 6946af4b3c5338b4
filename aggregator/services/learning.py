"""Learning: what accepted sessions taught of sites and links, for ranking to read.

It is built beside the requests, from a bounded number of histories: a session that has
ended is read once, the others again and again, those first that were not read for the
longest time. What ranking reads is one immutable value, replaced whole.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import SiteCalibrated, SiteUsed
from aggregator.domain.principal import ANONYMOUS, Principal
from aggregator.domain.ranking.calibration import ANY_KIND, Calibrations, calibrate
from aggregator.domain.ranking.histories import SessionHistory
from aggregator.domain.ranking.knowledge import (
    Knowledge,
    Links,
    MeasuredLink,
    SiteFacts,
)
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.ranking.throughput import measured_links
from aggregator.domain.ranking.usage import Usages, usages
from aggregator.ports.clock import Clock
from aggregator.ports.histories import Histories
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.telemetry import Telemetry

_log = structlog.get_logger(__name__)
_INTERVAL: Final = 60.0
_OLDEST: Final = timedelta(days=28)
"""Four half-lives: what is older would weigh next to nothing."""

_MOST_SESSIONS: Final = 2000
_READ_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Learned:
    """What ranking may add to what is configured and counted."""

    starts: Calibrations = field(default_factory=Calibrations)
    links: Mapping[tuple[str, str], MeasuredLink] = field(default_factory=dict)
    usages: Usages = field(default_factory=Usages)

    def facts(
        self, facts: SiteFacts, kind: str, user: Principal = ANONYMOUS
    ) -> SiteFacts:
        """Return what is known of a site, with what was learned of it.

        Args:
            facts: What is known beside that.
            kind: The kind of executable whose starts matter.
            user: The user whose use of the site matters.
        """
        site = facts.site.name
        owner = (user.issuer, user.subject)
        return replace(
            facts,
            record=self.starts.record(site, kind),
            usage=self.usages.known_to(owner, user.groups, site),
        )

    def link_knowledge(self, links: Links) -> Links:
        """Return the configured links, with what was measured."""
        return replace(links, measured=self.links)


class Learning:
    """Learns now and then."""

    def __init__(
        self,
        *,
        histories: Histories,
        snapshot: Snapshot,
        clock: Clock,
        telemetry: Telemetry,
        sampling: float,
    ) -> None:
        """Start with nothing learned.

        Args:
            histories: Where accepted sessions are read.
            snapshot: Tells which site sends what a storage element holds.
            clock: The time of day.
            telemetry: Is told how late each site is.
            sampling: The longest time between two readings of a session, in seconds.
        """
        self._histories = histories
        self._snapshot = snapshot
        self._clock = clock
        self._telemetry = telemetry
        self._sampling = sampling
        self._learned = Learned()
        self._read: dict[str, SessionHistory | None] = {}
        self._whole: set[str] = set()

    def learned(self) -> Learned:
        """Return what is learned by now."""
        return self._learned

    async def run(self) -> None:
        """Learn until cancelled."""
        while True:
            try:
                await self.learn()
            except StoreUnavailable as error:
                _log.warning("nothing_learned", reason=error.detail)
            await asyncio.sleep(_INTERVAL)

    async def learn(self) -> None:
        """Read what is new, and replace what is learned.

        Raises:
            StoreUnavailable: It can't be read; what was learned stays.
        """
        now = self._clock.now()
        accepted = await self._histories.accepted(now - _OLDEST, _MOST_SESSIONS)
        self._forget_all_but(accepted)
        await self._read_some(accepted)
        histories = [one for one in self._read.values() if one is not None]
        self._learned = await asyncio.to_thread(self._lessons, histories, now)
        self._tell(self._learned)

    def _tell(self, learned: Learned) -> None:
        sites = self._snapshot.current().sites.keys()
        for (site, kind), one in learned.starts.by_site_and_kind.items():
            if kind == ANY_KIND and site in sites:
                self._telemetry.record(
                    SiteCalibrated(site, one.late.median, one.late.count, one.censored)
                )
        for site in sites:
            self._telemetry.record(SiteUsed(site, learned.usages.in_all({site})))

    def _forget_all_but(self, accepted: Mapping[str, bool]) -> None:
        for gone in self._read.keys() - accepted.keys():
            del self._read[gone]
        self._whole &= accepted.keys()

    async def _read_some(self, accepted: Mapping[str, bool]) -> None:
        new = [session for session in accepted if session not in self._read]
        growing = [session for session in self._read if session not in self._whole]
        sessions = list(islice((*new, *growing), _READ_AT_ONCE))
        found = {one.session: one for one in await self._histories.read(sessions)}
        for session in sessions:
            # Those that were read last stand last.
            self._read.pop(session, None)
            self._read[session] = found.get(session)
            # It was no longer followed before it was read: nothing can be missing.
            if not accepted[session]:
                self._whole.add(session)

    def _lessons(self, histories: Sequence[SessionHistory], now: datetime) -> Learned:
        federation = self._snapshot.current()
        lake = Lake(
            Knowledge(
                sites={n: SiteFacts(s.site) for n, s in federation.sites.items()},
                links=federation.links,
            )
        )
        return Learned(
            calibrate(histories, now),
            measured_links(histories, lake, now, self._sampling),
            usages(histories, now),
        )


def nothing_learned() -> Learned:
    """Return what is known of sites and links before anything was learned."""
    return Learned()
