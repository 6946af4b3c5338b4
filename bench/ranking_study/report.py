"""The report: the tables and the plot of ``docs/ranking-study.md``."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.ranking_study.simulation import Life

OURS: Final = "our default policy"
LEARNING: Final = "our default policy, calibrated"
Worlds = Sequence[Mapping[str, Life]]

_TEMPLATE: Final = Path(__file__).parent / "ranking-study.md.in"


def table(worlds: Worlds) -> str:
    """Return the table of all strategies, over all worlds."""
    rows = [
        "| strategy | median | mean | 95 % start within | PB moved | failed starts |",
        "|---|---|---|---|---|---|",
    ]
    for name in worlds[0]:
        waits = sorted(wait / 60 for one in worlds for wait in one[name].waits)
        moved = statistics.fmean(one[name].bytes_moved for one in worlds) / 1e15
        failed = statistics.fmean(one[name].failures for one in worlds)
        rows.append(
            f"| {name} | {statistics.median(waits):.1f} | {statistics.fmean(waits):.0f}"
            f" | {waits[int(0.95 * len(waits))]:.0f} | {moved:.2f} | {failed:.0f} |"
        )
    return "\n".join(rows)


def comparison(worlds: Worlds) -> str:
    """Return how ours compares with each other strategy, with its spread by world."""
    rows = [
        "| instead of | sessions start sooner on average by | bytes moved |",
        "|---|---|---|",
    ]
    for name in worlds[0]:
        if name in {OURS, LEARNING, "oracle"}:
            continue
        sooner = [
            statistics.fmean(one[name].waits) / 60
            - statistics.fmean(one[OURS].waits) / 60
            for one in worlds
        ]
        share = sum(one[OURS].bytes_moved for one in worlds) / sum(
            one[name].bytes_moved for one in worlds
        )
        rows.append(
            f"| {name} | {statistics.fmean(sooner):.0f} min "
            f"({min(sooner):.0f} to {max(sooner):.0f}) | {share:.2f} times |"
        )
    return "\n".join(rows)


def learning(worlds: Worlds) -> str:
    """Return how much sooner sessions start where ours learns, by world."""
    sooner = [
        statistics.fmean(one[OURS].waits) / 60
        - statistics.fmean(one[LEARNING].waits) / 60
        for one in worlds
    ]
    by_world = ", ".join(f"{minutes:.1f}" for minutes in sooner)
    return f"{statistics.fmean(sooner):.1f} min sooner on average (by world {by_world})"


def write(out: Path, worlds: Worlds, requests: int, seeds: Sequence[int]) -> None:
    """Write the page and its plot below ``out``."""
    text = _TEMPLATE.read_text().format(
        requests=requests,
        worlds=len(worlds),
        first=seeds[0],
        last=seeds[-1],
        comparison=comparison(worlds),
        table=table(worlds),
        learning=learning(worlds),
    )
    (out / "ranking-study.md").write_text(text)
    plot(out / "images" / "ranking-study.svg", worlds)


def plot(path: Path, worlds: Worlds) -> None:
    """Plot for each strategy the share of sessions that have started after a time."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "ranking-study"
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name in worlds[0]:
        waits = sorted(max(w, 60) / 60 for one in worlds for w in one[name].waits)
        shares = [(index + 1) / len(waits) for index in range(len(waits))]
        axes.plot(
            waits,
            shares,
            label=name,
            linewidth=3 if name == OURS else 1.5,
            linestyle="--" if name == "oracle" else "-",
        )
    axes.set_xscale("log")
    axes.set_xlabel("minutes from the request until the session really starts")
    axes.set_ylabel("share of sessions")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
