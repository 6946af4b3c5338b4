"""Requesting offers: the use case behind ``POST /offersets`` and ``POST /requests``."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.domain.answers import Standing, completeness, standing
from aggregator.domain.errors import (
    CredentialsWanted,
    FanOutFailed,
    NoSiteToAsk,
    Overloaded,
    SitesSilent,
    SitesUnavailable,
)
from aggregator.domain.events import (
    FanOutFinished,
    OffersFiltered,
    OffersReceived,
    OffersReturned,
)
from aggregator.domain.outcomes import ANSWERED, NOT_ASKED, SiteAnswer
from aggregator.domain.records import OfferSet
from aggregator.domain.requests import ExecutionRequest
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import OfferSets, Routes
from aggregator.ports.telemetry import Telemetry
from aggregator.services.caller import Caller
from aggregator.services.composing import Composed, compose
from aggregator.services.fan_out import FanningOut, FanOut
from aggregator.services.late_answers import LateAnswers
from aggregator.services.limits import FanOutLimits
from aggregator.services.releasing import Releasing
from aggregator.services.site_health import SiteHealth

_RETRY_AFTER = 5.0


class Requesting:
    """Asks the federation for offers and answers with one ranked set."""

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        fanning_out: FanningOut,
        health: SiteHealth,
        offer_sets: OfferSets,
        routes: Routes,
        late_answers: LateAnswers,
        releasing: Releasing,
        clock: Clock,
        telemetry: Telemetry,
        limits: FanOutLimits,
        new_uuid: Callable[[], str],
    ) -> None:
        self._snapshot = snapshot
        self._fanning_out = fanning_out
        self._health = health
        self._offer_sets = offer_sets
        self._routes = routes
        self._late_answers = late_answers
        self._releasing = releasing
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._new_uuid = new_uuid
        self._under_way = 0

    async def request_offers(
        self, request: ExecutionRequest, caller: Caller
    ) -> OfferSet:
        """Ask every eligible site, and return the set of their offers, best first.

        The set is kept before this returns. Calls still open go on, and what they
        bring joins the set, or is released.

        Raises:
            Overloaded: As many requests as may be are under way.
            FanOutFailed: No offer came, and that isn't a NO; the set is kept.
            StoreUnavailable: The set can't be kept; its offers are released.
        """
        with self._admitted():
            fan_out = self._fanning_out.begin(
                self._new_uuid(), request, self._snapshot.current(), caller
            )
            try:
                await self._fanning_out.wait(fan_out)
                arrived = fan_out.new_answers()
                composed = await self._compose(fan_out, arrived)
                await self._keep(composed)
            except BaseException:
                # The client went away, or its set can't be kept: nobody gets what
                # the request reserved, so that it is given back.
                self._late_answers.release_all(fan_out)
                raise
            self._late_answers.follow(fan_out, composed.offer_set)
            self._count(fan_out, arrived, composed)
            _raise_unless_answered(fan_out, composed.offer_set)
            return composed.offer_set

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self._under_way >= self._limits.concurrent:
            raise Overloaded(
                f"{self._limits.concurrent} requests are under way, which is the limit",
                retry_after=_RETRY_AFTER,
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _compose(
        self, fan_out: FanOut, arrived: Sequence[SiteAnswer]
    ) -> Composed:
        now = self._clock.now()
        principal = fan_out.caller.principal
        return compose(
            fan_out,
            OfferSet(
                uuid=fan_out.uuid,
                created=now,
                request=fan_out.request,
                issuer=principal.issuer,
                subject=principal.subject,
                late_until=self._late_until(fan_out, now),
            ),
            arrived,
            taken=await self._routes.existing(
                [offer.session for answer in arrived for offer in answer.offers]
            ),
            health=self._health,
            now=now,
        )

    def _late_until(self, fan_out: FanOut, now: datetime) -> datetime | None:
        if not fan_out.pending:
            return None
        left = fan_out.late_until - asyncio.get_running_loop().time()
        return now + timedelta(seconds=left)

    async def _keep(self, composed: Composed) -> None:
        await self._offer_sets.add(
            composed.offer_set, composed.releases, composed.estimated_starts
        )
        if composed.releases:
            self._releasing.wake()

    def _count(
        self, fan_out: FanOut, arrived: Sequence[SiteAnswer], composed: Composed
    ) -> None:
        answers = composed.offer_set.answers
        asked = [a for a in answers if a.outcome not in NOT_ASKED]
        self._telemetry.record(
            FanOutFinished(
                offer_set=fan_out.uuid,
                completeness=completeness(answers),
                seconds=asyncio.get_running_loop().time() - fan_out.began,
                asked=len(asked),
                answered=sum(a.outcome in ANSWERED for a in asked),
                not_asked=len(answers) - len(asked),
            )
        )
        for answer in arrived:
            self._telemetry.record(OffersReceived(answer.site, len(answer.offers)))
        ranks: dict[str, list[int]] = {}
        for ranked in composed.ranking.ranked:
            ranks.setdefault(ranked.offer.site, []).append(ranked.rank)
        for site, places in ranks.items():
            self._telemetry.record(OffersReturned(site, tuple(places)))
        for name, count in Counter(d.filter for d in composed.ranking.dropped).items():
            self._telemetry.record(OffersFiltered(name, count))


def _raise_unless_answered(fan_out: FanOut, offer_set: OfferSet) -> None:
    answers = offer_set.answers
    waited = fan_out.deadline - fan_out.caller.received
    match standing(len(offer_set.offers), answers):
        case Standing.OFFERS | Standing.NO:
            return
        case Standing.NOBODY_TO_ASK:
            raise NoSiteToAsk(
                "there is no site to which the request could go now",
                offer_set.uuid,
                answers,
                _RETRY_AFTER,
            )
        case Standing.SILENT:
            raise SitesSilent(
                f"no site answered within {waited:g} s",
                offer_set.uuid,
                answers,
                _RETRY_AFTER,
            )
        case Standing.UNAVAILABLE:
            raise _unavailable(offer_set)
        case Standing.UNAUTHORIZED:
            raise CredentialsWanted(
                "every site wants credentials", offer_set.uuid, answers, forbidden=False
            )
        case Standing.FORBIDDEN:
            raise CredentialsWanted(
                "no site allows this user", offer_set.uuid, answers, forbidden=True
            )


def _unavailable(offer_set: OfferSet) -> FanOutFailed:
    waits = [a.retry_after for a in offer_set.answers if a.retry_after is not None]
    return SitesUnavailable(
        "no site made an offer, and not all that were asked have answered",
        offer_set.uuid,
        offer_set.answers,
        min(waits, default=_RETRY_AFTER),
    )
