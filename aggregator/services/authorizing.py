"""Authorizing: a call to a site goes with the credentials that the site wants.

What may be done again when the site refuses them is decided here, and nowhere else:

- A request for offers is sent once, whatever the site answers: it reserves. A token
  that was refused is forgotten, so that the next request goes with a new one.
- A reading, and an update, which sets a phase whatever it was before, is sent once
  more with a new token where the site answered 401 to one that was issued.
- A release that can't be made as the user is made as the service itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from aggregator.domain.outcomes import (
    WITHOUT_CREDENTIALS,
    Outcome,
    SessionReading,
    SiteAnswer,
)
from aggregator.domain.sites import CredentialsMode
from aggregator.ports.credentials import (
    Authorization,
    NoAuthorization,
    SiteCredentials,
)
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite

_Answer = TypeVar("_Answer", SiteAnswer, SessionReading)
_Obtain = Callable[[], Awaitable[Authorization | NoAuthorization]]


@dataclass(frozen=True, slots=True)
class AuthorizedCall(Generic[_Answer]):
    """One call to a site, whose credentials are yet to be had.

    Attributes:
        context: With the credentials of whoever sent the request, if any.
        ask: Makes the call with the credentials that are in the context by then.
        kind: What a site answers with; also for the answer where it can't be asked.
    """

    site: FederatedSite
    context: CallContext
    ask: Callable[[CallContext], Awaitable[_Answer]]
    kind: type[_Answer]

    async def once(self) -> _Answer:
        """Make the call, and never again."""
        return await self._timed(self._once)

    async def repeatable(self) -> _Answer:
        """Make the call, and once more where its token has to be renewed."""
        return await self._timed(self._repeatable)

    async def release(self) -> _Answer:
        """Make the call, and as the service where it can't be made as the user."""
        return await self._timed(self._release)

    async def _timed(
        self, call: Callable[[SiteCredentials], Awaitable[_Answer]]
    ) -> _Answer:
        source = self.site.credentials
        if source is None:
            return await self.ask(self._with(self._relayed()))
        began = _monotonic()
        answer = await call(source)
        return replace(answer, seconds=_monotonic() - began)

    async def _once(self, source: SiteCredentials) -> _Answer:
        answer, _ = await self._show(source, await self._of_sender(source)())
        return answer

    async def _repeatable(self, source: SiteCredentials) -> _Answer:
        return await self._renewing(source, self._of_sender(source))

    async def _release(self, source: SiteCredentials) -> _Answer:
        if not source.releases_itself:
            return await self._repeatable(source)
        if self.context.authorization is not None:
            answer = await self._repeatable(source)
            if answer.outcome not in WITHOUT_CREDENTIALS:
                return answer
        own = partial(source.for_release, self.context.deadline)
        return await self._renewing(source, own)

    async def _renewing(self, source: SiteCredentials, obtain: _Obtain) -> _Answer:
        answer, is_doubted = await self._show(source, await obtain())
        if is_doubted:
            answer, _ = await self._show(source, await obtain())
        return answer

    def _of_sender(self, source: SiteCredentials) -> _Obtain:
        context = self.context
        return partial(source.for_call, context.authorization, context.deadline)

    async def _show(
        self, source: SiteCredentials, given: Authorization | NoAuthorization
    ) -> tuple[_Answer, bool]:
        """Return the answer, and whether a newer token might bring another one."""
        if isinstance(given, NoAuthorization):
            name = self.site.site.name
            return self.kind(name, given.outcome, detail=given.detail), False
        answer = await self.ask(self._with(given.header))
        wanted = answer.outcome is Outcome.UNAUTHORIZED
        return answer, wanted and source.doubt(given)

    def _relayed(self) -> str | None:
        relays = self.site.site.credentials is CredentialsMode.RELAY
        return self.context.authorization if relays else None

    def _with(self, authorization: str | None) -> CallContext:
        return replace(self.context, authorization=authorization)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
