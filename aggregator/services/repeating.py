"""Repeating: the same idempotency key gets the same offer set, whoever answers.

Also where both come at once, after a restart, or at another replica: the key is
claimed in the store before any site is asked. Source: the IETF's draft on the
``Idempotency-Key`` header field.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from aggregator.domain.errors import (
    AnswerPending,
    FanOutFailed,
    KeyReused,
    StoreUnavailable,
)
from aggregator.domain.records import OfferSet, RequestClaim
from aggregator.domain.requests import ExecutionRequest
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSets, RequestClaims
from aggregator.services.background import Background
from aggregator.services.caller import Caller
from aggregator.services.limits import FanOutLimits
from aggregator.services.punctual import answered_by
from aggregator.services.requesting import Requesting, raise_unless_answered

_log = structlog.get_logger(__name__)
_PAUSE = 0.1
_SLACK = 10.0


@dataclass(frozen=True, slots=True)
class Requested:
    """An offer set, and whether it was made by an earlier request of the same key."""

    offer_set: OfferSet
    repeated: bool = False


class Repeating:
    """Requests offers, at most once for each key of a user."""

    def __init__(
        self,
        *,
        requesting: Requesting,
        claims: RequestClaims,
        offer_sets: OfferSets,
        background: Background,
        clock: Clock,
        limits: FanOutLimits,
        new_uuid: Callable[[], str],
    ) -> None:
        self._requesting = requesting
        self._claims = claims
        self._offer_sets = offer_sets
        self._background = background
        self._clock = clock
        self._limits = limits
        self._new_uuid = new_uuid

    async def request_offers(
        self, request: ExecutionRequest, caller: Caller
    ) -> Requested:
        """Return the set of the caller's key, made now where it is new.

        Raises:
            KeyReused: The key came with another request before.
            AnswerPending: An earlier request of the key is still under way.
            FanOutFailed: No offer came, and that isn't a NO.
            Overloaded, UserOverLimit, StoreUnavailable: As for any request.
        """
        deadline = caller.received + self._limits.wait(caller.wait)
        async with answered_by(deadline):
            return await self._request(request, caller, deadline)

    async def _request(
        self, request: ExecutionRequest, caller: Caller, deadline: float
    ) -> Requested:
        uuid = self._new_uuid()
        if caller.key is None:
            return Requested(
                await self._requesting.request_offers(request, caller, uuid)
            )
        claim = await self._claim(uuid, caller)
        if claim.digest != caller.digest:
            raise KeyReused("this idempotency key came with another request before")
        if claim.offer_set != uuid:
            return await self._repeated(claim, deadline)
        return Requested(await self._first(request, caller, claim))

    async def _claim(self, uuid: str, caller: Caller) -> RequestClaim:
        now = self._clock.now()
        principal = caller.principal
        claim = RequestClaim(
            issuer=principal.issuer,
            subject=principal.subject,
            key=caller.key or "",
            digest=caller.digest,
            offer_set=uuid,
            made=now,
        )
        longest = timedelta(seconds=self._limits.longest_wait + _SLACK)
        return await self._claims.claim(claim, now - longest)

    async def _first(
        self, request: ExecutionRequest, caller: Caller, claim: RequestClaim
    ) -> OfferSet:
        try:
            return await self._requesting.request_offers(
                request, caller, claim.offer_set
            )
        except FanOutFailed:
            # The set is kept all the same: late answers may fill it.
            raise
        except BaseException:
            self._background.detach(self._give_up(claim), name="give_up_claim")
            raise

    async def _give_up(self, claim: RequestClaim) -> None:
        try:
            await self._claims.give_up(claim)
        except StoreUnavailable as error:
            # The claim becomes stale by itself.
            _log.warning("claim_not_given_up", reason=error.detail)

    async def _repeated(self, claim: RequestClaim, until: float) -> Requested:
        loop = asyncio.get_running_loop()
        while (offer_set := await self._offer_sets.get(claim.offer_set)) is None:
            if loop.time() >= until:
                raise AnswerPending(
                    "an earlier request of this key is still under way", retry_after=1.0
                )
            await asyncio.sleep(_PAUSE)
        raise_unless_answered(offer_set)
        return Requested(offer_set, repeated=True)
