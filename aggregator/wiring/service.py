"""The service: every use case of one process, built once."""

import asyncio
import os
import socket
import uuid
from functools import partial

import aiohttp

from aggregator.configuration.components import installed_components
from aggregator.configuration.loading import Configuration
from aggregator.configuration.policies import PolicyTexts
from aggregator.configuration.rereading import ConfigurationFiles
from aggregator.configuration.watching import CurrentFederation
from aggregator.credentials.of_sites import CredentialsPool
from aggregator.domain.events import Reloaded
from aggregator.http.keys import UseCases
from aggregator.observability.metrics import Metrics
from aggregator.ports.snapshot import Federation
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.budget import ReservationBudget
from aggregator.services.census import Census
from aggregator.services.decisions import Decisions
from aggregator.services.draining import DrainBook
from aggregator.services.failover import Failover
from aggregator.services.fan_out import FanningOut
from aggregator.services.following import Following
from aggregator.services.known_offer_sets import KnownOfferSets
from aggregator.services.late_answers import LateAnswers
from aggregator.services.learning import Learning
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.services.preparing import Preparing
from aggregator.services.probing import Probing
from aggregator.services.pruning import Pruning
from aggregator.services.readiness import Readiness
from aggregator.services.reconfiguring import Reconfiguring
from aggregator.services.registering import RegisteredFederation
from aggregator.services.reloading import Reloading
from aggregator.services.repeating import Repeating
from aggregator.services.replaying import Replaying
from aggregator.services.requesting import Requesting
from aggregator.services.site_activity import SiteActivity
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.store.sql_store import SqlStore
from aggregator.wiring.federation import (
    WallClock,
    adapter_pool,
    federation_of,
    load_configuration,
    network_catalogue,
)
from aggregator.wiring.operating import Operating
from aggregator.wiring.parts import Parts
from aggregator.wiring.sessions import SessionUseCases


