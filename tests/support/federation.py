"""The use cases over in-process sites and an in-process store, on a virtual clock."""

import asyncio
import itertools
from contextlib import asynccontextmanager
from uuid import uuid5

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import Required, Site
from aggregator.ports.snapshot import FederatedSite, Federation
from aggregator.services.accepting import Accepting
from aggregator.services.attempts import Attempts
from aggregator.services.background import Background
from aggregator.services.budget import ReservationBudget
from aggregator.services.caller import Caller
from aggregator.services.decisions import Decisions
from aggregator.services.failover import Failover
from aggregator.services.fan_out import FanningOut
from aggregator.services.known_offer_sets import KnownOfferSets
from aggregator.services.late_answers import LateAnswers
from aggregator.services.learning import nothing_learned
from aggregator.services.limits import (
    AcceptanceLimits,
    BudgetLimits,
    DecisionLimits,
    FanOutLimits,
    HealthLimits,
    ReleaseLimits,
    StatusLimits,
    WatchLimits,
)
from aggregator.services.locating import Locating
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.services.recovering import Recovering
from aggregator.services.regretting import Regretting
from aggregator.services.releasing import Releasing
from aggregator.services.repeating import Repeating
from aggregator.services.requesting import Requesting
from aggregator.services.sessions import Sessions
from aggregator.services.settling import Settling
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.services.updating import Updating
from aggregator.services.watching import Watching
from tests.support.in_process import NAMESPACE, InProcessSite, RecordedTelemetry
from tests.support.memory_store import MemoryStore
from tests.support.ranking import ROOT, policy_file
from tests.support.virtual_time import LoopClock

DEFAULT_POLICY = policy_file(ROOT / "config" / "ranking" / "default.yaml")
REQUEST = ExecutionRequest("docker-container", name="test", dialect="2025-11")


class NoCatalogue:
    """A replica catalogue that knows nothing."""

    async def locate(self, dids, deadline):
        return {}


