"""What the demo shows: a request, its offers, the best one accepted and followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aggregator.client import (
    BrokerClient,
    OfferSetAnswer,
    Progress,
    RankingAnswer,
    SessionAnswer,
    SiteReport,
)
from aggregator.demo.simulated_sites import DATA
from aggregator.domain.phases import SessionPhase, session_phase

_LOOK_EVERY: Final = 0.25
_LONGEST_SESSION: Final = 60.0


class DemoFailed(Exception):
    """The demo didn't come to its good end; the text says why."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What the request got: the offers, why in this order, and what each site did."""

    offer_set: OfferSetAnswer
    ranking: RankingAnswer
    sites: Sequence[SiteReport]


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site of the demo: where it is, and what is to be known of it."""

    name: str
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs where.

    Attributes:
        broker: The meta-broker's URL.
        sites: The simulated sites.
        time_scale: How many times faster than the clock their sessions live.
    """

    broker: str
    sites: Sequence[DemoSite]
    time_scale: float


class Audience(Protocol):
    """Whoever is shown the demo, step by step."""

    def set_up(self, surroundings: Surroundings, request: str) -> None:
        """Everything runs; the request is about to go out."""
        ...

    def offers_came(self, offers: Offers) -> None:
        """The request was answered."""
        ...

    def accepted(self, session: SessionAnswer) -> None:
        """The best offer was accepted."""
        ...

    def progressed(self, progress: Progress) -> None:
        """Phases of the session changed."""
        ...

    def completed(self, session: SessionAnswer) -> None:
        """The session came to its end."""
        ...

    def stays_up(self, surroundings: Surroundings, offers: Offers) -> None:
        """The demo leaves everything running until it is interrupted."""
        ...


async def tell(surroundings: Surroundings, audience: Audience) -> Offers:
    """Send the reference request, accept the best offer and follow it to its end.

    Returns:
        What the request got.

    Raises:
        BrokerError: The meta-broker refused something, or doesn't answer.
        DemoFailed: There was no offer, or the session didn't end as it should.
    """
    request = (DATA / "request.yaml").read_text("utf-8")
    audience.set_up(surroundings, request)
    async with BrokerClient(surroundings.broker) as broker:
        offers = await _ask(broker, request)
        audience.offers_came(offers)
        if not offers.offer_set.offers:
            raise DemoFailed("no site made an offer")
        session = await broker.accept(offers.offer_set.offers[0].uuid)
        audience.accepted(session)
        last = await _follow(broker, session, audience)
        audience.completed(last)
    if session_phase(last.phase) is not SessionPhase.COMPLETED:
        raise DemoFailed(f"the session ended {last.phase}")
    return offers


async def _ask(broker: BrokerClient, request: str) -> Offers:
    offer_set = await broker.submit(request)
    return Offers(
        offer_set,
        await broker.ranking(offer_set.uuid),
        await broker.sites(offer_set.uuid),
    )


async def _follow(
    broker: BrokerClient, session: SessionAnswer, audience: Audience
) -> SessionAnswer:
    progresses = broker.watch(
        session.uuid, interval=_LOOK_EVERY, deadline=_LONGEST_SESSION
    )
    last = session
    async for progress in progresses:
        last = progress.session
        audience.progressed(progress)
    return last
