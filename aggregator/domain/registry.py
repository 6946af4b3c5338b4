"""The site registry: what SRCNet's directory says, laid over the configured sites.

What the configuration states, it states on purpose: the registry fills in what it
leaves out (country, coordinates), adds (RSEs, downtimes), and can switch a site off.
A broker's URL is never the registry's to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.sites import Downtime, Site


@dataclass(frozen=True, slots=True)
class RegisteredRse:
    """A storage element of a site, in the registry's spelling."""

    name: str
    downtimes: tuple[Downtime, ...] = ()

    def serves_at(self, moment: datetime) -> bool:
        """Whether data can be read of it at ``moment``."""
        return not any(one.start <= moment < one.end for one in self.downtimes)


@dataclass(frozen=True, slots=True)
class RegisteredSite:
    """What the registry says of one site.

    Attributes:
        rses: Its storage elements that are not switched off.
        unusable_rses: The names of those that are.
        downtimes: When nothing can be computed there.
        disabled: Whether the registry switched the whole site off.
    """

    name: str
    node: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    rses: tuple[RegisteredRse, ...] = ()
    unusable_rses: tuple[str, ...] = ()
    downtimes: tuple[Downtime, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """All that the registry said at one moment.

    Attributes:
        read: When that was.
        faults: What in it could not be understood, and was left out.
    """

    read: datetime
    sites: tuple[RegisteredSite, ...] = ()
    faults: tuple[str, ...] = ()

    def entry_of(self, site: Site) -> RegisteredSite | None:
        """Return what is said of a configured site, None where nothing clearly is.

        That is the entry of the name that its configuration gives, else that of
        its own name, else the only one of its node. Names are compared without
        regard to case.
        """
        wanted = (site.registered_as or site.name).casefold()
        for entry in self.sites:
            if entry.name.casefold() == wanted:
                return entry
        if site.registered_as:
            return None
        node = (site.node or site.name).casefold()
        of_node = [entry for entry in self.sites if entry.node.casefold() == node]
        return of_node[0] if len(of_node) == 1 else None


def overlaid(
    sites: Sequence[Site], registration: Registration, links: Links, now: datetime
) -> tuple[Site, ...]:
    """Return the configured sites with what the registry knows of them at ``now``."""
    return tuple(
        site if entry is None else _overlaid(site, entry, links, now)
        for site in sites
        for entry in [registration.entry_of(site)]
    )


def _overlaid(site: Site, entry: RegisteredSite, links: Links, now: datetime) -> Site:
    off = site.enabled and entry.disabled
    placed = site.latitude is not None and site.longitude is not None
    return replace(
        site,
        country=site.country or entry.country,
        latitude=site.latitude if placed else entry.latitude,
        longitude=site.longitude if placed else entry.longitude,
        rses=_rses(site, entry, links, now),
        downtimes=tuple(dict.fromkeys((*site.downtimes, *entry.downtimes))),
        enabled=site.enabled and not off,
        disabled_because="disabled in the site registry" if off else "",
    )


def _rses(
    site: Site, entry: RegisteredSite, links: Links, now: datetime
) -> tuple[str, ...]:
    away = {links.rse(name) for name in entry.unusable_rses}
    away |= {links.rse(one.name) for one in entry.rses if not one.serves_at(now)}
    names: dict[str, str] = {}
    for name in (*site.rses, *(one.name for one in entry.rses)):
        names.setdefault(links.rse(name), name)
    return tuple(name for key, name in names.items() if key not in away)


def rse_sites(sites: Sequence[Site], links: Links) -> Mapping[str, tuple[str, ...]]:
    """Return the sites that read each storage element, by its canonical name."""
    readers: dict[str, tuple[str, ...]] = {}
    for site in sites:
        for rse in dict.fromkeys(links.rse(name) for name in site.rses):
            readers[rse] = (*readers.get(rse, ()), site.name)
    return readers