class InProcessFederation:
    """A whole federation in one process; sites are added before it runs."""

    def __init__(self, store=None, **limits):
        self.clock = LoopClock()
        self.telemetry = RecordedTelemetry()
        self.store = store or MemoryStore()
        self.sites: dict[str, FederatedSite] = {}
        self.brokers: dict[str, InProcessSite] = {}
        self.fan_out_limits = limits.pop("fan_out", FanOutLimits())
        self.health_limits = limits.pop("health", HealthLimits(probes=False))
        self.acceptance_limits = limits.pop("acceptance", AcceptanceLimits())
        self.budget_limits = limits.pop("budget", BudgetLimits())
        self.status_limits = limits.pop("status", StatusLimits())
        self.watch_limits = limits.pop("watcher", WatchLimits())
        self.open_to_all = limits.pop("open_to_all", True)
        self.replica = limits.pop("replica", "r")
        self.drain_of = limits.pop("drain_of", lambda _: None)
        self.policy = limits.pop("policy", DEFAULT_POLICY)
        self.learned = nothing_learned()
        assert not limits
        self._uuids = (str(uuid5(NAMESPACE, f"set/{n}")) for n in itertools.count())

    def add(self, name, *, required=Required.NEVER, site=None, **behaviour):
        broker = InProcessSite(name, self.clock, **behaviour)
        configured = site or Site(name, f"https://{name}.example", required=required)
        self.sites[name] = FederatedSite(configured, broker, probe=None)
        self.brokers[name] = broker
        return broker

    def current(self):
        return Federation(
            sites=self.sites,
            policies=(self.policy,),
            links=Links(),
            catalogue=NoCatalogue(),
            retired={},
            revision=1,
        )

    @asynccontextmanager
    async def running(self):
        async with Background().running() as background:
            self._build(background)
            yield self

    def _build(self, background):
        store, clock, telemetry = self.store, self.clock, self.telemetry
        self.health = SiteHealth(self.health_limits, clock, telemetry, self.drain_of)
        self.health.configure(site.site for site in self.sites.values())
        self.calls = SiteCalls(self.health, telemetry)
        shared = {
            "snapshot": self,
            "calls": self.calls,
            "clock": clock,
            "telemetry": telemetry,
            "background": background,
        }
        self.releasing = Releasing(
            queue=store,
            retries=store,
            routes=store.routes,
            overlays=store.routes,
            limits=ReleaseLimits(),
            replica=self.replica,
            **shared,
        )
        winners = {"winners": store, "winner_readings": store}
        self.settling = Settling(
            routes=store.routes,
            releasing=self.releasing,
            clock=clock,
            telemetry=telemetry,
            **winners,
        )
        self.recovering = Recovering(
            recovery=store,
            snapshot=self,
            calls=self.calls,
            clock=clock,
            deadline=self.status_limits.deadline,
        )
        self.locating = Locating(
            recovering=self.recovering,
            routes=store.routes,
            snapshot=self,
            health=self.health,
            background=background,
            open_to_all=self.open_to_all,
        )
        self.sessions = Sessions(
            routes=store.routes,
            limits=self.status_limits,
            settling=self.settling,
            regretting=Regretting(store, telemetry),
            locating=self.locating,
            **shared,
        )
        acceptance = {
            **winners,
            "sessions": self.sessions,
            "settling": self.settling,
            "clock": clock,
            "limits": self.acceptance_limits,
            "replica": self.replica,
        }
        self.accepting = Accepting(
            attempts=Attempts(
                releasing=self.releasing,
                snapshot=self,
                calls=self.calls,
                telemetry=telemetry,
                **acceptance,
            ),
            routes=store.routes,
            background=background,
            **acceptance,
        )
        self.watching = Watching(
            watches=store,
            sessions=self.sessions,
            clock=clock,
            limits=self.watch_limits,
            replica=self.replica,
        )
        self.updating = Updating(
            sessions=self.sessions,
            accepting=self.accepting,
            releasing=self.releasing,
            overlays=store.routes,
            snapshot=self,
            calls=self.calls,
            clock=clock,
            limits=self.acceptance_limits,
        )
        # Decisions are packed in threads, which know no virtual time.
        decisions = Decisions(None, background, DecisionLimits(kept=0))
        self.requesting = Requesting(
            snapshot=self,
            fanning_out=FanningOut(self.calls, background, self.fan_out_limits),
            health=self.health,
            offer_sets=store.offer_sets,
            late_answers=LateAnswers(
                offer_sets=store.offer_sets,
                health=self.health,
                releasing=self.releasing,
                decisions=decisions,
                background=background,
                clock=clock,
                telemetry=telemetry,
            ),
            decisions=decisions,
            releasing=self.releasing,
            clock=clock,
            telemetry=telemetry,
            budget=ReservationBudget(store, clock, self.budget_limits),
            limits=self.fan_out_limits,
            learned=lambda: self.learned,
        )
        self.repeating = Repeating(
            requesting=self.requesting,
            claims=store.request_claims,
            offer_sets=store.offer_sets,
            background=background,
            clock=clock,
            limits=self.fan_out_limits,
            new_uuid=lambda: next(self._uuids),
        )
        self.failover = Failover(
            repeating=self.repeating,
            winners=store,
            accepting=self.accepting,
            sessions=self.sessions,
            routes=store.routes,
            clock=clock,
            now=asyncio.get_running_loop().time,
            new_uuid=lambda: next(self._uuids),
        )
        known = KnownOfferSets(
            store.offer_sets, store.routes, clock, self.status_limits
        )
        self.shown = ShownOfferSets(known, clock)

    async def ask(self, request=REQUEST, **caller):
        return await self.requesting.request_offers(
            request, self.caller(**caller), next(self._uuids)
        )

    def caller(self, **caller):
        return Caller(received=asyncio.get_running_loop().time(), **caller)
