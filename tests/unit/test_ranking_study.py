"""The study of ranking is reproducible, and its strategies are what they are called."""

import statistics

import pytest

from bench.ranking_study.__main__ import study
from bench.ranking_study.report import OURS, comparison, table


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
