"""Operating: what operators see and do, and what the site registry adds."""

import uuid

import aiohttp

from aggregator.configuration.loading import Configuration
from aggregator.ports.clock import Clock
from aggregator.ports.telemetry import Telemetry
from aggregator.registry.site_capabilities import SiteCapabilities
from aggregator.services.background import Background
from aggregator.services.draining import DrainBook, Draining
from aggregator.services.reconfiguring import Reconfiguring
from aggregator.services.registering import RegisteredFederation, Registering
from aggregator.services.releasing import Releasing
from aggregator.services.site_activity import SiteActivity
from aggregator.services.site_board import SiteBoard
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.services.synthetic_probing import SyntheticProbing
from aggregator.services.tallies import RememberedTallies
from aggregator.store.registrations import RegistrationStore
from aggregator.store.sql_store import SqlStore


class Operating:
    """Builds and begins all that.

    Attributes:
        book: Knows the drains.
        draining: Drains sites.
        board: Shows the sites.
    """

    def __init__(
        self,
        *,
        configuration: Configuration,
        store: SqlStore,
        background: Background,
        session: aiohttp.ClientSession,
        clock: Clock,
        telemetry: Telemetry,
        book: DrainBook,
        activity: SiteActivity,
        snapshot: RegisteredFederation,
        health: SiteHealth,
        calls: SiteCalls,
    ) -> None:
        self._configuration = configuration
        self._store = store
        self._background = background
        self._session = session
        self._clock = clock
        self._telemetry = telemetry
        self._snapshot = snapshot
        self._health = health
        self._calls = calls
        self.draining = Draining(
            book=book,
            drains=store.drains,
            trail=store.drains,
            health=health,
            snapshot=snapshot,
            clock=clock,
            new_uuid=lambda: str(uuid.uuid4()),
        )
        self.board = SiteBoard(
            snapshot=snapshot,
            health=health,
            calls=calls,
            book=book,
            tallies=RememberedTallies(store.tallies, clock),
            activity=activity,
            clock=clock,
            limits=configuration.settings.following,
        )

    def start(self, reconfiguring: Reconfiguring, releasing: Releasing) -> None:
        """Begin what runs beside the requests.

        Args:
            reconfiguring: Has what the registry says take effect.
            releasing: Gives back what synthetic probes reserve.
        """
        self._background.run(self.draining.run, name="drains")
        registering = self._registering(reconfiguring)
        if registering is not None:
            self._background.run(registering.run, name="registry")
        probing = self._synthetic_probing(releasing)
        if probing is not None:
            self._background.run(probing.run, name="synthetic_probes")

    def _registering(self, reconfiguring: Reconfiguring) -> Registering | None:
        entry = self._configuration.settings.registry
        token = self._configuration.registry_token
        if entry.url is None:
            return None
        return Registering(
            registry=SiteCapabilities(
                entry.url, self._session, self._clock, token.given, token.file
            ),
            memory=RegistrationStore(self._store.database, entry.url),
            federation=self._snapshot,
            reconfiguring=reconfiguring,
            telemetry=self._telemetry,
            interval=entry.interval,
            timeout=entry.timeout,
        )

    def _synthetic_probing(self, releasing: Releasing) -> SyntheticProbing | None:
        limits = self._configuration.settings.health.synthetic
        request = self._configuration.probe_request
        if limits is None or request is None:
            return None
        return SyntheticProbing(
            request=request,
            snapshot=self._snapshot,
            calls=self._calls,
            health=self._health,
            releasing=releasing,
            background=self._background,
            clock=self._clock,
            limits=limits,
        )
