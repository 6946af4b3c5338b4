"""Asking one site for offers, in words that it knows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog
from cachetools import TTLCache

from aggregator.domain.outcomes import Outcome, SiteAnswer
from aggregator.domain.ranking.knowledge import Knowledge, Links
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import DataKind, Site
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite
from aggregator.services.site_calls import SiteCalls
from aggregator.wire import data_kinds
from aggregator.wire.data_kinds import Node
from aggregator.wire.enrichment import enriched
from aggregator.wire.users_data import offer_in_users_words

_log = structlog.get_logger(__name__)

_REMEMBERED_S: Final = 3600.0
_MOST_REMEMBERED: Final = 1000

Located = Mapping[Did, LocatedData]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sites of one fan-out are asked for.

    Attributes:
        links: Which storage elements the sites read, and how well they are joined.
        lookup: The search for replicas; it ends by itself, soon.
    """

    request: ExecutionRequest
    links: Links
    lookup: asyncio.Task[Located]

    async def located(self) -> Located:
        """Return what is known of the replicas once the search is over."""
        await asyncio.wait({self.lookup})
        return {} if self.lookup.cancelled() else self.lookup.result() or {}


@dataclass(frozen=True, slots=True)
class _Tailored:
    """A request as one site gets it.

    Attributes:
        whole: The same in the user's words, enriched.
        refusal: Why the site can't be asked; empty where it can.
    """

    request: ExecutionRequest
    whole: ExecutionRequest
    changes: tuple[str, ...] = ()
    refusal: str = ""


class Asking:
    """Asks sites, and learns which kinds of data they don't know.

    Args:
        calls: Makes the calls.
        enrich: Whether sites are told what the catalogue knows of the data.
    """

    def __init__(self, calls: SiteCalls, *, enrich: bool = False) -> None:
        self._calls = calls
        self._enrich = enrich
        self._unknown: TTLCache[tuple[str, DataKind], bool] = TTLCache(
            _MOST_REMEMBERED, _REMEMBERED_S, timer=_monotonic
        )

    async def request_offers(
        self, site: FederatedSite, asked: Asked, context: CallContext
    ) -> SiteAnswer:
        """Ask a site for offers, whatever its breaker says: the caller decided.

        A site that says NO because it doesn't know a kind of data, and so has
        reserved nothing, is asked once more in kinds that it may know.
        """
        tailored = await self._tailored(site.site, asked)
        answer = await self._ask(site, tailored, context)
        doubted = _doubted(tailored, answer)
        if not doubted:
            return answer
        self._learn(site.site.name, doubted)
        otherwise = await self._tailored(site.site, asked)
        if otherwise.refusal:
            return replace(answer, detail=answer.detail or otherwise.refusal)
        again = await self._ask(site, otherwise, context)
        self._learn_from_second(site.site.name, doubted, otherwise, again)
        return replace(
            again,
            seconds=answer.seconds + again.seconds,
            surplus=answer.surplus + again.surplus,
        )

    async def _ask(
        self, site: FederatedSite, tailored: _Tailored, context: CallContext
    ) -> SiteAnswer:
        if tailored.refusal:
            name = site.site.name
            return SiteAnswer(name, Outcome.INCAPABLE, detail=tailored.refusal)
        answer = await self._calls.request_offers(site, tailored.request, context)
        if tailored.request is tailored.whole:
            return replace(answer, changes=tailored.changes)
        offers = (offer_in_users_words(o, tailored.whole) for o in answer.offers)
        return replace(answer, offers=tuple(offers), changes=tailored.changes)

    async def _tailored(self, site: Site, asked: Asked) -> _Tailored:
        request, known = asked.request, self._known(site)
        fits = data_kinds.kinds_of(request) <= known
        if fits and not (self._enrich and request.data):
            return _Tailored(request, request)
        located = await asked.located()
        whole, added = enriched(request, located) if self._enrich else (request, ())
        finder = _UrlFinder(site.name, known, located, asked.links)
        translation = data_kinds.translated(whole, known, finder.url)
        return _Tailored(
            translation.request,
            whole,
            (*added, *translation.changes),
            "; ".join(translation.unsayable),
        )

    def _known(self, site: Site) -> frozenset[DataKind]:
        return frozenset(
            kind for kind in site.data_kinds if (site.name, kind) not in self._unknown
        )

    def _learn(self, site: str, kinds: frozenset[DataKind]) -> None:
        self._unknown.update({(site, kind): True for kind in kinds})
        _log.info("site_knows_not", site=site, data_kinds=sorted(kinds))

    def _learn_from_second(
        self,
        site: str,
        doubted: frozenset[DataKind],
        tailored: _Tailored,
        answer: SiteAnswer,
    ) -> None:
        """Learn from the answer to the same in other words whether these helped."""
        if answer.outcome is not Outcome.NO_OFFER:
            return
        if further := _doubted(tailored, answer):
            self._learn(site, further)
        elif data_kinds.names_unknown_type(answer.messages):
            # All data were of kinds that everybody knows: it is something else.
            for kind in doubted:
                self._unknown.pop((site, kind), None)


def _doubted(tailored: _Tailored, answer: SiteAnswer) -> frozenset[DataKind]:
    """Return the kinds of data for whose sake a site may have said NO."""
    if answer.outcome is not Outcome.NO_OFFER:
        return frozenset()
    return data_kinds.doubted_kinds(tailored.request, answer.messages)


class _UrlFinder:
    """Finds the URL from which one site reads a dataset soonest."""

    def __init__(
        self, site: str, known: frozenset[DataKind], located: Located, links: Links
    ) -> None:
        self._site = site
        self._schemes = data_kinds.url_schemes(known)
        self._located = located
        self._links = links
        self._lake = Lake(Knowledge(links=links))

    def url(self, did: Did, item: Node) -> str:
        """Return the URL, empty where there is none that the site could be told."""
        data = self._located.get(did)
        if data_kinds.is_of_many_files(item) or (data is not None and data.files != 1):
            return ""
        verified = self._usable(data.replicas if data is not None else ())
        replicas = verified or self._usable(data_kinds.claimed_replicas(item))
        source = self._lake.source(replicas, self._site)
        if source is None:
            return ""
        rses = {self._links.rse(replica.rse): replica.url for replica in replicas[::-1]}
        return rses[self._links.rse(source.rse)]

    def _usable(self, replicas: tuple[Replica, ...]) -> tuple[Replica, ...]:
        return tuple(
            replica
            for replica in replicas
            if replica.url.partition("://")[0] in self._schemes
        )


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
