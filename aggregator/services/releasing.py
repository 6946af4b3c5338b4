"""Releasing: telling sites that offers won't be taken, from a durable queue."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Container, Sequence
from datetime import datetime, timedelta

import structlog

from aggregator.domain.acceptance import Verdict, verdict
from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import ReleaseOutcome, ReleasesQueued, ReleaseTried
from aggregator.domain.outcomes import (
    WITHOUT_CREDENTIALS,
    Outcome,
    SessionReading,
)
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release, Route
from aggregator.domain.updates import Update, phase_update
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import Overlays, ReleaseRetries, Releases, Routes
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.limits import ReleaseLimits
from aggregator.services.site_calls import SiteCalls, context_for

_log = structlog.get_logger(__name__)
_REJECT = phase_update(SessionPhase.REJECTED)
_CANCEL = phase_update(SessionPhase.CANCELLED)
_REMEMBERED_CALLERS = 10_000


class Releasing:
    """Works off the queue of releases, and gives back what fails, to be tried again.

    Sites that know users want their credentials also for a release: they are kept in
    memory only, and are gone after a restart. Where the service has a name of its own
    at a site, it goes on with that.
    """

    def __init__(
        self,
        *,
        queue: Releases,
        retries: ReleaseRetries,
        routes: Routes,
        overlays: Overlays,
        snapshot: Snapshot,
        calls: SiteCalls,
        background: Background,
        clock: Clock,
        telemetry: Telemetry,
        limits: ReleaseLimits,
        replica: str,
    ) -> None:
        self._queue = queue
        self._retries = retries
        self._routes = routes
        self._overlays = overlays
        self._snapshot = snapshot
        self._calls = calls
        self._background = background
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._replica = replica
        self._due = asyncio.Event()
        self._callers: OrderedDict[tuple[str, str], Caller] = OrderedDict()

    async def release(
        self, releases: Sequence[Release], caller: Caller | None = None
    ) -> None:
        """Queue ``releases``; without a store they are tried once, right away."""
        self.remember(releases, caller)
        try:
            await self._queue.queue(releases, self._clock.now())
        except StoreUnavailable as error:
            _log.warning("releases_not_queued", reason=error.detail)
            for release in releases:
                self._background.detach(
                    self._ask(release, _REJECT), name="release_unqueued"
                )
        else:
            self.wake()

    def remember(self, releases: Sequence[Release], caller: Caller | None) -> None:
        """Keep the caller's credentials in memory until ``releases`` are done."""
        if caller is None or caller.authorization is None:
            return
        for release in releases:
            self._callers[release.site, release.session] = caller
        while len(self._callers) > _REMEMBERED_CALLERS:
            self._callers.popitem(last=False)

    def wake(self) -> None:
        """Have the queue looked at now."""
        self._due.set()

    async def run(self) -> None:
        """Work off the queue until cancelled."""
        while True:
            self._due.clear()
            try:
                while await self.work_off():
                    pass
            except StoreUnavailable as error:
                _log.warning("release_queue_unavailable", reason=error.detail)
            try:
                async with asyncio.timeout(self._limits.interval):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def work_off(self) -> bool:
        """Try one batch of releases that are due; say whether there was any."""
        now = self._clock.now()
        lease = now + timedelta(seconds=2 * self._limits.call + 5)
        batch = await self._queue.lease(self._replica, now, lease, self._limits.batch)
        async with asyncio.TaskGroup() as group:
            for release in batch:
                group.create_task(self._try(release))
        self._telemetry.record(ReleasesQueued(await self._retries.waiting()))
        return bool(batch)

    async def _try(self, release: Release) -> None:
        try:
            route = await self._route_of(release)
            if route is not None and not await self._is_given_up(route):
                await self._finish(release, ReleaseOutcome.RELEASED)
                return
            reading = await self._ask(release, _REJECT)
            done = {Verdict.TAKEN, Verdict.REFUSED}
            if route is not None and verdict(reading) is Verdict.TAKEN:
                # A call that was given up reached the site late.
                reading = await self._ask(release, _CANCEL)
                done = {Verdict.REFUSED}
            await self._keep(release, reading, done)
        except StoreUnavailable as error:
            # Its lease ends, and it is tried again: to reject twice does no harm.
            _log.warning("release_not_noted", reason=error.detail)

    async def _route_of(self, release: Release) -> Route | None:
        """Return the route of an offer that was shown to somebody."""
        route = await self._routes.get(release.session)
        return route if route is not None and route.site == release.site else None

    async def _is_given_up(self, route: Route) -> bool:
        """Whether nobody has accepted the offer; then nobody can from now on.

        A user may be quicker than a release, and a site may give one reservation to
        two users: what is accepted is never released.
        """
        rejected = SessionPhase.REJECTED
        return route.overlay is rejected or await self._overlays.mark(
            route.session, rejected
        )

    async def _keep(
        self, release: Release, reading: SessionReading, done: Container[Verdict]
    ) -> None:
        now = self._clock.now()
        outcome = self._outcome(release, reading, done, now)
        if outcome is not ReleaseOutcome.RETRIED:
            await self._finish(release, outcome)
            return
        self._tell(release, outcome)
        pause = timedelta(seconds=self._pause(release, reading))
        await self._retries.put_off(release, now + pause)

    async def _finish(self, release: Release, outcome: ReleaseOutcome) -> None:
        self._tell(release, outcome)
        self._callers.pop((release.site, release.session), None)
        await self._queue.finish(release, outcome.value, self._clock.now())

    def _tell(self, release: Release, outcome: ReleaseOutcome) -> None:
        lag = (self._clock.now() - release.queued).total_seconds()
        self._telemetry.record(
            ReleaseTried(release.site, release.session, outcome, lag)
        )

    async def _ask(self, release: Release, update: Update) -> SessionReading:
        site = self._snapshot.current().owner(release.site)
        if site is None:
            return SessionReading(
                release.site, Outcome.NOT_FOUND, detail="the site was removed"
            )
        deadline = asyncio.get_running_loop().time() + self._limits.call
        caller = self._callers.get((release.site, release.session))
        context = context_for(caller, deadline)
        return await self._calls.release_session(site, release.session, update, context)

    def _outcome(
        self,
        release: Release,
        reading: SessionReading,
        done: Container[Verdict],
        now: datetime,
    ) -> ReleaseOutcome:
        lifetime = timedelta(seconds=self._limits.lifetime)
        end = release.expires or release.queued + lifetime
        if verdict(reading) in done and reading.outcome not in WITHOUT_CREDENTIALS:
            may_be_forgotten = reading.phase is SessionPhase.REJECTED and now <= end
            if release.until_expiry and may_be_forgotten:
                return ReleaseOutcome.RETRIED
            return ReleaseOutcome.RELEASED
        grace = timedelta(seconds=self._limits.grace)
        return ReleaseOutcome.ABANDONED if now > end + grace else ReleaseOutcome.RETRIED

    def _pause(self, release: Release, reading: SessionReading) -> float:
        doubled = self._limits.first_pause * 2.0 ** min(release.attempts, 30)
        pause = min(doubled, self._limits.longest_pause)
        jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, not a secret
        return max(jittered, reading.retry_after or 0.0)
