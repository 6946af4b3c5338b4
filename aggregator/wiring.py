"""The composition root: builds everything from the configuration, and runs it."""

import asyncio
import gc
import importlib.metadata
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from aggregator.catalogue.caching import CacheLimits
from aggregator.catalogue.services import NetworkCatalogue
from aggregator.catalogue.static import StaticCatalogue
from aggregator.catalogue.token import Token
from aggregator.configuration.components import installed_components
from aggregator.configuration.loading import Configuration, load
from aggregator.configuration.policies import PolicyTexts
from aggregator.configuration.rereading import ConfigurationFiles
from aggregator.configuration.settings import Auth, Settings
from aggregator.configuration.watching import CurrentFederation
from aggregator.domain.events import Reloaded
from aggregator.domain.principal import ANONYMOUS, OPERATORS, Principal
from aggregator.http.application import create_application
from aggregator.http.keys import (
    Authentication,
    Exposition,
    HttpSettings,
    UseCases,
)
from aggregator.identity.keys import IssuerKeys, KeyLimits
from aggregator.identity.tokens import JwtVerifier, TokenRules
from aggregator.observability.logs import LoggedTelemetry, configure_logging
from aggregator.observability.metrics import Metrics
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import FederatedSite, Federation, Snapshot
from aggregator.ports.telemetry import Telemetry
from aggregator.services.accepting import Accepting
from aggregator.services.attempts import Attempts
from aggregator.services.background import Background
from aggregator.services.budget import ReservationBudget
from aggregator.services.census import Census
from aggregator.services.decisions import Decisions
from aggregator.services.failover import Failover
from aggregator.services.fan_out import FanningOut
from aggregator.services.following import Following
from aggregator.services.late_answers import LateAnswers
from aggregator.services.learning import Learning
from aggregator.services.locating import Locating
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.services.preparing import Preparing
from aggregator.services.probing import Probing
from aggregator.services.pruning import Pruning
from aggregator.services.readiness import Readiness
from aggregator.services.reconfiguring import Reconfiguring
from aggregator.services.recovering import Recovered, Recovering
from aggregator.services.releasing import Releasing
from aggregator.services.reloading import Reloading
from aggregator.services.repeating import Repeating
from aggregator.services.replaying import Replaying
from aggregator.services.requesting import Requesting
from aggregator.services.sessions import Sessions
from aggregator.services.settling import Settling
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.services.updating import Updating
from aggregator.services.watching import Watching
from aggregator.store.sql_store import SqlStore, open_store
from aggregator.wire.dialects import DIALECTS
from site_adapters.base import CallLimits
from site_adapters.pool import AdapterPool
from site_adapters.registry import adapter_factories

_log = structlog.get_logger(__name__)
_DISTRIBUTION = "srcnet-metabroker"
_SHUTDOWN_GRACE = 10.0


class WallClock:
    """The time of day of this machine."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that answers.

    Attributes:
        url: Where it is to be reached, without a trailing slash.
        reload: Has the configuration read again, soon.
    """

    url: str
    store: SqlStore
    reload: Callable[[], None]


def version() -> str:
    """Return our version."""
    return importlib.metadata.version(_DISTRIBUTION)


def load_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read the settings at ``path`` and all files that they name.

    Raises:
        ConfigurationError: With all that is wrong, each with file, line and column.
    """
    return load(
        path,
        environ,
        adapters=adapter_factories().keys(),
        dialects=DIALECTS.keys(),
        components=installed_components(),
    )


def serve(configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are finished first."""
    log = configuration.settings.log
    configure_logging(log.level, log.format)
    asyncio.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_service(configuration) as service:
        # Parsing allocates much that lives briefly: fewer collections cost less.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        loop.add_signal_handler(signal.SIGHUP, service.reload)
        _log.info("service_started", url=service.url, version=version())
        await stop.wait()
        _log.info("service_stopping")


