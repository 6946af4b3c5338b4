"""What ranking knows beside the offers: sites, replicas and links, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregator.domain.events import SiteState
from aggregator.domain.ranking.bounds import positive
from aggregator.domain.replicas import Did, LocatedData
from aggregator.domain.sites import Site


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is known of one site.

    Attributes:
        failures: Site-attributable failures within the window, decayed.
        calls: Calls within the window, decayed.
    """

    site: Site
    state: SiteState = SiteState.UNKNOWN
    failures: float = 0.0
    calls: float = 0.0


@dataclass(frozen=True, slots=True)
class Links:
    """Throughput between sites, in Gb/s.

    Attributes:
        classes: Throughput by class of link, such as ``lan``, ``international``.
        table: Throughput, or the name of a class, by (source site, target site).
        rse_sites: For each RSE (canonical name) the sites that read it locally.
        rse_aliases: Other names of RSEs, to their canonical names.

    Raises:
        ValueError: A throughput isn't above 0, or a class isn't one of ``classes``.
    """

    default_gbps: float = 1.0
    classes: Mapping[str, float] = field(default_factory=dict)
    table: Mapping[tuple[str, str], float | str] = field(default_factory=dict)
    rse_sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rse_aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positive(default_gbps=self.default_gbps)
        positive(**self.classes)
        for (source, target), entry in self.table.items():
            if isinstance(entry, str):
                if entry not in self.classes:
                    raise ValueError(f"{entry} is no class of links")
            else:
                positive(**{f"{source} to {target}": entry})

    def rse(self, name: str) -> str:
        """Return the canonical name of an RSE: stripped, upper case, unaliased."""
        key = name.strip().upper()
        return self.rse_aliases.get(key, key)

    def gbps(self, source: str, target: str) -> float:
        """Return the throughput from one site to another, in Gb/s."""
        entry = self.table.get((source, target), self.default_gbps)
        return self.classes[entry] if isinstance(entry, str) else entry


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that ranking reads beside the request and the offers.

    Attributes:
        sites: By the site's name; an offer of a site that isn't here is unknown.
        located: What the replica catalogue answered; a dataset that is missing
            falls back to what request and offers claim, marked unverified.
    """

    sites: Mapping[str, SiteFacts] = field(default_factory=dict)
    located: Mapping[Did, LocatedData] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
