"""The study of ranking is reproducible, and its strategies are what they are called."""

import random
import statistics

import pytest

from aggregator.domain.ranking.knowledge import Links
from bench.ranking_study.__main__ import study
from bench.ranking_study.learning import LEARNS_EVERY, LearningPolicy, calibrated
from bench.ranking_study.report import LEARNING, OURS, comparison, learning, table
from bench.ranking_study.world import Request, world
from tests.support.ranking import ROOT, facts, policy_file


@pytest.fixture(scope="module")
def lives():
    return study(150, seed=3)


def test_the_same_seed_gives_the_same_figures(lives):
    assert study(150, seed=3) == lives


def test_another_seed_gives_others(lives):
    assert study(150, seed=4) != lives


def test_nobody_fails_less_than_the_oracle_or_moves_less_than_the_most_local(lives):
    assert lives["oracle"].failures == 0
    least = min(life.bytes_moved for life in lives.values())
    assert lives["most data local"].bytes_moved == least


def test_the_oracle_waits_least(lives):
    waits = {name: statistics.fmean(life.waits) for name, life in lives.items()}
    assert min(waits, key=waits.__getitem__) == "oracle"


def test_every_request_starts_under_every_strategy(lives):
    for life in lives.values():
        assert len(life.waits) == 150
        assert min(life.waits) > 0


def test_the_report_names_every_strategy(lives):
    worlds = [lives, study(150, seed=4)]
    assert all(f"| {name} |" in table(worlds) for name in lives)
    assert OURS not in comparison(worlds)


def test_what_learning_adds_is_told_by_world(lives):
    same = {OURS: lives[OURS], LEARNING: lives[OURS]}
    assert learning([same, same]) == "0.0 min sooner on average (by world 0.0, 0.0)"


def test_the_strategy_that_learns_knows_nothing_of_what_is_to_come():
    strategy = LearningPolicy(
        calibrated(policy_file(ROOT / "config" / "ranking" / "default.yaml"))
    )
    only = world([facts("A").site], Links(), seed=1)

    def ask(number, arrival):
        request = Request(number, arrival, 600.0, ())
        strategy(only, request, 0, random.Random(1))
        return request

    for number in range(9):
        strategy.ended(ask(number, 0.0), 0.0, 0.0, 2 * LEARNS_EVERY)
    ask(10, LEARNS_EVERY)
    assert strategy.learned.starts.by_site_and_kind == {}
    ask(11, 2 * LEARNS_EVERY)
    assert strategy.learned.starts.record("A", "*").lateness[0].starts == 9