@asynccontextmanager
async def running_service(
    configuration: Configuration, *, host: str | None = None, port: int | None = None
) -> AsyncIterator[RunningService]:
    """Run the service while the block runs. The start never waits for a site.

    Args:
        configuration: What to run.
        host: Where to listen, in the place of what the settings say.
        port: The same; 0 is any that is free.

    Raises:
        OSError: The address can't be listened at.
        StoreUnavailable: The store can't be opened.
    """
    settings = configuration.settings
    listener = _listener(
        settings.listen.host if host is None else host,
        settings.listen.port if port is None else port,
    )
    bound = listener.getsockname()[1]
    metrics = Metrics(version(), WallClock().now)
    with listener:
        async with (
            open_store(settings.store_url) as store,
            Background().running() as background,
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            ) as session,
            _traced(settings, LoggedTelemetry(metrics)) as telemetry,
        ):
            service = _Service(
                configuration, store, background, session, metrics, telemetry
            )
            app = create_application(
                service.use_cases,
                HttpSettings(
                    public_url=partial(settings.base_url, bound),
                    broker_id=settings.via_name(bound, socket.gethostname()),
                    version=version(),
                    started=datetime.now(UTC),
                    standard_id=settings.standard_id,
                    traced=settings.tracing.endpoint is not None,
                    trusted_hosts=frozenset(settings.trusted_hosts),
                    max_request_bytes=settings.bodies.max_request_bytes,
                ),
                Exposition(metrics.render),
                _authentication(settings.auth, session),
            )
            service.start()
            async with _answering(app, listener):
                yield RunningService(
                    settings.base_url(bound), store, service.reloading.request
                )


