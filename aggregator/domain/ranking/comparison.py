"""Comparison: what another policy would have made of decisions that were made."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from sys import maxsize
from typing import Any, Final

from aggregator.domain.ranking.document import Trim
from aggregator.domain.ranking.explanation import Ranking
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.ranking.replay import replayed
from aggregator.domain.records import Decision
from aggregator.domain.schedules import format_instant

_MOST_CHANGES: Final = 100
_NO_TRIM: Final = Trim(max_offers=maxsize, max_per_site=maxsize)
_NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer that came first, and what it means for its user.

    Attributes:
        start_s: Seconds from the ranking to the estimated start.
        bytes_to_move: Bytes that have no replica at the site.
    """

    site: str
    session: str
    start_s: float
    bytes_to_move: int


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """One decision, and how another policy decides.

    Both choices are estimated by the rules of the other policy, so that they can be
    compared whatever the estimates of the first one were.
    """

    offer_set: str
    moment: datetime
    before: Choice | None
    after: Choice | None

    @property
    def is_changed(self) -> bool:
        """Whether another offer comes first, or none any more."""
        return _session(self.before) != _session(self.after)

    @property
    def seconds_won(self) -> float:
        """By how much the session starts earlier; 0 where there is no comparison."""
        if self.before is None or self.after is None:
            return 0.0
        return self.before.start_s - self.after.start_s

    def as_document(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "offerset": self.offer_set,
            "moment": format_instant(self.moment),
            "before": self.before and asdict(self.before),
            "after": self.after and asdict(self.after),
            "seconds_won": round(self.seconds_won, 3),
        }


def reconsidered(decision: Decision, policy: Policy) -> Reconsidered:
    """Return how ``policy`` decides what was decided.

    Raises:
        ValueError: The inputs of the decision can't be read.
    """
    ranking = replayed(policy, decision.inputs)
    best = ranking.ranked[0].offer.session if ranking.ranked else None
    return Reconsidered(
        decision.offer_set,
        decision.moment,
        before=_choice(ranking, decision.best) or _unfiltered(decision, policy),
        after=_choice(ranking, best),
    )


def serves(policy: Policy, decision: Decision) -> bool:
    """Whether ``policy`` would serve the request of that user."""
    kind = decision.inputs.get("request", {}).get("executable_kind", "")
    user = decision.inputs.get("knowledge", {}).get("user", {})
    return policy.match.serves(kind, frozenset(user.get("groups", ())))


def _choice(ranking: Ranking, session: str | None) -> Choice | None:
    for one in ranking.ranked:
        if one.offer.session == session:
            estimate = one.estimate
            return Choice(
                one.offer.site,
                one.offer.session,
                round(estimate.start, 3),
                estimate.bytes_to_move,
            )
    return None


def _unfiltered(decision: Decision, policy: Policy) -> Choice | None:
    """Estimate the offer that came first, where the other policy filters it out."""
    if decision.best is None:
        return None
    lenient = replace(policy, filters=(), trim=_NO_TRIM)
    return _choice(replayed(lenient, decision.inputs), decision.best)


@dataclass(slots=True)
class Tally:
    """The sum of what another policy changes, over many decisions.

    Attributes:
        not_served: Decisions of requests or users that the policy doesn't match.
        unreadable: Decisions whose record can't be read, as of an older release.
    """

    not_served: int = 0
    unreadable: int = 0
    _seen: list[Reconsidered] = field(default_factory=list)

    def add(self, decision: Decision, policy: Policy) -> None:
        """Count what ``policy`` makes of ``decision``."""
        if not serves(policy, decision):
            self.not_served += 1
            return
        try:
            self._seen.append(reconsidered(decision, policy))
        except ValueError:
            self.unreadable += 1

    @property
    def replayed(self) -> int:
        """How many decisions were made again."""
        return len(self._seen)

    def as_document(self) -> dict[str, Any]:
        """Return the sums, and the changes that matter most, as plain data."""
        changed = [one for one in self._seen if one.is_changed]
        return {
            "replayed": self.replayed,
            "not_served": self.not_served,
            "unreadable": self.unreadable,
            "changed": len(changed),
            **_sums(changed),
            "sites": _first_places(self._seen),
            "moves": _moves(changed),
            "changes": [one.as_document() for one in _heaviest(changed)],
        }


def _sums(changed: Sequence[Reconsidered]) -> dict[str, Any]:
    """Sum up what changed: where the same offer comes first, nothing does."""
    won = [one.seconds_won for one in changed if one.seconds_won > 0]
    lost = [-one.seconds_won for one in changed if one.seconds_won < 0]
    return {
        "earlier": len(won),
        "seconds_won": round(sum(won), 3),
        "later": len(lost),
        "seconds_lost": round(sum(lost), 3),
        "bytes_before": sum(one.before.bytes_to_move for one in changed if one.before),
        "bytes_after": sum(one.after.bytes_to_move for one in changed if one.after),
        "offers_lost": sum(one.after is None for one in changed),
        "offers_gained": sum(one.before is None for one in changed),
    }


def _first_places(seen: Iterable[Reconsidered]) -> list[dict[str, Any]]:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for one in seen:
        before.update([one.before.site] if one.before else [])
        after.update([one.after.site] if one.after else [])
    return [
        {"site": site, "before": before[site], "after": after[site]}
        for site in sorted(before.keys() | after.keys())
    ]


def _moves(changed: Iterable[Reconsidered]) -> list[dict[str, Any]]:
    """Sum up changed winners by the sites from which and to which they moved."""
    sums: dict[tuple[str, str], list[Reconsidered]] = {}
    for one in changed:
        sums.setdefault((_site(one.before), _site(one.after)), []).append(one)
    moves = [
        {
            "from": before or None,
            "to": after or None,
            "decisions": len(those),
            "seconds_won": round(sum(one.seconds_won for one in those), 3),
            "bytes_more": sum(_bytes(one.after) - _bytes(one.before) for one in those),
        }
        for (before, after), those in sorted(sums.items())
    ]
    return sorted(moves, key=lambda move: -int(str(move["decisions"])))


def _heaviest(changed: Iterable[Reconsidered]) -> list[Reconsidered]:
    ordered = sorted(changed, key=lambda one: (-abs(one.seconds_won), one.offer_set))
    return ordered[:_MOST_CHANGES]


def _session(choice: Choice | None) -> str:
    return choice.session if choice else _NOBODY


def _site(choice: Choice | None) -> str:
    return choice.site if choice else _NOBODY


def _bytes(choice: Choice | None) -> int:
    return choice.bytes_to_move if choice else 0
