"""The parts that the use cases of one process share."""

from dataclasses import dataclass

from aggregator.configuration.settings import Settings
from aggregator.ports.clock import Clock
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.registering import RegisteredFederation
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.store.sql_store import SqlStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What use cases are built from.

    Attributes:
        replica: The name of this process among those that share the store.
    """

    settings: Settings
    store: SqlStore
    snapshot: RegisteredFederation
    health: SiteHealth
    calls: SiteCalls
    background: Background
    clock: Clock
    telemetry: Telemetry
    replica: str
