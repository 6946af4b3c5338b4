"""Locating: a session that nobody knows here may be known at one of the sites."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.outcomes import AMBIGUOUS, Outcome
from aggregator.domain.principal import OPERATORS
from aggregator.domain.sites import USERS_OWN
from aggregator.ports.snapshot import FederatedSite, Snapshot
from aggregator.ports.store import Routes
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.recovering import Recovering
from aggregator.services.site_health import SiteHealth

_UNTELLING: Final = AMBIGUOUS | {Outcome.NO_TOKEN}
"""Outcomes after which nobody knows whether a site has the session."""


@dataclass(frozen=True, slots=True)
class LocatingLimits:
    """How much of the sites' time goes into sessions that may not exist.

    Attributes:
        at_once: Sessions that are looked for at once.
        per_second: Searches that may begin, on average.
        burst: How many of these may begin at one moment.
        forget_after: Seconds for which a session that was not found isn't looked
            for again.
        remembered: How many of those are kept in mind.
    """

    at_once: int = 4
    per_second: float = 2.0
    burst: int = 20
    forget_after: float = 60.0
    remembered: int = 10_000


class Locating:
    """Looks for unknown sessions at sites, within bounds.

    It is done where everybody may see everything, or with the caller's own
    credentials at sites that check them: whom they show a session may have it.
    """

    def __init__(
        self,
        *,
        recovering: Recovering,
        routes: Routes,
        snapshot: Snapshot,
        health: SiteHealth,
        background: Background,
        open_to_all: bool,
        limits: LocatingLimits | None = None,
    ) -> None:
        """Take what is needed; ``open_to_all`` says that nobody is authenticated."""
        self._recovering = recovering
        self._routes = routes
        self._snapshot = snapshot
        self._health = health
        self._background = background
        self._open_to_all = open_to_all
        self._limits = limits or LocatingLimits()
        self._absent: TTLCache[tuple[str, str, str], bool] = TTLCache(
            self._limits.remembered, self._limits.forget_after, timer=_now
        )
        self._looking: dict[tuple[str, str, str], asyncio.Task[bool | None]] = {}
        self._allowance = float(self._limits.burst)
        self._counted: float | None = None

    async def locate(self, session: str, caller: Caller) -> bool:
        """Look for ``session``, unless that was done lately, or too much is done.

        Returns:
            Whether there is a route of the caller's now that wasn't there before.
        """
        key = (session, caller.principal.issuer, caller.principal.subject)
        sites = self._sites_for(caller)
        if not sites or key in self._absent or _comes_back(caller.via):
            return False
        task = self._looking.get(key)
        if task is None:
            if len(self._looking) >= self._limits.at_once or not self._is_allowed():
                return False
            task = self._background.spawn(
                self._look(session, caller, sites), name="locate_session"
            )
            self._looking[key] = task
            task.add_done_callback(lambda _: self._looking.pop(key, None))
        found = await asyncio.shield(task)
        if found is False:
            self._absent[key] = True
        return bool(found)

    def _sites_for(self, caller: Caller) -> list[FederatedSite]:
        known = caller.authorization is not None and not caller.principal.is_anonymous
        return [
            site
            for site in self._snapshot.current().sites.values()
            if self._open_to_all or (known and site.site.credentials in USERS_OWN)
            if site.site.enabled and self._health.admits(site.site.name)
        ]

    def _is_allowed(self) -> bool:
        """Take one search out of the allowance, which grows with time."""
        now = _now()
        passed = now - (now if self._counted is None else self._counted)
        self._counted = now
        grown = self._allowance + passed * self._limits.per_second
        self._allowance = min(grown, float(self._limits.burst))
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True

    async def _look(
        self, session: str, caller: Caller, sites: Sequence[FederatedSite]
    ) -> bool | None:
        """Return whether the session is the caller's now, None where nobody knows."""
        owner = caller.principal
        try:
            present = await self._routes.get(session)
            if present is not None and not OPERATORS.owns(
                present.issuer, present.subject
            ):
                return False
            recovered = await self._recovering.recover(session, owner, sites, caller)
        except StoreUnavailable:
            return None
        route = recovered.route
        if route is not None:
            return owner.owns(route.issuer, route.subject)
        silent = any(reading.outcome in _UNTELLING for reading in recovered.readings)
        return None if silent else False


def _comes_back(via: str) -> bool:
    """Whether a request with this ``Via``, our own hop last, was here before."""
    *before, ours = ([*hop.split(), "", ""][1] for hop in via.split(","))
    return bool(ours) and ours in before


def _now() -> float:
    return asyncio.get_running_loop().time()
