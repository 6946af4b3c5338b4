"""The files under ``config`` load, and say what their comments promise."""

from pathlib import Path

import pytest

from aggregator.configuration.loading import Configuration, load
from aggregator.configuration.policies import load_policies
from aggregator.configuration.settings import Settings
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.policy import choose
from aggregator.domain.replicas import Did
from aggregator.domain.requests import ExecutionRequest
from aggregator.wire.dialects import DIALECTS

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    return load(
        CONFIG / "metabroker.yaml",
        {},
        adapters={"execution-broker"},
        dialects=DIALECTS.keys(),
        components=BUILT_IN,
    )


def test_nothing_is_to_be_warned_of(shipped):
    assert shipped.warnings == ()


def test_the_settings_state_the_defaults(shipped):
    given = shipped.settings.model_dump(
        exclude={"sites", "links", "replicas", "ranking"}
    )
    assert given == Settings().model_dump(include=given.keys())


def test_the_settings_name_every_setting_there_is():
    text = (CONFIG / "metabroker.yaml").read_text()
    keys = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()}
    assert keys == Settings.model_fields.keys()


def test_ten_nodes_are_enabled_at_placeholder_urls(shipped):
    assert [site.node for site in shipped.sites] == [
        *("AUSSRC", "CANSRC", "CHSRC", "CNSRC", "ESPSRC"),
        *("ITSRC", "JPSRC", "KRSRC", "SWESRC", "UKSRC"),
    ]
    for site in shipped.sites:
        assert site.enabled
        assert site.name == site.node.lower()
        assert site.url == f"https://broker.{site.name}.example"
        assert site.rses
        assert site.latitude is not None


def test_the_demo_datasets_are_where_they_should_be(shipped):
    links = shipped.links
    sites = {
        str(did): (
            data.size,
            [links.rse_sites[links.rse(replica.rse)] for replica in data.replicas],
        )
        for did, data in shipped.located.items()
    }
    assert sites == {
        "testing:zrq-test-20250509-082506": (
            27_487_790_694_400,
            [("aussrc",), ("jpsrc",), ("espsrc",)],
        ),
        "testing:zrq-test-20250509-094501": (
            26_843_545_600,
            [("jpsrc",), ("espsrc",)],
        ),
    }
    assert Did("testing", "zrq-test-20250509-094501") in shipped.located


def test_links_join_sites_in_both_directions(shipped):
    assert shipped.links.gbps("jpsrc", "krsrc") == shipped.links.gbps("krsrc", "jpsrc")
    assert shipped.links.gbps("jpsrc", "krsrc") != shipped.links.default_gbps


def test_the_default_policy_serves_and_users_may_choose_the_others(shipped):
    request = ExecutionRequest("jupyter-notebook")
    assert choose(shipped.policies, request).identity.name == "default"
    names = ["default", "interactive", "data-heavy", "green", "cheapest"]
    assert [policy.identity.name for policy in shipped.policies] == names
    for name in names:
        chosen = choose(shipped.policies, request, wanted=name)
        assert chosen.identity.name == name


def test_every_policy_under_config_is_valid():
    paths = sorted((CONFIG / "ranking").glob("*.yaml"))
    policies = load_policies(paths, BUILT_IN)
    assert [policy.identity.name for policy in policies] == [p.stem for p in paths]
