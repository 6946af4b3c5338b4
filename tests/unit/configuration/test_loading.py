import random

import pytest

from aggregator.configuration.loading import load
from aggregator.configuration.problems import ConfigurationError
from aggregator.domain.ranking.builtin import BUILT_IN


def test_a_configuration_without_links_and_replicas_is_complete(bench):
    bench.write("metabroker.yaml", "")
    configuration = bench.load()
    assert [site.name for site in configuration.sites] == ["north", "south"]
    assert [policy.identity.name for policy in configuration.policies] == ["default"]
    assert configuration.warnings == ()


def test_all_that_is_wrong_in_all_files_is_told_at_once(bench):
    bench.write("metabroker.yaml", "links: links.yaml\nreplicas: none.yaml\nlog: 1\n")
    bench.write("sites.yaml", "sites:\n- {name: a}\n- {name: south, broker: {}}\n")
    bench.write("links.yaml", "table: [{from: south, to: north, gbps: 1}]\n")
    bench.write("ranking/default.yaml", "kind: RankingPolicy\n")
    assert bench.problems() == [
        "metabroker.yaml:2:11: none.yaml can't be read: no such file or directory",
        "metabroker.yaml:3:6: log should be a mapping, not 1",
        "sites.yaml:2:3: 'broker' is missing",
        "sites.yaml:3:25: 'url' is missing",
        "links.yaml:1:27: to 'north' is not known; known are a, south",
        "ranking/default.yaml:1:1: 'apiVersion' is missing",
        "ranking/default.yaml:1:1: 'metadata' is missing",
        "ranking/default.yaml:1:1: 'weighers' is missing",
    ]


def test_unreadable_sites_are_not_blamed_on_the_files_that_name_sites(bench):
    bench.write("sites.yaml", "sites: [\n")
    bench.write("links.yaml", "table: [{from: east, to: west, gbps: 0}]\n")
    assert bench.problems() == [
        "sites.yaml:2:1: did not find expected node content while parsing a flow node",
        "links.yaml:1:38: gbps should be greater than 0, not 0",
    ]


def test_a_missing_default_file_is_told_at_the_settings(bench):
    (bench.root / "sites.yaml").unlink()
    [problem] = bench.problems()
    assert problem == (
        "metabroker.yaml:1:1: sites is not set, and its default sites.yaml can't be"
        " read: no such file or directory"
    )


def test_problems_know_their_pointer(bench):
    bench.write("metabroker.yaml", "fan_out: {dedline: 1}\n")
    with pytest.raises(ConfigurationError) as caught:
        bench.load()
    (problem,) = caught.value.problems
    assert problem.pointer == "/fan_out/dedline"
    assert (problem.line, problem.column) == (1, 11)
    assert problem.file == str(bench.root / "metabroker.yaml")


def test_no_spoilt_file_ends_in_anything_but_problems(bench):
    """Lines of a valid configuration, dropped, doubled and cut at random."""
    text = (
        "sites:\n"
        "- name: north\n"
        "  latitude: 1.5\n"
        "  longitude: 2\n"
        "  rses: [A, 'b']\n"
        "  broker:\n"
        "    url: https://north.example/x\n"
        "    in_flight: 3\n"
        "  downtime:\n"
        "  - date_range: 2026-01-10T00:00:00Z to 2026-01-11T00:00:00Z\n"
        "rse_aliases: {OLD: A}\n"
    ).splitlines(keepends=True)
    dice = random.Random(20260110)
    loaded, problems = 0, []
    for _ in range(300):
        lines = [line for line in text for _ in range(dice.choice((0, 1, 1, 1, 1, 2)))]
        spoilt = "".join(lines)[: dice.randrange(400)]
        bench.write("sites.yaml", spoilt)
        try:
            bench.load()
        except ConfigurationError as error:
            problems.extend(error.problems)
        else:
            loaded += 1
    assert loaded
    assert problems
    assert all(problem.line and problem.column for problem in problems)


def test_names_of_adapters_and_dialects_are_those_passed_in(bench):
    with pytest.raises(ConfigurationError, match="adapter 'execution-broker' is not"):
        load(
            bench.root / "metabroker.yaml",
            {},
            adapters=set(),
            dialects=set(),
            components=BUILT_IN,
        )
