"""Serving: the service at an address, from its start to its graceful end."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import aiohttp
import structlog
from aiohttp import web

from aggregator.configuration.addresses import bound_url, is_loopback
from aggregator.configuration.loading import Configuration
from aggregator.configuration.settings import Auth, Settings
from aggregator.http.application import (
    create_application,
    create_metrics_application,
    create_operators_application,
)
from aggregator.http.keys import (
    Authentication,
    Exposition,
    HttpSettings,
)
from aggregator.identity.keys import IssuerKeys, KeyLimits
from aggregator.identity.tokens import JwtVerifier, TokenRules
from aggregator.observability.logs import LoggedTelemetry, configure_logging
from aggregator.observability.metrics import Metrics
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.store.sql_store import SqlStore, open_store
from aggregator.wiring.federation import WallClock
from aggregator.wiring.service import Service
from aggregator.wiring.version import version
from site_adapters.certificates import CertifiedResponse

_log = structlog.get_logger(__name__)
_SHUTDOWN_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that answers.

    Attributes:
        url: Where it is to be reached, without a trailing slash.
        reload: Has the configuration read again, soon.
        operators_url: Where operators need no token, None where there is no such place.
    """

    url: str
    store: SqlStore
    reload: Callable[[], None]
    operators_url: str | None = None


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
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                response_class=CertifiedResponse,
            ) as session,
            _traced(settings, LoggedTelemetry(metrics)) as telemetry,
            # The last to come and so the first to end: it needs the others until then.
            Background().running() as background,
        ):
            service = Service(
                configuration, store, background, session, metrics, telemetry
            )
            exposition = Exposition(metrics.render)
            http = _http_settings(settings, bound)
            authentication = _authentication(settings.auth, session)
            app = create_application(
                service.use_cases,
                http,
                None if settings.metrics.address else exposition,
                replace(authentication, trusts_place=_trusts(authentication, listener)),
            )
            for_operators = create_operators_application(
                service.use_cases,
                http,
                exposition,
                replace(authentication, required=False, trusts_place=True),
            )
            await service.start()
            async with (
                _beside(
                    settings.metrics.address, create_metrics_application(exposition)
                ),
                _beside(settings.operators.address, for_operators) as operators_url,
                _answering(app, listener),
            ):
                yield RunningService(
                    settings.base_url(bound),
                    store,
                    service.reloading.request,
                    operators_url,
                )


def _http_settings(settings: Settings, port: int) -> HttpSettings:
    return HttpSettings(
        public_url=partial(settings.base_url, port),
        broker_id=settings.via_name(port, socket.gethostname()),
        version=version(),
        started=datetime.now(UTC),
        standard_id=settings.standard_id,
        traced=settings.tracing.endpoint is not None,
        trusted_hosts=frozenset(settings.trusted_hosts),
        max_request_bytes=settings.bodies.max_request_bytes,
    )


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


def _authentication(auth: Auth, session: aiohttp.ClientSession) -> Authentication:
    if auth.mode == "off" or auth.issuer is None or auth.audience is None:
        _log.warning(
            "authentication_off",
            meaning="everybody can see, accept and cancel everything",
        )
        return Authentication()
    rules = TokenRules(
        auth.issuer,
        auth.audience,
        auth.algorithms,
        auth.leeway,
        operators=auth.operators,
        home_site_claim=auth.home_site_claim,
    )
    keys = IssuerKeys(auth.issuer, session, KeyLimits())
    return Authentication(
        JwtVerifier(rules, keys),
        required=auth.mode == "required",
        operators=auth.operators,
    )


def _trusts(authentication: Authentication, listener: socket.socket) -> bool:
    """Whether all who reach the listener are operators: nobody else could be told."""
    return authentication.verifier is None and is_loopback(listener.getsockname()[0])


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        number = error.errno or 0
        # Those of the resolver are negative, and have texts of their own.
        reason = os.strerror(number) if number > 0 else str(error.strerror)
        text = f"can't listen at {host}:{port}: {reason.lower()}"
        raise OSError(number, text) from error


@asynccontextmanager
async def _beside(
    address: tuple[str, int] | None, app: web.Application
) -> AsyncIterator[str | None]:
    """Serve ``app`` at a place of its own, where there is one, and yield its URL."""
    if address is None:
        yield None
        return
    with _listener(*address) as listener:
        async with _answering(app, listener):
            yield bound_url(address[0], listener.getsockname()[1])


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
