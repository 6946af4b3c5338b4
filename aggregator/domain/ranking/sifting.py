"""Sifting: which offers a policy's filters let pass, and which they take out."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from aggregator.domain.ranking.components import Candidate, Filter, Situation, failed
from aggregator.domain.ranking.explanation import FunnelStep


@dataclass(frozen=True, slots=True)
class Passed:
    """An offer that is left.

    Attributes:
        on_merit: False where it was kept only because it had been shown already.
        concessions: Objections in spite of which it was kept.
    """

    candidate: Candidate
    on_merit: bool
    concessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """An offer that a filter took out."""

    candidate: Candidate
    filter: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of all offers."""

    passed: tuple[Passed, ...]
    taken: tuple[Taken, ...]
    funnel: tuple[FunnelStep, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An offer and what filters object to it, by the filter's index."""

    candidate: Candidate
    objections: Mapping[int, str]
    shown: bool

    def passes(self, lifted: AbstractSet[int]) -> bool:
        """Whether no filter objects but those that are lifted."""
        return self.objections.keys() <= lifted

    def taken_by(self, lifted: AbstractSet[int]) -> int | None:
        """Return the index of the filter that takes it out, if one does."""
        if self.shown:
            return None
        return min(self.objections.keys() - lifted, default=None)


def sift(
    filters: Sequence[Filter],
    candidates: Iterable[Candidate],
    situation: Situation,
    shown: frozenset[str] = frozenset(),
) -> Sifted:
    """Apply filters, and lift soft ones where otherwise nothing would be left.

    Args:
        filters: In order; the first that objects is the one that takes an offer out.
        candidates: The offers.
        situation: What the filters may read beside.
        shown: Sessions already shown, which only their expiry takes out.
    """
    judged = [_judge(filters, candidate, situation, shown) for candidate in candidates]
    lifted = _lifted(filters, judged)
    return Sifted(
        passed=tuple(
            Passed(one.candidate, one.passes(lifted), _concessions(filters, one))
            for one in judged
            if one.taken_by(lifted) is None
        ),
        taken=tuple(_taken(filters, judged, lifted)),
        funnel=_funnel(filters, judged, lifted),
        notes=tuple(
            f"no offer passed {filters[index].name}, so it was relaxed"
            for index in sorted(lifted)
        ),
    )


def _judge(
    filters: Sequence[Filter],
    candidate: Candidate,
    situation: Situation,
    shown: frozenset[str],
) -> _Judged:
    objections: dict[int, str] = {}
    for index, one in enumerate(filters):
        try:
            objection = one.objection(candidate, situation)
        except Exception as error:
            raise failed(one, error) from error
        if objection is not None:
            objections[index] = objection
    offer = candidate.offer
    return _Judged(
        candidate,
        objections,
        shown=offer.session in shown and not offer.has_expired(situation.now),
    )


def _lifted(filters: Sequence[Filter], judged: Sequence[_Judged]) -> AbstractSet[int]:
    """Return the soft filters to lift: as few as possible, the least dear first.

    They are lifted in order until an offer passes; then those that turn out not to
    have been in the way are put back, the dearest first. That choice holds as long
    as one of the offers that pass is there, whatever the others are.
    """
    soft = sorted(
        (index for index, one in enumerate(filters) if one.on_empty == "relax"),
        key=lambda index: filters[index].relax_order,
    )
    lifted: set[int] = set()
    for index in soft:
        if _any_passes(judged, lifted):
            break
        lifted.add(index)
    if not _any_passes(judged, lifted):
        return set()
    for index in reversed(soft):
        if _any_passes(judged, lifted - {index}):
            lifted.discard(index)
    return lifted


def _any_passes(judged: Sequence[_Judged], lifted: AbstractSet[int]) -> bool:
    return any(one.passes(lifted) for one in judged)


def _concessions(filters: Sequence[Filter], judged: _Judged) -> tuple[str, ...]:
    return tuple(
        f"{filters[index].name}: {objection}"
        for index, objection in sorted(judged.objections.items())
    )


def _taken(
    filters: Sequence[Filter], judged: Sequence[_Judged], lifted: AbstractSet[int]
) -> Iterable[Taken]:
    for one in judged:
        index = one.taken_by(lifted)
        if index is not None:
            yield Taken(one.candidate, filters[index].name, one.objections[index])


def _funnel(
    filters: Sequence[Filter], judged: Sequence[_Judged], lifted: AbstractSet[int]
) -> tuple[FunnelStep, ...]:
    takers = [one.taken_by(lifted) for one in judged]
    left = len(judged)
    steps: list[FunnelStep] = []
    for index, one in enumerate(filters):
        after = left - takers.count(index)
        steps.append(FunnelStep(one.name, left, after, relaxed=index in lifted))
        left = after
    return tuple(steps)