async def recover(
    configuration: Configuration, sessions: Sequence[str], owner: Principal | None
) -> list[Recovered]:
    """Look for sessions at all sites, and keep the way to those that are found.

    A service on the same store may run meanwhile.

    Args:
        configuration: Of that service.
        sessions: Their uuids.
        owner: Whose they are to be. None is the operators, where users are
            authenticated, else everybody.

    Raises:
        StoreUnavailable: What was found can't be kept.
    """
    settings = configuration.settings
    configure_logging("error", settings.log.format)
    clock = WallClock()
    telemetry = LoggedTelemetry(Metrics(version(), clock.now))
    if owner is None:
        owner = ANONYMOUS if settings.auth.mode == "off" else OPERATORS
    async with (
        open_store(settings.store_url) as store,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        adapters = _adapters(settings, session, clock)
        snapshot = CurrentFederation(_federation(configuration, adapters, None))
        health = SiteHealth(settings.health, clock, telemetry)
        health.configure(configuration.sites)
        calls = SiteCalls(health, telemetry)
        recovering = _recovering(store, snapshot, calls, settings)
        return await recovering.recover_all(sessions, owner)


@asynccontextmanager
async def _traced(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Telemetry]:
    """Have spans exported while the block runs, where an endpoint is set."""
    if settings.tracing.endpoint is None:
        yield telemetry
        return
    # An extra, which most deployments go without.
    from aggregator.observability.tracing import exporting  # noqa: PLC0415

    with ExitStack() as stack:
        exported = exporting(settings.tracing.endpoint, telemetry, version())
        try:
            yield stack.enter_context(exported)
        finally:
            # What is left is sent: that waits for the collector.
            await asyncio.to_thread(stack.close)


class _Service:
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
        self._clock: Clock = WallClock()
        self._replica = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._metrics = metrics
        self._telemetry = telemetry
        self._adapters = _adapters(self._settings, session, self._clock)
        self._catalogue = _catalogue(configuration, session, background, telemetry)
        self._snapshot = CurrentFederation(
            _federation(configuration, self._adapters, self._catalogue)
        )
        self._distances = (
            self._catalogue.distances(self._snapshot) if self._catalogue else None
        )
        self._health = SiteHealth(self._settings.health, self._clock, self._telemetry)
        self._calls = SiteCalls(self._health, self._telemetry)
        self._telemetry.record(Reloaded(success=True))
        self._decisions = Decisions(
            store.decisions, background, self._settings.decisions
        )
        self._releasing = self._build_releasing()
        self._reconfiguring = Reconfiguring(
            holder=self._snapshot,
            health=self._health,
            preparing=Preparing(self._releasing, self._clock),
            background=background,
            show=self._show,
        )
        self.reloading = self._build_reloading(configuration)
        self._settling = self._build_settling()
        self._learning = Learning(
            histories=store.histories,
            snapshot=self._snapshot,
            clock=self._clock,
            telemetry=self._telemetry,
            sampling=self._settings.watcher.slow,
        )
        self._sessions = self._build_sessions()
        self._accepting = self._build_accepting()
        repeating = self._build_repeating()
        offer_sets = ShownOfferSets(store.offer_sets, store.routes, self._clock)
        self.use_cases = UseCases(
            repeating=repeating,
            following=Following(
                watch=store.offer_sets,
                offer_sets=offer_sets,
                sessions=self._sessions,
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
            sessions=self._sessions,
            updating=self._build_updating(),
            failover=self._build_failover(repeating),
            site_health=self._health,
            site_calls=self._calls,
            snapshot=self._snapshot,
            readiness=Readiness(store.health),
            clock=self._clock,
            telemetry=self._telemetry,
        )

    def start(self) -> None:
        """Begin what runs beside the requests."""
        self._reconfiguring.begin()
        self._background.run(self.reloading.run(), name="reloading")
        if self._settings.reload.watch:
            self._background.run(self.reloading.watch(), name="watch_files")
        watching = Watching(
            watches=self._store.watches,
            sessions=self._sessions,
            clock=self._clock,
            limits=self._settings.watcher,
            replica=self._replica,
        )
        self._background.run(self._releasing.run(), name="releases")
        self._background.run(self._accepting.resume(), name="acceptances")
        self._background.run(watching.run(), name="watches")
        pruning = Pruning(self._store.retention, self._clock, self._settings.retention)
        self._background.run(pruning.run(), name="pruning")
        census = Census(self._store.offer_sets, self._clock, self._telemetry)
        self._background.run(census.run(), name="census")
        self._background.run(self._learning.run(), name="learning")
        if self._distances is not None:
            self._background.run(self._distances.run(), name="rucio_distances")
        if self._settings.health.probes:
            probing = Probing(
                self._snapshot, self._health, self._telemetry, self._settings.health
            )
            self._background.run(probing.run(), name="probes")

    def _show(self, federation: Federation) -> None:
        """Have a federation in the metrics, and its adapters kept."""
        sites = [one.site for one in federation.sites.values()]
        self._metrics.configure(
            sites, federation.policies, self._settings.fan_out, self._settings.budget
        )
        retired = [one.site for one in federation.retired.values()]
        self._adapters.keep([*sites, *retired])

    def _build_reloading(self, configuration: Configuration) -> Reloading:
        return Reloading(
            source=ConfigurationFiles(
                configuration,
                load=partial(load_configuration, configuration.files[0], os.environ),
                build=partial(
                    _federation, adapters=self._adapters, catalogue=self._catalogue
                ),
            ),
            reconfiguring=self._reconfiguring,
            snapshot=self._snapshot,
            telemetry=self._telemetry,
        )

    def _build_releasing(self) -> Releasing:
        return Releasing(
            queue=self._store.releases,
            retries=self._store.releases,
            snapshot=self._snapshot,
            calls=self._calls,
            background=self._background,
            clock=self._clock,
            telemetry=self._telemetry,
            limits=self._settings.releases,
            replica=self._replica,
        )

    def _build_settling(self) -> Settling:
        return Settling(
            winners=self._store.winners,
            winner_readings=self._store.winners,
            routes=self._store.routes,
            releasing=self._releasing,
            clock=self._clock,
            telemetry=self._telemetry,
        )

    def _build_sessions(self) -> Sessions:
        return Sessions(
            routes=self._store.routes,
            snapshot=self._snapshot,
            calls=self._calls,
            background=self._background,
            clock=self._clock,
            telemetry=self._telemetry,
            limits=self._settings.status,
            settling=self._settling,
            locating=self._build_locating() if self._settings.locate else None,
        )

    def _build_locating(self) -> Locating:
        return Locating(
            recovering=_recovering(
                self._store, self._snapshot, self._calls, self._settings
            ),
            routes=self._store.routes,
            snapshot=self._snapshot,
            health=self._health,
            background=self._background,
            open_to_all=self._settings.auth.mode == "off",
        )

    def _build_accepting(self) -> Accepting:
        attempts = Attempts(
            winners=self._store.winners,
            winner_readings=self._store.winners,
            sessions=self._sessions,
            settling=self._settling,
            releasing=self._releasing,
            snapshot=self._snapshot,
            calls=self._calls,
            clock=self._clock,
            telemetry=self._telemetry,
            limits=self._settings.acceptance,
            replica=self._replica,
        )
        return Accepting(
            attempts=attempts,
            winners=self._store.winners,
            winner_readings=self._store.winners,
            routes=self._store.routes,
            sessions=self._sessions,
            settling=self._settling,
            background=self._background,
            clock=self._clock,
            limits=self._settings.acceptance,
            replica=self._replica,
        )

    def _build_updating(self) -> Updating:
        return Updating(
            sessions=self._sessions,
            accepting=self._accepting,
            releasing=self._releasing,
            overlays=self._store.routes,
            snapshot=self._snapshot,
            calls=self._calls,
            clock=self._clock,
            limits=self._settings.acceptance,
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
            accepting=self._accepting,
            sessions=self._sessions,
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
                learned=self._learning.learned,
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


def _recovering(
    store: SqlStore, snapshot: Snapshot, calls: SiteCalls, settings: Settings
) -> Recovering:
    return Recovering(
        recovery=store.recovery,
        snapshot=snapshot,
        calls=calls,
        clock=WallClock(),
        deadline=settings.status.deadline,
    )


def _authentication(auth: Auth, session: aiohttp.ClientSession) -> Authentication:
    if auth.mode == "off" or auth.issuer is None or auth.audience is None:
        _log.warning(
            "authentication_off",
            meaning="everybody can see, accept and cancel everything",
        )
        return Authentication()
    rules = TokenRules(
        auth.issuer, auth.audience, auth.algorithms, auth.leeway, auth.operators
    )
    keys = IssuerKeys(auth.issuer, session, KeyLimits())
    return Authentication(
        JwtVerifier(rules, keys),
        required=auth.mode == "required",
        operators=auth.operators,
    )


def _adapters(
    settings: Settings, session: aiohttp.ClientSession, clock: Clock
) -> AdapterPool:
    limits = CallLimits(
        body=settings.bodies.max_site_bytes, offers=settings.fan_out.offers
    )
    return AdapterPool(
        adapter_factories(),
        session,
        limits,
        clock,
        dialect_probe=settings.dialect_probe,
    )


def _catalogue(
    configuration: Configuration,
    session: aiohttp.ClientSession,
    background: Background,
    telemetry: Telemetry,
) -> NetworkCatalogue | None:
    """Return the replica catalogue on the network, None where there is none."""
    entry, secret = configuration.settings.catalogue, configuration.catalogue_token
    if entry.url is None:
        return None
    return NetworkCatalogue(
        entry.kind,
        entry.url,
        Token(secret.given, secret.file) if secret.given or secret.file else None,
        entry.account,
        CacheLimits(
            timeout=entry.timeout,
            ttl=entry.ttl,
            negative_ttl=entry.negative_ttl,
            stale_for=entry.stale_for,
            pause=entry.pause,
            entries=entry.entries,
        ),
        session,
        background,
        telemetry,
    )


def _federation(
    configuration: Configuration,
    adapters: AdapterPool,
    catalogue: NetworkCatalogue | None,
) -> Federation:
    entries = StaticCatalogue(configuration.located)
    return Federation(
        sites={
            site.name: FederatedSite(site, adapter, adapter, adapter)
            for site in configuration.sites
            for adapter in [adapters.adapter(site)]
        },
        policies=configuration.policies,
        links=configuration.links,
        catalogue=entries if catalogue is None else catalogue.beside(entries),
        retired={},
        revision=1,
    )


def _new_uuid() -> str:
    return str(uuid.uuid4())


def _listener(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=1024)


@asynccontextmanager
async def _answering(
    app: web.Application, listener: socket.socket
) -> AsyncIterator[None]:
    """Answer at ``listener``; on leaving, requests in flight are finished first."""
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=_SHUTDOWN_GRACE,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
