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
    UserOverLimit,
)
from aggregator.domain.events import (
    DataLookedUp,
    FanOutFinished,
    FanOutShed,
    FanOutsUnderWay,
    LookupOutcome,
    OffersFiltered,
    OffersReceived,
    OffersReturned,
    ShedScope,
    SiteNotAsked,
)
from aggregator.domain.outcomes import ANSWERED, NOT_ASKED, SiteAnswer
from aggregator.domain.records import OfferSet
from aggregator.domain.replicas import Did
from aggregator.domain.requests import ExecutionRequest
from aggregator.ports.clock import Clock
from aggregator.ports.snapshot import Snapshot
from aggregator.ports.store import OfferSets, SessionsTaken
from aggregator.ports.telemetry import Telemetry
from aggregator.services.admission import Admission
from aggregator.services.budget import ReservationBudget
from aggregator.services.caller import Caller
from aggregator.services.composing import Composed, compose, policy_for
from aggregator.services.decisions import Decisions
from aggregator.services.fan_out import FanningOut, FanOut
from aggregator.services.late_answers import LateAnswers
from aggregator.services.learning import Learned, nothing_learned
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
        late_answers: LateAnswers,
        decisions: Decisions,
        releasing: Releasing,
        clock: Clock,
        telemetry: Telemetry,
        budget: ReservationBudget,
        limits: FanOutLimits,
        learned: Callable[[], Learned] = nothing_learned,
    ) -> None:
        self._snapshot = snapshot
        self._fanning_out = fanning_out
        self._health = health
        self._offer_sets = offer_sets
        self._late_answers = late_answers
        self._decisions = decisions
        self._releasing = releasing
        self._clock = clock
        self._telemetry = telemetry
        self._limits = limits
        self._budget = budget
        self._learned = learned
        self._admission = Admission(
            "requests",
            "are under way",
            in_all=limits.concurrent,
            per_user=limits.concurrent_per_user,
            retry_after=_RETRY_AFTER,
            tell=self._tell_under_way,
        )

    async def request_offers(
        self, request: ExecutionRequest, caller: Caller, uuid: str
    ) -> OfferSet:
        """Ask every eligible site, and return the set of their offers, best first.

        The set is kept before this returns. Calls still open go on, and what they
        bring joins the set, or is released.

        Args:
            request: What the user wants to run.
            caller: Who asks.
            uuid: The new set's.

        Raises:
            UnknownPolicy: The caller may not choose the policy that it asked for.
            Overloaded: As many requests as may be are under way, or offers open.
            UserOverLimit: The same of this user.
            FanOutFailed: No offer came, and that isn't a NO; the set is kept.
            StoreUnavailable: The set can't be kept; its offers are released.
        """
        with self._refusals_counted(), self._admission.admitted(caller.principal):
            federation = self._snapshot.current()
            # Refused before any site reserves something for it.
            policy_for(federation, request, caller)
            await self._budget.require(caller.principal)
            fan_out = self._fanning_out.begin(
                uuid, request, federation, caller, self._learned()
            )
            try:
                await self._fanning_out.wait(fan_out)
                arrived = fan_out.new_answers()
                composed = await self._keep(fan_out, arrived)
            except BaseException:
                # The client went away, or its set can't be kept: nobody gets what
                # the request reserved, so that it is given back.
                self._late_answers.release_all(fan_out)
                raise
            self._decisions.note(composed, composed.offer_set.version)
            self._late_answers.follow(fan_out, composed.offer_set)
            self._count(fan_out, arrived, composed)
            raise_unless_answered(composed.offer_set)
            return composed.offer_set

    @contextmanager
    def _refusals_counted(self) -> Iterator[None]:
        try:
            yield
        except Overloaded:
            self._telemetry.record(FanOutShed(ShedScope.ALL))
            raise
        except UserOverLimit:
            self._telemetry.record(FanOutShed(ShedScope.USER))
            raise

    def _tell_under_way(self, count: int) -> None:
        self._telemetry.record(FanOutsUnderWay(count))

    async def _keep(self, fan_out: FanOut, arrived: Sequence[SiteAnswer]) -> Composed:
        now = self._clock.now()
        offer_set = self._empty_set(fan_out, now)
        taken: dict[str, str] = {}
        while True:
            composed = compose(
                fan_out,
                offer_set,
                arrived,
                taken=taken,
                health=self._health,
                now=now,
            )
            try:
                await self._offer_sets.add(
                    composed.offer_set, composed.releases, composed.estimated_starts
                )
            except SessionsTaken as error:
                # A site used uuids of another set's sessions: its offers get others.
                taken |= error.sessions
            else:
                break
        if composed.releases:
            self._releasing.wake()
        return composed

    def _empty_set(self, fan_out: FanOut, now: datetime) -> OfferSet:
        principal = fan_out.caller.principal
        return OfferSet(
            uuid=fan_out.uuid,
            created=now,
            request=fan_out.request,
            issuer=principal.issuer,
            subject=principal.subject,
            groups=tuple(sorted(principal.groups)),
            late_until=self._late_until(fan_out, now),
        )

    def _late_until(self, fan_out: FanOut, now: datetime) -> datetime | None:
        if not fan_out.pending:
            return None
        left = fan_out.late_until - asyncio.get_running_loop().time()
        return now + timedelta(seconds=left)

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
        for answer in answers:
            if answer.outcome in NOT_ASKED:
                self._telemetry.record(SiteNotAsked(answer.site, answer.outcome))
        for outcome, count in _lookups(fan_out).items():
            self._telemetry.record(DataLookedUp(outcome, count))
        for answer in arrived:
            self._telemetry.record(OffersReceived(answer.site, len(answer.offers)))
        ranks: dict[str, list[int]] = {}
        for ranked in composed.ranking.ranked:
            ranks.setdefault(ranked.offer.site, []).append(ranked.rank)
        for site, places in ranks.items():
            self._telemetry.record(OffersReturned(site, tuple(places)))
        for name, count in Counter(d.filter for d in composed.ranking.dropped).items():
            self._telemetry.record(OffersFiltered(name, count))


def _lookups(fan_out: FanOut) -> Counter[LookupOutcome]:
    dids = {item.did for item in fan_out.request.data if item.did is not None}
    return Counter(_lookup_outcome(fan_out, did) for did in dids)


def _lookup_outcome(fan_out: FanOut, did: Did) -> LookupOutcome:
    if not fan_out.lookup.done():
        return LookupOutcome.UNANSWERED
    return LookupOutcome.LOCATED if did in fan_out.located else LookupOutcome.UNKNOWN


def raise_unless_answered(offer_set: OfferSet) -> None:
    """Raise where a set without offers isn't a NO.

    Raises:
        FanOutFailed: It is of the kind that says what is missing.
    """
    answers = offer_set.answers
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
                "no site answered in time",
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
    asked = [a.outcome for a in offer_set.answers if a.outcome not in NOT_ASKED]
    silent = sum(outcome not in ANSWERED for outcome in asked)
    return SitesUnavailable(
        f"no site made an offer, and {silent} of the {len(asked)} that were asked "
        "did not answer",
        offer_set.uuid,
        offer_set.answers,
        min(waits, default=_RETRY_AFTER),
    )
