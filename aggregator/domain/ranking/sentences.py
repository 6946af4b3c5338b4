"""Sentences: why an offer stands where it does, for the user who reads it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from aggregator.domain.humane import humane_duration, humane_size
from aggregator.domain.ranking.explanation import Confidence, Estimate

_STARTS: Final = "time_to_start"
_MOST_NOTES: Final = 3
_LEAST_S: Final = 0.5
NO_REMARKS: Final[Mapping[str, str]] = MappingProxyType({})


def reason(
    estimate: Estimate,
    delay: float,
    seconds: Mapping[str, float],
    concessions: Sequence[str] = (),
    remarks: Mapping[str, str] = NO_REMARKS,
) -> str:
    """Return the reason for an offer's place as one sentence, without a full stop.

    Args:
        estimate: When the session can start.
        delay: The effective delay, in seconds.
        seconds: What each weigher contributed to it.
        concessions: Objections in spite of which the offer was kept.
        remarks: What a weigher's contribution rests on, where it says so.
    """
    parts = [_start(estimate), *_data(estimate), _delay(delay, seconds, remarks)]
    if estimate.confidence is Confidence.LOW:
        parts.append(f"low confidence: {_listed(estimate.notes)}")
    parts.extend(f"kept in spite of {concession}" for concession in concessions)
    return "; ".join(parts)


def _start(estimate: Estimate) -> str:
    offered = humane_duration(estimate.offered_start)
    if not estimate.start_known:
        return f"start unknown, taken as in {offered}"
    when = "at once" if estimate.offered_start < _LEAST_S else f"in {offered}"
    if abs(estimate.lateness) >= _LEAST_S:
        late = "late" if estimate.lateness > 0 else "early"
        usual = humane_duration(abs(estimate.lateness))
        return f"start promised {when}, usually {usual} {late}"
    if estimate.start > estimate.offered_start:
        return f"start promised {when}"
    return f"starts {when}"


def _data(estimate: Estimate) -> list[str]:
    parts: list[str] = []
    if estimate.files_to_move:
        size = humane_size(estimate.bytes_to_move)
        source = ", ".join(estimate.sources) or "an unknown place"
        parts.append(f"{size} to move from {source}")
    elif estimate.bytes_total:
        parts.append("all data at the site")
    if estimate.bytes_from_tape:
        parts.append(f"{humane_size(estimate.bytes_from_tape)} to recall from tape")
    if parts and estimate.data_ready:
        parts[-1] += f", data ready in {humane_duration(estimate.data_ready)}"
    return parts


def _delay(
    delay: float, seconds: Mapping[str, float], remarks: Mapping[str, str]
) -> str:
    others = [
        f"{key.replace('_', ' ')} {humane_duration(part)}"
        + (f": {remark}" if (remark := remarks.get(key)) else "")
        for key, part in seconds.items()
        if key != _STARTS and abs(part) >= _LEAST_S
    ]
    contributions = f" ({', '.join(others)})" if others else ""
    return f"delay {humane_duration(delay)}{contributions}"


def _listed(notes: Sequence[str]) -> str:
    more = len(notes) - _MOST_NOTES
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(notes[:_MOST_NOTES]) + rest
