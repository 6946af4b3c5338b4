"""The port to the configuration: one immutable snapshot of the whole federation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.sites import Site
from aggregator.ports.catalogue import ReplicaCatalogue
from aggregator.ports.credentials import SiteCredentials
from aggregator.ports.sites import SiteBroker, SitePreparation, SiteProbe


@dataclass(frozen=True, slots=True)
class FederatedSite:
    """A site and the adapter that speaks to it.

    Attributes:
        credentials: Where those come from that calls to it carry; None where they are
            at most the client's own.
        preparation: What is to be done before the first request, if anything is.
    """

    site: Site
    broker: SiteBroker
    probe: SiteProbe
    preparation: SitePreparation | None = None
    credentials: SiteCredentials | None = None


@dataclass(frozen=True, slots=True)
class Federation:
    """All that a use case needs to know of the federation, at one moment.

    A use case takes it once at its start and keeps it to its end.

    Attributes:
        sites: By name, in configured order.
        policies: In order; the first that matches a request serves it.
        retired: Sites that were removed while they had live sessions.
        revision: Grows by one with every change of the configuration.
    """

    sites: Mapping[str, FederatedSite]
    policies: Sequence[Policy]
    links: Links
    catalogue: ReplicaCatalogue
    retired: Mapping[str, FederatedSite]
    revision: int

    def owner(self, site: str) -> FederatedSite | None:
        """Return the site of that name, be it retired; None where it is unknown."""
        return self.sites.get(site) or self.retired.get(site)


class Snapshot(Protocol):
    """Where the present federation is to be had."""

    def current(self) -> Federation:
        """Return the federation as it is configured now."""
        ...


class FederationHolder(Snapshot, Protocol):
    """Where the present federation is to be had, and to be replaced."""

    def replace(self, federation: Federation) -> Federation:
        """Put a new federation in the place of the present one, at once and whole.

        Returns:
            The new one as it is from now on, with its revision and retired sites.
        """
        ...