class Service:
    """Everything that one process runs, built once."""

    def __init__(
        self,
        configuration: Configuration,
        store: SqlStore,
        background: Background,
        session: aiohttp.ClientSession,
        metrics: Metrics,
        telemetry: Telemetry,
    ) -> None:
        self._background = background
        self._settings = configuration.settings
        self._store = store
        self._clock = WallClock()
        self._metrics = metrics
        self._activity = SiteActivity(telemetry)
        self._telemetry: Telemetry = self._activity
        self._adapters = adapter_pool(self._settings, session, self._clock)
        self._credentials = CredentialsPool(session, self._telemetry)
        self._catalogue = network_catalogue(
            configuration, session, background, telemetry
        )
        self._snapshot = RegisteredFederation(
            CurrentFederation(
                federation_of(
                    configuration, self._adapters, self._credentials, self._catalogue
                )
            ),
            self._clock,
        )
        self._distances = (
            self._catalogue.distances(self._snapshot) if self._catalogue else None
        )
        book = DrainBook()
        self._health = SiteHealth(
            self._settings.health, self._clock, self._telemetry, book.drain_of
        )
        self._calls = SiteCalls(self._health, self._telemetry)
        parts = Parts(
            settings=self._settings,
            store=store,
            snapshot=self._snapshot,
            health=self._health,
            calls=self._calls,
            background=background,
            clock=self._clock,
            telemetry=self._telemetry,
            replica=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        )
        self._operating = Operating(parts, configuration, session, book, self._activity)
        self._telemetry.record(Reloaded(success=True))
        self._decisions = Decisions(
            store.decisions, background, self._settings.decisions
        )
        self._sessions = SessionUseCases(parts)
        self._releasing = self._sessions.releasing
        self._reconfiguring = Reconfiguring(
            holder=self._snapshot,
            health=self._health,
            preparing=Preparing(self._releasing, self._health, self._clock),
            background=background,
            show=self._show,
        )
        self.reloading = self._build_reloading(configuration)
        self._learning = Learning(
            histories=store.histories,
            snapshot=self._snapshot,
            clock=self._clock,
            telemetry=self._telemetry,
            sampling=self._settings.watcher.slow,
        )
        repeating = self._build_repeating()
        offer_sets = ShownOfferSets(
            KnownOfferSets(
                store.offer_sets, store.routes, self._clock, self._settings.status
            ),
            self._clock,
        )
        self.use_cases = UseCases(
            repeating=repeating,
            following=Following(
                watch=store.offer_sets,
                offer_sets=offer_sets,
                sessions=self._sessions.sessions,
                limits=self._settings.following,
            ),
            offer_sets=offer_sets,
            decisions=self._decisions,
            replaying=Replaying(
                decisions=store.decisions,
                reader=PolicyTexts(installed_components()),
                snapshot=self._snapshot,
                limits=self._settings.decisions,
            ),
            sessions=self._sessions.sessions,
            updating=self._sessions.updating,
            failover=self._build_failover(repeating),
            site_health=self._health,
            board=self._operating.board,
            draining=self._operating.draining,
            snapshot=self._snapshot,
            readiness=Readiness(store.health),
            clock=self._clock,
            telemetry=self._telemetry,
        )

    async def start(self) -> None:
        """Begin what runs beside the requests.

        Drains are known before the first request comes.
        """
        await self._operating.draining.keep_up()
        self._reconfiguring.begin()
        self._operating.start(self._reconfiguring, self._releasing)
        self._background.run(self.reloading.run, name="reloading")
        if self._settings.reload.watch:
            self._background.run(self.reloading.watch, name="watch_files")
        self._background.run(self._releasing.run, name="releases")
        self._background.run(self._sessions.accepting.resume, name="acceptances")
        self._background.run(self._sessions.watching.run, name="watches")
        pruning = Pruning(self._store.retention, self._clock, self._settings.retention)
        self._background.run(pruning.run, name="pruning")
        census = Census(self._store.holdings, self._clock, self._telemetry)
        self._background.run(census.run, name="census")
        self._background.run(self._learning.run, name="learning")
        if self._distances is not None:
            self._background.run(self._distances.run, name="rucio_distances")
        if self._settings.health.probes:
            probing = Probing(
                self._snapshot, self._health, self._telemetry, self._settings.health
            )
            self._background.run(probing.run, name="probes")

    def _show(self, federation: Federation) -> None:
        """Have a federation in the metrics, and its adapters kept."""
        sites = [one.site for one in federation.sites.values()]
        self._metrics.configure(
            sites, federation.policies, self._settings.fan_out, self._settings.budget
        )
        retired = [one.site for one in federation.retired.values()]
        self._adapters.keep([*sites, *retired])
        self._activity.keep([site.name for site in sites])

    def _build_reloading(self, configuration: Configuration) -> Reloading:
        return Reloading(
            source=ConfigurationFiles(
                configuration,
                load=partial(load_configuration, configuration.files[0], os.environ),
                build=partial(
                    federation_of,
                    adapters=self._adapters,
                    credentials=self._credentials,
                    catalogue=self._catalogue,
                ),
            ),
            reconfiguring=self._reconfiguring,
            snapshot=self._snapshot,
            telemetry=self._telemetry,
        )

    def _build_repeating(self) -> Repeating:
        return Repeating(
            requesting=self._build_requesting(),
            claims=self._store.request_claims,
            offer_sets=self._store.offer_sets,
            background=self._background,
            clock=self._clock,
            limits=self._settings.fan_out,
            new_uuid=_new_uuid,
        )

    def _build_failover(self, repeating: Repeating) -> Failover:
        return Failover(
            repeating=repeating,
            winners=self._store.winners,
            accepting=self._sessions.accepting,
            sessions=self._sessions.sessions,
            routes=self._store.routes,
            clock=self._clock,
            now=asyncio.get_running_loop().time,
            new_uuid=_new_uuid,
        )

    def _build_requesting(self) -> Requesting:
        return Requesting(
            snapshot=self._distances or self._snapshot,
            fanning_out=FanningOut(
                self._calls,
                self._background,
                self._settings.fan_out,
                enrich=self._settings.enrich,
            ),
            health=self._health,
            offer_sets=self._store.offer_sets,
            late_answers=LateAnswers(
                offer_sets=self._store.offer_sets,
                health=self._health,
                releasing=self._releasing,
                decisions=self._decisions,
                background=self._background,
                clock=self._clock,
                telemetry=self._telemetry,
            ),
            decisions=self._decisions,
            releasing=self._releasing,
            clock=self._clock,
            telemetry=self._telemetry,
            learned=self._learning.learned,
            budget=ReservationBudget(
                self._store.offer_sets, self._clock, self._settings.budget
            ),
            limits=self._settings.fan_out,
        )


def _new_uuid() -> str:
    return str(uuid.uuid4())
