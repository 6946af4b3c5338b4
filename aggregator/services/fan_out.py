"""Fan-out: one request to every eligible site at once, under one absolute deadline."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.domain.outcomes import Outcome, SiteAnswer
from aggregator.domain.replicas import Did, LocatedData
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import Required, Site
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite, Federation
from aggregator.services.asking import Asked, Asking
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.learning import Learned, nothing_learned
from aggregator.services.limits import FanOutLimits
from aggregator.services.site_calls import SiteCalls, context_for

Located = Mapping[Did, LocatedData]


@dataclass(slots=True)
class FanOut:
    """One request on its way around the sites.

    Attributes:
        deadline: When the client is answered at the latest, on the loop's clock.
        late_until: The same for answers that join the set after that.
        not_asked: The sites to which the request didn't go, and why.
        calls: The open and the finished calls, by site.
        lookup: The search for replicas.
        learned: What accepted sessions had taught when it began.
    """

    uuid: str
    request: ExecutionRequest
    federation: Federation
    caller: Caller
    began: float
    deadline: float
    late_until: float
    not_asked: tuple[SiteAnswer, ...]
    calls: Mapping[str, asyncio.Task[SiteAnswer]]
    lookup: asyncio.Task[Located]
    learned: Learned
    taken: set[str] = field(default_factory=set)

    @property
    def pending(self) -> list[str]:
        """The sites that have not answered yet."""
        return [site for site, call in self.calls.items() if not call.done()]

    @property
    def located(self) -> Located:
        """What is known of the replicas so far."""
        return self.lookup.result() if _succeeded(self.lookup) else {}

    def new_answers(self) -> tuple[SiteAnswer, ...]:
        """Return the answers that came since this was called last."""
        new = [
            site
            for site, call in self.calls.items()
            if call.done() and site not in self.taken
        ]
        self.taken.update(new)
        return tuple(_answer(site, self.calls[site]) for site in new)

    def all_answers(self) -> tuple[SiteAnswer, ...]:
        """Return one answer for each configured site, in configured order."""
        seconds = asyncio.get_running_loop().time() - self.began
        answers = {answer.site: answer for answer in self.not_asked}
        for site, call in self.calls.items():
            answers[site] = (
                _answer(site, call)
                if call.done()
                else SiteAnswer(site, Outcome.PENDING, seconds=seconds)
            )
        return tuple(answers[site] for site in self.federation.sites)


def _succeeded(task: asyncio.Task[Located]) -> bool:
    return task.done() and not task.cancelled() and task.result() is not None


def _answer(site: str, call: asyncio.Task[SiteAnswer]) -> SiteAnswer:
    answer = None if call.cancelled() else call.result()
    return answer or SiteAnswer(site, Outcome.CANCELLED)


class FanningOut:
    """Begins fan-outs and waits for them."""

    def __init__(
        self,
        calls: SiteCalls,
        background: Background,
        limits: FanOutLimits,
        *,
        enrich: bool = False,
    ) -> None:
        self._calls = calls
        self._asking = Asking(calls, enrich=enrich)
        self._background = background
        self._limits = limits
        self._open_calls = 0

    def begin(
        self,
        uuid: str,
        request: ExecutionRequest,
        federation: Federation,
        caller: Caller,
        learned: Learned | None = None,
    ) -> FanOut:
        """Ask every eligible site; the calls belong to the service from the start."""
        deadline = caller.received + self._limits.wait(caller.wait)
        late_until = deadline + self._limits.late_answers
        sites, not_asked = self._plan(federation)
        lookup = self._background.spawn(
            self._locate(request, federation, deadline), name="locate_replicas"
        )
        asked = Asked(request, federation.links, lookup)
        context = context_for(caller, late_until)
        calls = {site.site.name: self._ask(site, asked, context) for site in sites}
        return FanOut(
            uuid=uuid,
            request=request,
            federation=federation,
            caller=caller,
            began=asyncio.get_running_loop().time(),
            deadline=deadline,
            late_until=late_until,
            not_asked=not_asked,
            calls=calls,
            lookup=lookup,
            learned=learned or nothing_learned(),
        )

    async def wait(self, fan_out: FanOut) -> None:
        """Wait until the client can be answered.

        That is when all asked sites have answered, at the deadline, or a grace
        after a quorum of them has; the quorum counts only once there is an offer,
        and not for a client that said how long to wait.
        """
        loop = asyncio.get_running_loop()
        until = fan_out.deadline
        while waiting := self._waited_for(fan_out):
            if self._has_quorum(fan_out):
                until = min(until, loop.time() + self._limits.grace)
            if loop.time() >= until:
                break
            await asyncio.wait(
                waiting,
                timeout=until - loop.time(),
                return_when=asyncio.FIRST_COMPLETED,
            )

    def _plan(
        self, federation: Federation
    ) -> tuple[list[FederatedSite], tuple[SiteAnswer, ...]]:
        free = self._limits.open_calls - self._open_calls
        asked: list[FederatedSite] = []
        refused: dict[str, SiteAnswer] = {}
        for site in federation.sites.values():
            refusal = self._calls.refusal(site)
            if refusal is None and len(asked) >= free:
                refusal = SiteAnswer(site.site.name, Outcome.BUSY)
            if refusal is None:
                asked.append(site)
            else:
                refused[site.site.name] = refusal
        if not asked:
            # All that could be asked are ejected: each gets its half-open trial.
            ejected = {
                name: answer
                for name, answer in refused.items()
                if answer.outcome is Outcome.BREAKER_OPEN
            }
            asked = [federation.sites[name] for name in ejected]
            refused = {n: a for n, a in refused.items() if n not in ejected}
        return asked, tuple(refused.values())

    def _ask(
        self, site: FederatedSite, asked: Asked, context: CallContext
    ) -> asyncio.Task[SiteAnswer]:
        call: asyncio.Task[SiteAnswer] = self._background.spawn(
            self._asking.request_offers(site, asked, context), name="request_offers"
        )
        self._open_calls += 1
        self._calls.opened(site.site.name)
        call.add_done_callback(lambda _: self._close(site.site.name))
        return call

    def _close(self, site: str) -> None:
        self._open_calls -= 1
        self._calls.closed(site)

    async def _locate(
        self, request: ExecutionRequest, federation: Federation, deadline: float
    ) -> Located:
        dids = [item.did for item in request.data if item.did is not None]
        if not dids:
            return {}
        lookup = asyncio.get_running_loop().time() + self._limits.lookup
        return await federation.catalogue.locate(dids, min(lookup, deadline))

    def _waited_for(self, fan_out: FanOut) -> set[asyncio.Task[Any]]:
        tasks: set[asyncio.Task[Any]] = {*fan_out.calls.values(), fan_out.lookup}
        return {task for task in tasks if not task.done()}

    def _has_quorum(self, fan_out: FanOut) -> bool:
        if fan_out.caller.wait is not None or not fan_out.lookup.done():
            return False
        answers = [
            _answer(site, call) for site, call in fan_out.calls.items() if call.done()
        ]
        needed = math.ceil(self._limits.quorum * len(fan_out.calls))
        if len(answers) < needed or not any(answer.offers for answer in answers):
            return False
        return not any(
            is_required(fan_out.federation.sites[site].site, fan_out)
            for site in fan_out.pending
        )


def is_required(site: Site, fan_out: FanOut) -> bool:
    """Whether the fan-out waits for ``site`` until the deadline.

    Such are sites that always are, and those that hold replicas of the data asked
    for, as the catalogue says or, where it doesn't know, as the request claims.
    """
    if site.required is not Required.WHEN_IT_HOLDS_DATA:
        return site.required is Required.ALWAYS
    links = fan_out.federation.links
    local = {links.rse(rse) for rse in site.rses}
    return any(links.rse(rse) in local for rse in _rses(fan_out))


def _rses(fan_out: FanOut) -> list[str]:
    rses: list[str] = []
    for item in fan_out.request.data:
        known = fan_out.located.get(item.did) if item.did is not None else None
        rses += [r.rse for r in known.replicas] if known is not None else item.rses
    return rses
