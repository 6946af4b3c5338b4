"""Decisions: every ranking is kept with its inputs, beside the way to the client.

A decision is written right after its offer set, not with it: the client doesn't wait
until the inputs are packed, and a decision that can't be kept costs nobody an answer.
What a crash loses are the decisions of its last moments.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from aggregator.domain.errors import StoreUnavailable, UnknownResource
from aggregator.domain.principal import Principal
from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.records import Decision
from aggregator.ports import store as ports
from aggregator.services.background import Background
from aggregator.services.composing import Composed
from aggregator.services.limits import DecisionLimits

_log = structlog.get_logger(__name__)
_BATCH: Final = 20
_RETRY_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A decision that isn't written yet; making its inputs is put off till then."""

    offer_set: str
    version: int
    moment: datetime
    policy: PolicyIdentity
    best: str | None
    inputs: Callable[[], Mapping[str, Any]]
    issuer: str
    subject: str

    def decision(self) -> Decision:
        return Decision(
            self.offer_set,
            self.version,
            self.moment,
            self.policy,
            self.best,
            self.inputs(),
            self.issuer,
            self.subject,
        )


class Decisions:
    """Keeps decisions, and finds them again."""

    def __init__(
        self, kept: ports.Decisions, background: Background, limits: DecisionLimits
    ) -> None:
        self._kept = kept
        self._background = background
        self._limits = limits
        self._waiting: dict[str, _Waiting] = {}
        self._is_writing = False

    def note(self, composed: Composed, version: int) -> None:
        """Have a decision kept soon; it is lost where too many wait already.

        Args:
            composed: What was decided, and is kept.
            version: Of the set, with this order.
        """
        if not self._limits.kept:
            return
        waiting = _waiting(composed, version)
        full = len(self._waiting) >= self._limits.waiting
        if full and waiting.offer_set not in self._waiting:
            _log.warning("decision_lost", offer_set=waiting.offer_set, reason="full")
            return
        self._waiting[waiting.offer_set] = waiting
        if not self._is_writing:
            self._is_writing = True
            self._background.detach(self._write_all(), name="keep_decisions")

    async def get(self, offer_set: str, principal: Principal) -> Decision:
        """Return the decision that put a set of ``principal`` in order.

        Raises:
            UnknownResource: There is none, or none that the principal may see; it
                may still come, where another replica has just made the set.
        """
        waiting = self._waiting.get(offer_set)
        if waiting is not None:
            found: Decision | None = await asyncio.to_thread(waiting.decision)
        else:
            found = await self._kept.of_offer_set(offer_set)
        if found is None or not principal.owns(found.issuer, found.subject):
            raise UnknownResource(
                f"no decision about an offer set {offer_set} is kept",
                retry_after=_RETRY_AFTER,
            )
        return found

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = list(self._waiting.values())[:_BATCH]
                try:
                    await self._write(batch)
                finally:
                    self._forget(batch)
        finally:
            self._is_writing = False

    async def _write(self, batch: list[_Waiting]) -> None:
        decisions = await asyncio.to_thread(lambda: [one.decision() for one in batch])
        try:
            large = await self._kept.keep(
                decisions, self._limits.largest, self._limits.kept
            )
        except StoreUnavailable as error:
            _log.warning("decisions_lost", count=len(batch), reason=error.detail)
        else:
            for offer_set in large:
                _log.warning("decision_lost", offer_set=offer_set, reason="too large")

    def _forget(self, batch: list[_Waiting]) -> None:
        """Forget what was written, unless a later version has come meanwhile."""
        for one in batch:
            if self._waiting.get(one.offer_set) is one:
                del self._waiting[one.offer_set]


def _waiting(composed: Composed, version: int) -> _Waiting:
    offer_set, ranking = composed.offer_set, composed.ranking
    return _Waiting(
        offer_set=offer_set.uuid,
        version=version,
        moment=ranking.moment,
        policy=ranking.policy,
        best=ranking.ranked[0].offer.session if ranking.ranked else None,
        inputs=composed.inputs,
        issuer=offer_set.issuer,
        subject=offer_set.subject,
    )
