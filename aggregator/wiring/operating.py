"""Operating: what operators see and do, and what the site registry adds."""

import uuid

import aiohttp

from aggregator.configuration.loading import Configuration
from aggregator.registry.site_capabilities import SiteCapabilities
from aggregator.services.draining import DrainBook, Draining
from aggregator.services.reconfiguring import Reconfiguring
from aggregator.services.registering import Registering
from aggregator.services.releasing import Releasing
from aggregator.services.site_activity import SiteActivity
from aggregator.services.site_board import SiteBoard
from aggregator.services.synthetic_probing import SyntheticProbing
from aggregator.services.tallies import RememberedTallies
from aggregator.store.registrations import RegistrationStore
from aggregator.wiring.parts import Parts


class Operating:
    """Builds and begins all that.

    Attributes:
        draining: Drains sites.
        board: Shows the sites.
    """

    def __init__(
        self,
        parts: Parts,
        configuration: Configuration,
        session: aiohttp.ClientSession,
        book: DrainBook,
        activity: SiteActivity,
    ) -> None:
        self._parts = parts
        self._configuration = configuration
        self._session = session
        self.draining = Draining(
            book=book,
            drains=parts.store.drains,
            trail=parts.store.drains,
            health=parts.health,
            snapshot=parts.snapshot,
            clock=parts.clock,
            new_uuid=lambda: str(uuid.uuid4()),
        )
        self.board = SiteBoard(
            snapshot=parts.snapshot,
            health=parts.health,
            calls=parts.calls,
            book=book,
            tallies=RememberedTallies(parts.store.tallies, parts.clock),
            activity=activity,
            clock=parts.clock,
            limits=parts.settings.following,
        )

    def start(self, reconfiguring: Reconfiguring, releasing: Releasing) -> None:
        """Begin what runs beside the requests.

        Args:
            reconfiguring: Has what the registry says take effect.
            releasing: Gives back what synthetic probes reserve.
        """
        self._parts.background.run(self.draining.run, name="drains")
        registering = self._registering(reconfiguring)
        if registering is not None:
            self._parts.background.run(registering.run, name="registry")
        probing = self._synthetic_probing(releasing)
        if probing is not None:
            self._parts.background.run(probing.run, name="synthetic_probes")

    def _registering(self, reconfiguring: Reconfiguring) -> Registering | None:
        entry = self._parts.settings.registry
        token = self._configuration.registry_token
        if entry.url is None:
            return None
        return Registering(
            registry=SiteCapabilities(
                entry.url, self._session, self._parts.clock, token.given, token.file
            ),
            memory=RegistrationStore(self._parts.store.database, entry.url),
            federation=self._parts.snapshot,
            reconfiguring=reconfiguring,
            telemetry=self._parts.telemetry,
            interval=entry.interval,
            timeout=entry.timeout,
        )

    def _synthetic_probing(self, releasing: Releasing) -> SyntheticProbing | None:
        limits = self._parts.settings.health.synthetic
        request = self._configuration.probe_request
        if limits is None or request is None:
            return None
        return SyntheticProbing(
            request=request,
            snapshot=self._parts.snapshot,
            calls=self._parts.calls,
            health=self._parts.health,
            releasing=releasing,
            background=self._parts.background,
            clock=self._parts.clock,
            limits=limits,
        )
