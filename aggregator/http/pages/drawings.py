"""Drawings: the latest calls to a site as a small line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.services.site_activity import KEPT, Latency, percentile

WIDTH: Final = 120
HEIGHT: Final = 28
_MARGIN: Final = 2
_LEAST_SCALE: Final = 0.02
_SECOND: Final = 1.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """The latest calls of one kind as a small line, the newest at the right.

    Attributes:
        lines: Points of unbroken runs of successes, as SVG has them.
        failures: Where calls failed, from the left.
        words: The same in words.
    """

    lines: tuple[str, ...]
    failures: tuple[float, ...]
    words: str


def drawing(kind: str, latencies: Sequence[Latency]) -> Drawing:
    """Draw the latest calls; the highest point is the slowest of them."""
    shown = latencies[-KEPT:]
    slowest = max((one.seconds for one in shown if not one.failed), default=0.0)
    scale = (HEIGHT - 2 * _MARGIN) / max(slowest, _LEAST_SCALE)
    step = (WIDTH - 2 * _MARGIN) / (KEPT - 1)
    first = WIDTH - _MARGIN - (len(shown) - 1) * step
    runs: list[list[str]] = [[]]
    failures: list[float] = []
    for index, one in enumerate(shown):
        x = round(first + index * step, 1)
        if one.failed:
            failures.append(x)
            runs.append([])
        else:
            y = round(HEIGHT - _MARGIN - one.seconds * scale, 1)
            runs[-1].append(f"{x},{y}")
    lines = tuple(" ".join(_visible(run)) for run in runs if run)
    return Drawing(lines, tuple(failures), _latency_words(kind, shown))


def _visible(run: list[str]) -> list[str]:
    """Have two points where there is one: a line of one can't be seen."""
    return run if len(run) > 1 else run * 2


def _latency_words(kind: str, latencies: Sequence[Latency]) -> str:
    if not latencies:
        return f"no {kind} yet"
    half, most = percentile(latencies, 0.5), percentile(latencies, 0.95)
    failed = sum(one.failed for one in latencies)
    parts = [f"median {_span(half)}, p95 {_span(most)}"] if half and most else []
    parts += [f"{failed} of {len(latencies)} failed"] if failed else []
    return "; ".join(parts) or f"{len(latencies)} {kind}"


def _span(seconds: float) -> str:
    amount, unit = (seconds * 1000, "ms") if seconds < _SECOND else (seconds, "s")
    return f"{amount:.{int(unit == 's')}f}\N{NO-BREAK SPACE}{unit}"
