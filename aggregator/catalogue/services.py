"""The catalogue services that there are, built by their kind."""

from collections.abc import Mapping
from typing import Final

import aiohttp

from aggregator.catalogue.beside import CatalogueWithEntries
from aggregator.catalogue.caching import CacheLimits, CachingCatalogue
from aggregator.catalogue.calls import Access, CatalogueCaller
from aggregator.catalogue.distances import RucioDistances
from aggregator.catalogue.dm_api import DmApiCatalogue
from aggregator.catalogue.rucio import RucioCatalogue
from aggregator.credentials.secrets import Secret
from aggregator.ports.catalogue import ReplicaCatalogue
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background

_RUCIO: Final = "rucio"


class NetworkCatalogue:
    """A replica catalogue on the network, as one service uses it.

    Args:
        kind: ``dm-api`` or ``rucio``.
        url: Its base URL, without a trailing slash.
        token: By which it knows us; None where it wants none.
        account: The account at Rucio, where the token doesn't say it.
        limits: How long its answers are remembered.
        session: Makes the connections.
        background: Owns the calls.
        telemetry: Is told of them.
    """

    def __init__(
        self,
        kind: str,
        url: str,
        token: Secret | None,
        account: str | None,
        limits: CacheLimits,
        session: aiohttp.ClientSession,
        background: Background,
        telemetry: Telemetry,
    ) -> None:
        self._is_rucio = kind == _RUCIO
        self._caller = CatalogueCaller(
            Access(
                kind,
                url,
                token,
                _as_rucio_token if self._is_rucio else _as_bearer,
                {"X-Rucio-Account": account} if account is not None else {},
            ),
            session,
            telemetry,
        )
        service = (RucioCatalogue if self._is_rucio else DmApiCatalogue)(self._caller)
        self._catalogue = CachingCatalogue(service, background, telemetry, limits)

    def beside(self, entries: ReplicaCatalogue) -> ReplicaCatalogue:
        """Return the catalogue with static entries for what it doesn't tell."""
        return CatalogueWithEntries(self._catalogue, entries)

    def distances(self, snapshot: Snapshot) -> RucioDistances | None:
        """Return ``snapshot`` with Rucio's distances in it; None of another kind."""
        return RucioDistances(snapshot, self._caller) if self._is_rucio else None


def _as_bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _as_rucio_token(token: str) -> Mapping[str, str]:
    return {"X-Rucio-Auth-Token": token}
