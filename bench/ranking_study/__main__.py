"""Run the study, and write its report: ``python -m bench.ranking_study --help``."""

import argparse
import random
from pathlib import Path

from aggregator.configuration.policies import load_policies
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.wiring import load_configuration
from bench.ranking_study import report, strategies
from bench.ranking_study.learning import LearningPolicy, calibrated
from bench.ranking_study.simulation import Life, live
from bench.ranking_study.strategies import OurPolicy, Strategy
from bench.ranking_study.world import datasets, requests, world

ROOT = Path(__file__).parents[2]
DAYS_PER_THOUSAND = 10.0
"""So that the load on the federation is the same for any number of requests."""


def study(count: int, seed: int) -> dict[str, Life]:
    """Return what became of ``count`` requests under every strategy, by its name."""
    configuration = load_configuration(ROOT / "config" / "metabroker.yaml", {})
    (policy,) = load_policies([ROOT / "config/ranking/default.yaml"], BUILT_IN)
    rng = random.Random(seed)
    lake = datasets(configuration.sites, 400, rng)
    asked = requests(count, count / 1000 * DAYS_PER_THOUSAND, lake, rng)
    compared: dict[str, Strategy] = {
        "oracle": strategies.oracle,
        "our default policy": OurPolicy(policy),
        "most data local": strategies.most_local,
        "earliest promised start": strategies.earliest_promise,
        "first offer that arrives": strategies.first_to_answer,
        "random": strategies.at_random,
    }
    lives = {
        name: live(
            strategy, world(configuration.sites, configuration.links, seed), asked, seed
        )
        for name, strategy in compared.items()
    }
    learning = LearningPolicy(calibrated(policy))
    lives[report.LEARNING] = live(
        learning,
        world(configuration.sites, configuration.links, seed),
        asked,
        seed,
        learning,
    )
    return lives


def main() -> None:
    """Run the study in several worlds, and write the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=3000)
    options.add_argument("--seed", type=int, default=1, help="of the first world")
    options.add_argument("--worlds", type=int, default=5)
    options.add_argument("--out", type=Path, help="where to write the report")
    given = options.parse_args()
    seeds = range(given.seed, given.seed + given.worlds)
    worlds = [study(given.requests, seed) for seed in seeds]
    print(report.comparison(worlds))
    print()
    print(report.table(worlds))
    if given.out is not None:
        report.write(given.out, worlds, given.requests, seeds)


if __name__ == "__main__":
    main()
