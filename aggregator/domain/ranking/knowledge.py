"""What ranking knows beside the offers: sites, replicas and links, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from aggregator.domain.events import SiteState
from aggregator.domain.ranking.bounds import positive
from aggregator.domain.ranking.calibration import StartRecord
from aggregator.domain.ranking.usage import Usage
from aggregator.domain.replicas import Did, LocatedData
from aggregator.domain.sites import Site

MeasuredOver = Literal["measured_1h", "measured_1d", "measured_1w"]
LinkSource = Literal["measured_1h", "measured_1d", "measured_1w", "configured"]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is known of one site.

    Attributes:
        failures: Site-attributable failures within the window, decayed.
        calls: Calls within the window, decayed.
        record: How its starts compared with what it promised, for executables of
            the request's kind.
        usage: What was lately used of it, and by whom.
    """

    site: Site
    state: SiteState = SiteState.UNKNOWN
    failures: float = 0.0
    calls: float = 0.0
    record: StartRecord = field(default_factory=StartRecord)
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What is known of the user who asks.

    Attributes:
        groups: That the user is in, each with a leading slash.
        home_site: The site that the user's token names as home; empty where none.
    """

    groups: tuple[str, ...] = ()
    home_site: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Throughput that was measured, in Gb/s, and in how many transfers.

    Raises:
        ValueError: The throughput isn't above 0.
    """

    gbps: float
    transfers: int

    def __post_init__(self) -> None:
        positive(gbps=self.gbps)


@dataclass(frozen=True, slots=True)
class MeasuredLink:
    """What a link carried in the last hour, day and week; None with too little seen."""

    hour: Measured | None = None
    day: Measured | None = None
    week: Measured | None = None

    def over(self, source: MeasuredOver) -> tuple[Measured | None, str]:
        """Return what was measured over a period, and how the period is called."""
        match source:
            case "measured_1h":
                return self.hour, "hour"
            case "measured_1d":
                return self.day, "day"
            case "measured_1w":
                return self.week, "week"


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a link is supposed to carry, in Gb/s.

    Attributes:
        basis: How it was measured, in words; empty where it is configured.
    """

    gbps: float
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Throughput between sites, in Gb/s.

    Attributes:
        classes: Throughput by class of link, such as ``lan``, ``international``.
        table: Throughput, or the name of a class, by (source site, target site).
        rse_sites: For each RSE (canonical name) the sites that read it locally.
        rse_aliases: Other names of RSEs, to their canonical names.
        distances: How far sites are apart, by (source site, target site): whole
            numbers that only mean nearer or further.
        distance_classes: Which class a link has, where the table doesn't say: of
            each greatest distance, the nearest first. What is further than all, or
            of unknown distance, has the default throughput.
        measured: What was measured, by (source site, target site).

    Raises:
        ValueError: A throughput isn't above 0, or a class isn't one of ``classes``.
    """

    default_gbps: float = 1.0
    classes: Mapping[str, float] = field(default_factory=dict)
    table: Mapping[tuple[str, str], float | str] = field(default_factory=dict)
    rse_sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rse_aliases: Mapping[str, str] = field(default_factory=dict)
    distances: Mapping[tuple[str, str], int] = field(default_factory=dict)
    distance_classes: tuple[tuple[int, str], ...] = ()
    measured: Mapping[tuple[str, str], MeasuredLink] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positive(default_gbps=self.default_gbps)
        positive(**self.classes)
        for (source, target), entry in self.table.items():
            if isinstance(entry, str):
                if entry not in self.classes:
                    raise ValueError(f"{entry} is no class of links")
            else:
                positive(**{f"{source} to {target}": entry})
        for _, name in self.distance_classes:
            if name not in self.classes:
                raise ValueError(f"{name} is no class of links")

    def rse(self, name: str) -> str:
        """Return the canonical name of an RSE: stripped, upper case, unaliased."""
        key = name.strip().upper()
        return self.rse_aliases.get(key, key)

    def throughput(
        self, source: str, target: str, order: Sequence[LinkSource]
    ) -> Throughput:
        """Return the throughput from one site to another.

        Args:
            source: The site that sends.
            target: The site that receives.
            order: What counts, the first that is known.
        """
        link = self.measured.get((source, target))
        for name in order:
            if link is None or name == "configured":
                break
            measured, period = link.over(name)
            if measured is not None:
                return Throughput(measured.gbps, _basis(measured, period))
        return Throughput(self.gbps(source, target))

    def gbps(self, source: str, target: str) -> float:
        """Return the configured throughput from one site to another, in Gb/s."""
        entry = self.table.get((source, target))
        if entry is None:
            entry = self._class_by_distance(source, target) or self.default_gbps
        return self.classes[entry] if isinstance(entry, str) else entry

    def _class_by_distance(self, source: str, target: str) -> str | None:
        distance = self.distances.get((source, target))
        if distance is None:
            return None
        nearest = (name for most, name in self.distance_classes if distance <= most)
        return next(nearest, None)


def _basis(measured: Measured, period: str) -> str:
    return f"measured in the last {period} ({measured.transfers} transfers)"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that ranking reads beside the request and the offers.

    Attributes:
        sites: By the site's name; an offer of a site that isn't here is unknown.
        located: What the replica catalogue answered; a dataset that is missing
            falls back to what request and offers claim, marked unverified.
        user: Who asks.
        core_hours: What was lately used of all sites together, be they named in
            ``sites`` or not.
    """

    sites: Mapping[str, SiteFacts] = field(default_factory=dict)
    located: Mapping[Did, LocatedData] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    user: UserFacts = field(default_factory=UserFacts)
    core_hours: float = 0.0
