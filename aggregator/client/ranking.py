"""The explanation of an order, and what other policies would make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aggregator.client import reading

_DIGITS: Final = 12


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
    def delay(self) -> float | None:
        """The effective delay in seconds, by which offers are ordered."""
        return reading.number(self.document.get("delay_s"))

    @property
    def seconds(self) -> Mapping[str, float]:
        """What each weigher contributed to the delay, by its name."""
        parts = reading.mapping(self.document.get("seconds"))
        return {name: reading.number(part) or 0.0 for name, part in parts.items()}

    @property
    def ahead_by(self) -> str:
        """What puts it before the next one; empty for the last."""
        return reading.text(self.document.get("ahead_by"))

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

    @property
    def policy(self) -> str:
        """The policy that decided, with its revision and sum, in words."""
        return _policy(self.document)

    @property
    def moment(self) -> datetime | None:
        """When they were ranked: seconds and reasons count from there."""
        return reading.instant(self.document.get("moment"))

    @property
    def dropped(self) -> tuple[Mapping[str, Any], ...]:
        """The offers that were taken out, with ``filter`` and ``reason``."""
        return reading.mappings(self.document.get("dropped"))

    @property
    def funnel(self) -> tuple[Mapping[str, Any], ...]:
        """How many offers stood before and after each filter."""
        return reading.mappings(self.document.get("funnel"))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said beside."""
        listed = self.document.get("notes")
        return tuple(map(str, listed)) if isinstance(listed, list) else ()


@dataclass(frozen=True, slots=True)
class DecisionAnswer:
    """A decision, with all that it rested on."""

    document: Mapping[str, Any]

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What ``domain.ranking.replay.replayed`` makes again."""
        return reading.mapping(self.document.get("inputs"))

    @property
    def policy(self) -> str:
        """The policy that decided, with its revision and sum, in words."""
        return _policy(self.document)


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """What another policy would have made of past decisions."""

    document: Mapping[str, Any]

    @property
    def policy(self) -> str:
        """The policy on trial, with its revision and sum, in words."""
        return _policy(self.document)

    @property
    def is_complete(self) -> bool:
        """Whether all decisions since the moment asked for were made again."""
        return self.document.get("complete") is True

    @property
    def oldest(self) -> datetime | None:
        """The moment of the oldest decision that was made again."""
        return reading.instant(self.document.get("oldest"))

    def count(self, name: str) -> int:
        """Return the whole number under ``name``, 0 where there is none."""
        return reading.whole(self.document.get(name)) or 0

    def amount(self, name: str) -> float:
        """Return the number under ``name``, 0 where there is none."""
        return reading.number(self.document.get(name)) or 0.0

    def listed(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return the entries under ``name``: ``sites``, ``moves``, ``changes``."""
        return reading.mappings(self.document.get(name))


def _policy(document: Mapping[str, Any]) -> str:
    policy = reading.mapping(document.get("policy"))
    name = reading.text(policy.get("name"))
    revision = reading.whole(policy.get("revision"))
    digest = reading.text(policy.get("sha256"))[:_DIGITS]
    return f"{name} revision {revision} ({digest})"
