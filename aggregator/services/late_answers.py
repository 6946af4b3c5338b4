"""Late answers: what sites bring after the client was answered joins or is released."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from aggregator.domain.errors import PolicyFailed, StoreUnavailable
from aggregator.domain.events import LateAnswered, OffersReceived
from aggregator.domain.outcomes import SiteAnswer
from aggregator.domain.records import OfferSet, Release
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSets, SessionsTaken
from aggregator.ports.telemetry import Telemetry
from aggregator.services.background import Background
from aggregator.services.composing import compose, release
from aggregator.services.decisions import Decisions
from aggregator.services.fan_out import FanOut
from aggregator.services.releasing import Releasing
from aggregator.services.site_health import SiteHealth

_log = structlog.get_logger(__name__)
_ATTEMPTS = 5


class LateAnswers:
    """Takes in what comes after the answer, until the calls end."""

    def __init__(
        self,
        *,
        offer_sets: OfferSets,
        health: SiteHealth,
        releasing: Releasing,
        decisions: Decisions,
        background: Background,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._offer_sets = offer_sets
        self._health = health
        self._releasing = releasing
        self._decisions = decisions
        self._background = background
        self._clock = clock
        self._telemetry = telemetry

    def follow(self, fan_out: FanOut, offer_set: OfferSet) -> None:
        """Take the answers of the calls that are still open into ``offer_set``."""
        if set(fan_out.calls) - fan_out.taken:
            self._background.detach(
                self._follow(fan_out, offer_set.uuid), name="late_answers"
            )

    def release_all(self, fan_out: FanOut) -> None:
        """Release all that the fan-out brought and will bring: nobody gets it."""
        fan_out.taken.clear()
        self._background.detach(
            self._release_all(fan_out), name="release_abandoned_offers"
        )

    async def _follow(self, fan_out: FanOut, offer_set: str) -> None:
        while set(fan_out.calls) - fan_out.taken:
            arrived = await _next_answers(fan_out)
            joined = await self._join(fan_out, offer_set, arrived)
            for answer in arrived:
                self._telemetry.record(LateAnswered(answer.site, joined))
                self._telemetry.record(OffersReceived(answer.site, len(answer.offers)))

    async def _release_all(self, fan_out: FanOut) -> None:
        while set(fan_out.calls) - fan_out.taken:
            arrived = await _next_answers(fan_out)
            await self._release(fan_out, arrived, "nobody got the offer")

    async def _join(
        self, fan_out: FanOut, uuid: str, arrived: Sequence[SiteAnswer]
    ) -> bool:
        """Take ``arrived`` into the set while it is open, else release the offers.

        Another replica, or an acceptance, may change the set meanwhile: then it is
        read and composed anew.
        """
        taken: dict[str, str] = {}
        try:
            for _ in range(_ATTEMPTS):
                before = await self._offer_sets.get(uuid)
                if before is None or not before.open:
                    break
                try:
                    if await self._replace(fan_out, before, arrived, taken):
                        return True
                except SessionsTaken as error:
                    taken |= error.sessions
        except StoreUnavailable as error:
            _log.warning("late_answers_not_kept", offer_set=uuid, reason=error.detail)
        except PolicyFailed as error:
            _log.exception("policy_failed", offer_set=uuid, reason=error.detail)
        await self._release(fan_out, arrived, "the offer set is closed")
        return False

    async def _replace(
        self,
        fan_out: FanOut,
        before: OfferSet,
        arrived: Sequence[SiteAnswer],
        taken: Mapping[str, str],
    ) -> bool:
        composed = compose(
            fan_out,
            before,
            arrived,
            taken=taken,
            health=self._health,
            now=self._clock.now(),
        )
        version = before.version + 1
        done = await self._offer_sets.replace(
            replace(composed.offer_set, version=version),
            composed.releases,
            composed.estimated_starts,
        )
        if done:
            self._decisions.note(composed, version)
            if composed.releases:
                self._releasing.wake()
        return done

    async def _release(
        self, fan_out: FanOut, arrived: Sequence[SiteAnswer], reason: str
    ) -> None:
        releases = releases_of(arrived, reason, self._clock)
        if releases:
            await self._releasing.release(releases, fan_out.caller)


def releases_of(
    answers: Sequence[SiteAnswer], reason: str, clock: Clock
) -> list[Release]:
    """Return a release for every offer in ``answers``."""
    now = clock.now()
    return [
        release(offer, reason, now)
        for answer in answers
        for offer in (*answer.offers, *answer.surplus)
    ]


async def _next_answers(fan_out: FanOut) -> tuple[SiteAnswer, ...]:
    waiting = [
        call for site, call in fan_out.calls.items() if site not in fan_out.taken
    ]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    return fan_out.new_answers()
