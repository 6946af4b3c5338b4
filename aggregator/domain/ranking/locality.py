"""Locality: which datasets a request needs, and where their replicas can be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.offers import DataItem, Offer
from aggregator.domain.ranking.intake import clipped, size_or_none
from aggregator.domain.ranking.knowledge import Knowledge, LinkSource
from aggregator.domain.replicas import LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest

_CONFIGURED: Final[tuple[LinkSource, ...]] = ("configured",)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset that a request needs, as far as it is known.

    Attributes:
        size: In bytes, None where nobody says.
        verified: Whether a replica catalogue named the replicas; otherwise the
            request or the offer claims them.
        caveat: Why what the catalogue says may be wrong, empty where it doesn't.
    """

    name: str
    size: int | None
    files: int
    replicas: tuple[Replica, ...]
    verified: bool
    caveat: str = ""


def datasets(
    request: ExecutionRequest, offer: Offer, knowledge: Knowledge
) -> tuple[Dataset, ...]:
    """Return the datasets of a request, each once, as one offer lets them be seen.

    What the catalogue located counts. Only where it names no replica, those count
    that the request, or this offer, claims.
    """
    claims = {_identity(item): item for item in reversed(offer.data)}
    items = {_identity(item): item for item in reversed(request.data)}
    return tuple(
        _dataset(
            item,
            claims.get(identity),
            knowledge.located.get(item.did) if item.did else None,
        )
        for identity, item in sorted(items.items())
    )


def _identity(item: DataItem) -> tuple[str, str]:
    return ("did", str(item.did)) if item.did else ("name", item.name)


def _dataset(
    item: DataItem, claim: DataItem | None, located: LocatedData | None
) -> Dataset:
    sizes = (
        size_or_none(located.size) if located else None,
        item.size,
        claim.size if claim else None,
    )
    verified = located is not None and bool(located.replicas)
    claimed = dict.fromkeys((*item.rses, *(claim.rses if claim else ())))
    return Dataset(
        name=str(item.did or item.name),
        size=next((size for size in sizes if size is not None), None),
        files=max(located.files, 0) if located else 1,
        replicas=located.replicas
        if located and verified
        else tuple(map(Replica, claimed)),
        verified=verified,
        caveat=located.caveat if located else "",
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A replica as it can be read from one site.

    Attributes:
        site: The site that sends it; the RSE's name where no site is known.
        gbps: Throughput to where it is wanted; None where it need not move.
        basis: How that was measured, in words; empty where it is configured.
        closed_s: Seconds until the downtime ends in which its site is now.
    """

    rse: str
    site: str
    gbps: float | None
    tape: bool
    basis: str = ""
    closed_s: float = 0.0

    @property
    def is_local(self) -> bool:
        """Whether it is at the site that wants it."""
        return self.gbps is None


class Lake:
    """The storage elements of all sites, and the links between them."""

    def __init__(
        self,
        knowledge: Knowledge,
        link_sources: Sequence[LinkSource] = _CONFIGURED,
        now: datetime | None = None,
    ) -> None:
        """Take what is known; without ``now`` no downtime counts."""
        self._links = knowledge.links
        self._link_sources = link_sources
        self._readers = _readers(knowledge)
        self._closed = {} if now is None else _closed(knowledge, now)

    @property
    def default_gbps(self) -> float:
        """Throughput where nothing is known of a link."""
        return self._links.default_gbps

    def readers(self, rse: str) -> tuple[str, ...]:
        """Return the names of the sites that read an RSE locally."""
        return self._readers.get(self._links.rse(rse), ())

    def sender(self, rse: str) -> str | None:
        """Return what sends data of an RSE: a site, or the RSE where none reads it.

        None where several sites read it, of which any may have sent.
        """
        senders = self.readers(rse) or (self._links.rse(rse),)
        return senders[0] if len(senders) == 1 else None

    def source(self, replicas: Iterable[Replica], target: str) -> Source | None:
        """Return from where a site would read a dataset; None without replicas.

        The site's own replica comes first, then those of sites that aren't in a
        downtime; disk before tape; then the fastest link.
        """
        return min(
            (
                source
                for replica in replicas
                for source in self._sources(replica, target)
            ),
            key=_preference,
            default=None,
        )

    def _sources(self, replica: Replica, target: str) -> Iterable[Source]:
        rse = self._links.rse(replica.rse)
        readers = self.readers(rse)
        if target in readers:
            yield Source(rse, target, None, replica.tape)
            return
        for site in readers or (rse,):
            carries = self._links.throughput(site, target, self._link_sources)
            yield Source(
                rse,
                site,
                carries.gbps,
                replica.tape,
                carries.basis,
                self._closed.get(site, 0.0),
            )


def _preference(source: Source) -> tuple[bool, float, bool, float, str, str]:
    return (
        not source.is_local,
        source.closed_s,
        source.tape,
        -(source.gbps or 0.0),
        source.rse,
        source.site,
    )


def _closed(knowledge: Knowledge, now: datetime) -> Mapping[str, float]:
    """Return for sites in a downtime the seconds until it ends."""
    closed: dict[str, float] = {}
    for name, facts in knowledge.sites.items():
        opens = now
        for downtime in sorted(facts.site.downtimes, key=lambda one: one.start):
            if downtime.start <= opens < downtime.end:
                opens = downtime.end
        if opens > now:
            closed[name] = clipped((opens - now).total_seconds())
    return closed


def _readers(knowledge: Knowledge) -> Mapping[str, tuple[str, ...]]:
    links = knowledge.links
    readers: dict[str, set[str]] = {}
    for rse, sites in links.rse_sites.items():
        readers.setdefault(links.rse(rse), set()).update(sites)
    for name, facts in knowledge.sites.items():
        for rse in facts.site.rses:
            readers.setdefault(links.rse(rse), set()).add(name)
    return {rse: tuple(sorted(sites)) for rse, sites in readers.items()}
