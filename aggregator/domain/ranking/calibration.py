"""Calibration: how what a site promises compares with what then happens.

Errors are seconds, above 0 where it came later. Their quantiles are weighted: an
observation counts half after ``HALF_LIFE_DAYS``, and ``PRIOR`` more of error 0 are
added, so that a site is taken at its word until it has shown otherwise. A session
whose start was never seen is censored: counted, and left out of the quantiles.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aggregator.domain.ranking.histories import SessionHistory
from aggregator.domain.ranking.intake import LONGEST_S, clipped

HALF_LIFE_DAYS: Final = 7.0
PRIOR: Final = 5.0
BANDS_S: Final = (0.0, 600.0, 3600.0, 14400.0)
"""Where bands of promised waiting begin, for longer promises err by more."""

ANY_KIND: Final = "*"
_SECONDS_PER_DAY: Final = 86400.0

Observation = tuple[float, float]
"""A value, and its weight."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late sessions of one site start that were promised within one band.

    Attributes:
        from_s: Where the band begins, one of ``BANDS_S``.
        median_s: Seconds from the promised start to the observed one.
        starts: How many were observed.
    """

    from_s: float
    median_s: float
    starts: int


@dataclass(frozen=True, slots=True)
class StartRecord:
    """What ranking may know of a site's starts.

    Attributes:
        lateness: By band, in order; bands without observations are left out.
        wait_s: The median from acceptance to start of sessions without data to
            move, None where too few were seen.
        waits: How many were seen.
    """

    lateness: tuple[Lateness, ...] = ()
    wait_s: float | None = None
    waits: int = 0

    def expected(self, promised: float) -> float:
        """Return when what is promised in ``promised`` seconds usually starts.

        An earlier promise never gives a later start: what a band adds to its longest
        promise bounds all longer ones from below.
        """
        return clipped(max(0.0, self._deciding(promised)[0]))

    def starts_behind(self, promised: float) -> int:
        """Return how many observed starts ``expected`` rests on."""
        return self._deciding(promised)[1]

    def _deciding(self, promised: float) -> tuple[float, int]:
        late = {one.from_s: one for one in self.lateness}
        reached = [
            (min(promised, end) + band.median_s, band.starts)
            for begin, end in zip(BANDS_S, (*BANDS_S[1:], LONGEST_S), strict=True)
            for band in [late.get(begin, Lateness(begin, 0.0, 0))]
            if begin <= promised
        ]
        return max(reached, default=(promised, 0))


@dataclass(frozen=True, slots=True)
class Spread:
    """The quartiles of an error in seconds, and how many observations there are."""

    p25: float = 0.0
    median: float = 0.0
    p75: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one site's accepted sessions taught, of one kind of executable or all.

    Attributes:
        late: Observed starts against the promised ones, where data weren't what
            they waited for.
        estimated: Observed starts against the estimated ones.
        preparing: Preparing against what was planned for it.
        censored: Sessions whose start wasn't seen.
        weight: Of all observed starts, decayed.
    """

    record: StartRecord
    late: Spread
    estimated: Spread
    preparing: Spread
    censored: int
    weight: float


_NO_RECORD: Final = StartRecord()


@dataclass(frozen=True, slots=True)
class Calibrations:
    """What is learned of starts, by (site, kind of executable); ``*`` is any kind."""

    by_site_and_kind: Mapping[tuple[str, str], Calibration] = field(
        default_factory=dict
    )

    def record(self, site: str, kind: str) -> StartRecord:
        """Return a site's record for a kind; for all kinds where that is scarce."""
        own = self.by_site_and_kind.get((site, kind))
        if own is not None and own.weight >= PRIOR:
            return own.record
        whole = self.by_site_and_kind.get((site, ANY_KIND))
        return whole.record if whole is not None else _NO_RECORD


def calibrate(histories: Iterable[SessionHistory], now: datetime) -> Calibrations:
    """Return what histories teach at ``now``."""
    grouped: defaultdict[tuple[str, str], list[SessionHistory]] = defaultdict(list)
    for history in histories:
        for kind in {history.promise.kind, ANY_KIND}:
            grouped[history.site, kind].append(history)
    return Calibrations({key: _calibration(of, now) for key, of in grouped.items()})


def quantile(observations: Sequence[Observation], share: float) -> float:
    """Return the least value that ``share`` of the weight doesn't exceed.

    Args:
        observations: Values and weights; at least one.
        share: From 0 to 1.
    """
    ordered = sorted(observations)
    wanted = share * sum(weight for _, weight in ordered)
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= wanted:
            return value
    return ordered[-1][0]


def _calibration(histories: Sequence[SessionHistory], now: datetime) -> Calibration:
    started = [(one, _weight(one, now)) for one in histories if one.course.started]
    prompt = [
        (one, weight) for one, weight in started if not one.promise.waits_for_data
    ]
    late = [(one.lateness, weight) for one, weight in prompt]
    return Calibration(
        record=_record(started, prompt),
        late=_spread(late),
        estimated=_spread([(one.estimate_error, weight) for one, weight in started]),
        preparing=_spread([(one.preparing_error, weight) for one, weight in started]),
        censored=len(histories) - len(started),
        weight=sum(weight for _, weight in started),
    )


def _record(
    started: Sequence[tuple[SessionHistory, float]],
    prompt: Sequence[tuple[SessionHistory, float]],
) -> StartRecord:
    waits = _known(
        (one.wait, weight) for one, weight in started if not one.promise.bytes_to_move
    )
    enough = sum(weight for _, weight in waits) >= PRIOR
    return StartRecord(
        lateness=tuple(_lateness(prompt)),
        wait_s=max(0.0, quantile(waits, 0.5)) if enough else None,
        waits=len(waits),
    )


def _lateness(
    prompt: Sequence[tuple[SessionHistory, float]],
) -> Iterable[Lateness]:
    bands: defaultdict[float, list[Observation]] = defaultdict(list)
    for one, weight in prompt:
        if one.promise.start is not None and one.lateness is not None:
            promised = (one.promise.start - one.promise.ranked).total_seconds()
            bands[_band(promised)].append((clipped(one.lateness), weight))
    for begin, late in sorted(bands.items()):
        yield Lateness(begin, quantile([*late, (0.0, PRIOR)], 0.5), len(late))


def _band(promised: float) -> float:
    return max((begin for begin in BANDS_S if begin <= promised), default=BANDS_S[0])


def _spread(errors: Iterable[tuple[float | None, float]]) -> Spread:
    known = _known(errors)
    shrunk = [*known, (0.0, PRIOR)]
    p25, median, p75 = (quantile(shrunk, share) for share in (0.25, 0.5, 0.75))
    return Spread(p25, median, p75, len(known))


def _known(values: Iterable[tuple[float | None, float]]) -> list[Observation]:
    return [(clipped(value), weight) for value, weight in values if value is not None]


def _weight(history: SessionHistory, now: datetime) -> float:
    started = history.course.started or now
    age = max(0.0, (now - started).total_seconds()) / _SECONDS_PER_DAY
    return float(0.5 ** (age / HALF_LIFE_DAYS))
