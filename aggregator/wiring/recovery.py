"""Recovery: finding sessions again whose routes were lost."""

from collections.abc import Sequence

import aiohttp

from aggregator.configuration.loading import Configuration
from aggregator.configuration.settings import Settings
from aggregator.configuration.watching import CurrentFederation
from aggregator.credentials.of_sites import CredentialsPool
from aggregator.domain.principal import ANONYMOUS, OPERATORS, Principal
from aggregator.observability.logs import LoggedTelemetry, configure_logging
from aggregator.observability.metrics import Metrics
from aggregator.ports.snapshot import Snapshot
from aggregator.services.recovering import Recovered, Recovering
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.store.sql_store import SqlStore, open_store
from aggregator.wiring.federation import WallClock, adapter_pool, federation_of
from aggregator.wiring.version import version


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
        adapters = adapter_pool(settings, session, clock)
        snapshot = CurrentFederation(
            federation_of(
                configuration, adapters, CredentialsPool(session, telemetry), None
            )
        )
        health = SiteHealth(settings.health, clock, telemetry)
        health.configure(configuration.sites)
        calls = SiteCalls(health, telemetry)
        recovering = recovering_on(store, snapshot, calls, settings)
        return await recovering.recover_all(sessions, owner)


def recovering_on(
    store: SqlStore, snapshot: Snapshot, calls: SiteCalls, settings: Settings
) -> Recovering:
    """Return what finds sessions at their sites again."""
    return Recovering(
        recovery=store.recovery,
        snapshot=snapshot,
        calls=calls,
        clock=WallClock(),
        deadline=settings.status.deadline,
    )
