"""The explanation of an order, as a meta-broker gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.client import reading


@dataclass(frozen=True, slots=True)
class RankedOfferAnswer:
    """One offer's place, and what it rests on."""

    document: Mapping[str, Any]

    @property
    def rank(self) -> int:
        """The place, from 1."""
        return reading.whole(self.document.get("rank")) or 0

    @property
    def session(self) -> str:
        """The offer's uuid."""
        return reading.text(self.document.get("session"))

    @property
    def site(self) -> str:
        """The site that made the offer."""
        return reading.text(self.document.get("site"))

    @property
    def reason(self) -> str:
        """Why it stands there, in one sentence."""
        return reading.text(self.document.get("reason"))

    @property
    def offered_start(self) -> float | None:
        """Seconds from the ranking to the start that the site promises."""
        return reading.number(self._estimate.get("offered_start_s"))

    @property
    def start(self) -> float | None:
        """Seconds from the ranking to the start that is to be expected."""
        return reading.number(self._estimate.get("start_s"))

    @property
    def data_ready(self) -> float | None:
        """Seconds until the data that are missing are there; 0: none is missing."""
        return reading.number(self._estimate.get("data_ready_s"))

    @property
    def bytes_to_move(self) -> int | None:
        """Bytes that have no replica at the site."""
        return reading.whole(self._estimate.get("bytes_to_move"))

    @property
    def _estimate(self) -> Mapping[str, Any]:
        return reading.mapping(self.document.get("estimate"))


@dataclass(frozen=True, slots=True)
class RankingAnswer:
    """Why a set's offers stand in their order."""

    document: Mapping[str, Any]

    @property
    def offers(self) -> tuple[RankedOfferAnswer, ...]:
        """The offers, best first."""
        return tuple(
            map(RankedOfferAnswer, reading.mappings(self.document.get("offers")))
        )

    @property
    def by_session(self) -> Mapping[str, RankedOfferAnswer]:
        """The offers by their uuid."""
        return {offer.session: offer for offer in self.offers}
