"""Throughput: what links carried, as far as histories of sessions show it.

A transfer counts where the bytes were really missing at the site (replicas and sizes
verified, nothing on tape), came from one place, and took long against the sampling:
phases are read every so often, so that short transfers tell nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.ranking.histories import SessionHistory
from aggregator.domain.ranking.knowledge import Measured, MeasuredLink
from aggregator.domain.ranking.locality import Lake

LEAST_TRANSFERS: Final = 3
LEAST_SAMPLES: Final = 10
"""How many times as long as the sampling interval a transfer must have taken."""

_HOUR_S: Final = 3600.0
_DAY_S: Final = 86400.0
_WEEK_S: Final = 7 * _DAY_S
_BITS_PER_GB: Final = 8e-9
_SLOWEST_GBPS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Transfer:
    """Bytes that moved, the seconds that took, and seconds since it ended."""

    size: int
    seconds: float
    age: float


def measured_links(
    histories: Iterable[SessionHistory], lake: Lake, now: datetime, sampling: float
) -> Mapping[tuple[str, str], MeasuredLink]:
    """Return what was measured, by (sending site, receiving site).

    Args:
        histories: Of accepted sessions.
        lake: Tells which site sends what an RSE holds.
        now: The moment from which ages count.
        sampling: The longest time between two readings of a session, in seconds.
    """
    transfers: defaultdict[tuple[str, str], list[_Transfer]] = defaultdict(list)
    for history in histories:
        sender = _sender(history, lake)
        transfer = _transfer(history, now)
        if sender and transfer and transfer.seconds >= LEAST_SAMPLES * sampling:
            transfers[sender, history.site].append(transfer)
    measured = {pair: _measured_link(made) for pair, made in transfers.items()}
    return {pair: link for pair, link in measured.items() if link != MeasuredLink()}


def _sender(history: SessionHistory, lake: Lake) -> str | None:
    promise = history.promise
    if not promise.is_sure or len(promise.sources) != 1:
        return None
    return lake.sender(promise.sources[0])


def _transfer(history: SessionHistory, now: datetime) -> _Transfer | None:
    size, course = history.promise.bytes_to_move, history.course
    if not size or course.staging is None or course.staged is None:
        return None
    seconds = (course.staged - course.staging).total_seconds()
    age = max(0.0, (now - course.staged).total_seconds())
    return _Transfer(size, seconds, age) if seconds > 0 else None


def _measured_link(transfers: Sequence[_Transfer]) -> MeasuredLink:
    return MeasuredLink(
        hour=_measured(transfers, _HOUR_S),
        day=_measured(transfers, _DAY_S),
        week=_measured(transfers, _WEEK_S),
    )


def _measured(transfers: Sequence[_Transfer], window: float) -> Measured | None:
    """Return bytes over seconds, both decayed: half counts after half a window."""
    recent = [one for one in transfers if one.age <= window]
    if len(recent) < LEAST_TRANSFERS:
        return None
    weights = [0.5 ** (2 * one.age / window) for one in recent]
    pairs = list(zip(weights, recent, strict=True))
    moved = sum(weight * one.size for weight, one in pairs)
    seconds = sum(weight * one.seconds for weight, one in pairs)
    return Measured(max(moved * _BITS_PER_GB / seconds, _SLOWEST_GBPS), len(recent))
