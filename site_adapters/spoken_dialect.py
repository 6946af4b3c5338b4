"""The dialect that a site is spoken to in: configured, or found out and remembered."""

import asyncio
from typing import Any, Final

from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Site
from aggregator.ports.sites import CallContext
from aggregator.wire.dialects import DIALECTS, NEWEST
from aggregator.wire.dialects.base import Dialect
from site_adapters.answers import spoken_in
from site_adapters.base import CallLimits
from site_adapters.calls import SiteCaller
from site_adapters.dialect_probe import Finding, probe_dialect
from site_adapters.outcomes import Failure

AUTO: Final = "auto"
"""The configured name of a dialect that is to be found out."""


class SpokenDialect:
    """Knows a site's dialect, and finds it out where that is wanted.

    Args:
        site: The site, with its configured dialect or ``AUTO``.
        caller: How it is called.
        probing: Whether it may be probed; if not, ``AUTO`` means the newest
            dialect until an answer shows another.
        limits: How often it may be probed, and what an answer may cost.

    Raises:
        ValueError: The configured dialect is unknown.
    """

    def __init__(
        self, site: Site, caller: SiteCaller, limits: CallLimits, *, probing: bool
    ) -> None:
        self._site = site.name
        self._caller = caller
        self._learns = site.dialect == AUTO
        self._probing = probing and self._learns
        self._limits = limits
        self._doubted = False
        self._not_before = 0.0
        self._pause = limits.reprobe_after
        self._lock = asyncio.Lock()
        self._known: Dialect | None = None
        if not self._probing:
            self._known = _configured(NEWEST if self._learns else site.dialect)

    @property
    def known(self) -> Dialect | None:
        """The dialect, None until it has been found out."""
        return self._known

    def doubt(self) -> None:
        """Take note of a sign that the site speaks another dialect by now."""
        self._doubted = True

    async def settle(self, context: CallContext) -> Finding | Failure:
        """Return the dialect to speak, probing the site where that is needed.

        Callers at the same time wait for one probe. A known dialect is probed again
        only where there are doubts, and only a while after the last time: longer each
        time that they came to nothing, for users' own faults raise them too.
        """
        if self._known is not None and not self._doubted:
            return Finding(self._known)
        try:
            async with asyncio.timeout_at(context.deadline):
                await self._lock.acquire()
        except TimeoutError:
            detail = "its dialect wasn't known before the deadline"
            return Failure(Outcome.TIMEOUT, detail)
        try:
            return await self._settle_alone(context)
        finally:
            self._lock.release()

    async def _settle_alone(self, context: CallContext) -> Finding | Failure:
        now = asyncio.get_running_loop().time()
        doubted, self._doubted = self._doubted, False
        if self._known is not None and not (doubted and self._may_probe(now)):
            return Finding(self._known)
        self._not_before = now + self._pause
        finding = await probe_dialect(
            self._site, self._caller, context, self._limits.offers
        )
        if isinstance(finding, Finding):
            is_new = finding.dialect is not self._known
            self._pause = self._next_pause(is_new=is_new)
            self._known = finding.dialect
            self._probing = not finding.offers
        return finding

    def _next_pause(self, *, is_new: bool) -> float:
        if is_new:
            return self._limits.reprobe_after
        return min(2 * self._pause, self._limits.longest_reprobe)

    def _may_probe(self, now: float) -> bool:
        return self._probing and now >= self._not_before

    def of_answer(self, document: dict[str, Any]) -> Dialect:
        """Return the dialect that an offer set or a session of the site is in."""
        if self._known is not None and not self._learns:
            return self._known
        return spoken_in(self._site, document, self._known or DIALECTS[NEWEST])

    def learn(self, dialect: Dialect) -> None:
        """Speak ``dialect`` from now on, because the site does, unless configured."""
        if self._learns:
            self._known = dialect


def _configured(name: str) -> Dialect:
    try:
        return DIALECTS[name]
    except KeyError:
        names = ", ".join((*DIALECTS, AUTO))
        raise ValueError(f"unknown dialect {name!r}: use one of {names}") from None
