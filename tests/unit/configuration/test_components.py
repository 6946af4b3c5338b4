"""Other distributions bring filters and weighers, and policies use them."""

import importlib
import json
import sys
from itertools import count

import pytest
import structlog
from typer.testing import CliRunner

from aggregator.cli import app
from aggregator.configuration.components import installed_components
from aggregator.configuration.policies import load_policies
from aggregator.configuration.problems import ConfigurationError
from aggregator.domain.errors import PolicyFailed
from aggregator.domain.ranking.knowledge import Knowledge
from aggregator.domain.ranking.replay import replay_inputs, replayed
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import eventually
from tests.support.ranking import NOW, offer, wanting
from tests.support.running import REFERENCE, running_federation

MODULE = '''\
from dataclasses import dataclass
from typing import ClassVar

from aggregator.domain.ranking.components import Filter, Weigher


@dataclass(frozen=True, kw_only=True, slots=True)
class Moonless(Filter):
    """Drops offers of sites at which the moon shines."""

    name: ClassVar[str] = "moonless"
    shining_at: tuple[str, ...] = ()

    def objection(self, candidate, situation, /):
        site = candidate.offer.site
        return f"the moon shines at {site}" if site in self.shining_at else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Moon(Weigher):
    """How bright the moon is."""

    name: ClassVar[str] = "moon"
    brightness: float
    s_per_unit: float = 60.0

    def __post_init__(self):
        if self.brightness < 0:
            raise ValueError("brightness must be 0 or more")

    @property
    def seconds_per_unit(self):
        return self.s_per_unit

    def quantity(self, candidate, situation, /):
        return self.brightness


@dataclass(frozen=True, kw_only=True, slots=True)
class Eclipsed(Weigher):
    """Fails where there is no moon."""

    name: ClassVar[str] = "eclipsed"
    at: str

    @property
    def seconds_per_unit(self):
        return 1.0

    def quantity(self, candidate, situation, /):
        if candidate.offer.site == self.at:
            raise TypeError("no moon")
        return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Eclipse(Filter):
    """Fails wherever it is asked."""

    name: ClassVar[str] = "eclipse"

    def objection(self, candidate, situation, /):
        return {}["no moon"]


class NotADataclass(Moon):
    name = "undeclared"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished(Weigher):
    name: ClassVar[str] = "unfinished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Nameless(Filter):
    def objection(self, candidate, situation, /):
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Health(Moonless):
    name: ClassVar[str] = "health"
'''
POLICY = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: lunar}
filters:
  - {name: moonless, shining_at: [espsrc], on_empty: relax}
weighers:
  - {name: time_to_start}
  - {name: moon, brightness: 2, label: moonlight}
tiebreak: [moonlight]
"""
_numbers = count()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution that announces what it is told."""
    module = f"lunar_ranking_{next(_numbers)}"
    place = tmp_path / "site-packages"

    def installed(filters="", weighers=""):
        information = place / f"{module}-1.0.dist-info"
        information.mkdir(parents=True)
        (place / f"{module}.py").write_text(MODULE)
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n"
        )
        (information / "entry_points.txt").write_text(
            f"[metabroker.filters]\n{filters}\n[metabroker.weighers]\n{weighers}\n".replace(
                "MODULE", module
            )
        )
        monkeypatch.syspath_prepend(place)
        importlib.invalidate_caches()

    yield installed
    sys.modules.pop(module, None)


@pytest.fixture
def lunar(install):
    install("moonless = MODULE:Moonless", "moon = MODULE:Moon")


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "lunar.yaml"
    file.write_text(POLICY)
    return file


def test_announced_components_are_there_beside_ours(lunar):
    components = installed_components()
    assert {"moonless", "health"} <= components.filters.keys()
    assert {"moon", "time_to_start"} <= components.weighers.keys()


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("brightness: 2", "brightnes: 2", "unknown key 'brightnes'; did you mean"),
        ("brightness: 2", "brightness: -1", "brightness must be 0 or more"),
        ("name: moonless", "name: moonles", "did you mean 'moonless'?"),
    ],
)
def test_their_keys_are_checked_as_ours_are(lunar, policy, right, wrong, problem):
    assert load_policies([policy], installed_components())
    policy.write_text(POLICY.replace(right, wrong))
    with pytest.raises(ConfigurationError) as caught:
        load_policies([policy], installed_components())
    assert problem in str(caught.value)


async def test_the_service_ranks_by_them(lunar, policy, tmp_path):
    sites = [
        SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), first_start=900),
        SimulatedSite(name="espsrc", rses=("SPSRC_STORM",), first_start=5),
    ]
    settings = {"ranking": [str(policy)]}
    async with running_federation(tmp_path, *sites, settings=settings) as federation:
        response = await federation.post("/offersets", REFERENCE)
        uuid = (await response.json())["uuid"]
        answer = await federation.get(f"/offersets/{uuid}/ranking")
        ranking = json.loads(await answer.text())
        told = await (await federation.get("/federation/policies")).json()
    assert {one["site"] for one in ranking["offers"]} == {"jpsrc"}
    assert ranking["offers"][0]["seconds"]["moonlight"] == 120
    assert {one["reason"] for one in ranking["dropped"]} == {
        "the moon shines at espsrc"
    }
    assert told["policies"][0]["filters"][0]["shining_at"] == ["espsrc"]


HEAD = POLICY.partition("filters:")[0]
FAILING = {
    "weigher": (
        HEAD + "weighers: [{name: time_to_start}, {name: eclipsed, at: jpsrc}]",
        "the weigher eclipsed of the policy failed: TypeError('no moon')",
    ),
    "filter": (
        HEAD + "filters: [{name: eclipse}]\nweighers: [{name: time_to_start}]",
        "the filter eclipse of the policy failed: KeyError('no moon')",
    ),
}


@pytest.fixture
def eclipse(install):
    install("eclipse = MODULE:Eclipse", "eclipsed = MODULE:Eclipsed")


def nothing_reserved_at(site):
    async def is_free():
        return site.sessions and not site.open_reservations()

    return is_free


@pytest.mark.parametrize("kind", FAILING)
async def test_one_that_fails_is_named_and_what_was_reserved_given_back(
    eclipse, policy, tmp_path, kind
):
    text, detail = FAILING[kind]
    policy.write_text(text)
    site = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))
    settings = {"ranking": [str(policy)]}
    async with running_federation(tmp_path, site, settings=settings) as federation:
        with structlog.testing.capture_logs() as logs:
            response = await federation.post("/offersets", REFERENCE)
            problem = await response.json()
        assert response.status == 500
        assert problem["type"] == "urn:metabroker:problem:policy-failed"
        assert problem["detail"] == detail
        [logged] = [one for one in logs if one["event"] == "policy_failed"]
        assert (logged["reason"], logged["exc_info"]) == (detail, True)
        await eventually(nothing_reserved_at(federation.sites["jpsrc"]))


async def test_late_offers_that_can_not_be_ranked_are_given_back(
    eclipse, policy, tmp_path
):
    policy.write_text(FAILING["weigher"][0])
    sites = [
        SimulatedSite(name="espsrc", rses=("SPSRC_STORM",)),
        SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), latency={"request": 4}),
    ]
    settings = {
        "ranking": [str(policy)],
        "fan_out": {"deadline": 2, "shortest_wait": 0.1, "late_answers": 10},
    }
    async with running_federation(tmp_path, *sites, settings=settings) as federation:
        # What is shown of a fault by default, with all locals, takes seconds.
        with structlog.testing.capture_logs() as logs:
            response = await federation.post("/offersets", REFERENCE)
            assert response.status == 303
            await eventually(nothing_reserved_at(federation.sites["jpsrc"]))
        assert "policy_failed" in {one["event"] for one in logs}
        assert federation.sites["espsrc"].open_reservations()


def test_a_trial_by_one_that_fails_says_which(eclipse, policy):
    for text, detail in FAILING.values():
        policy.write_text(text)
        [trial] = load_policies([policy], installed_components())
        inputs = replay_inputs(wanting(), "r", [offer("jpsrc")], Knowledge(), NOW)
        with pytest.raises(PolicyFailed) as caught:
            replayed(trial, inputs)
        assert caught.value.detail == detail


@pytest.mark.parametrize(
    ("filters", "weighers", "reason"),
    [
        ("x = nowhere_at_all:Filter", "", "can't be loaded: No module named"),
        ("x = MODULE:Missing", "", "can't be loaded: "),
        ("x = json.tool:main.__nothing__", "", "can't be loaded: "),
        ("x = MODULE:Moon", "", "should be a subclass of Filter"),
        ("", "x = MODULE:MODULE_", "can't be loaded: "),
        ("", "x = MODULE:NotADataclass", "should be a dataclass"),
        ("", "x = MODULE:Unfinished", "should be a dataclass with all methods"),
        ("x = MODULE:Nameless", "", "should have a name"),
        ("x = MODULE:Health", "", "two components are named health"),
    ],
)
def test_what_can_not_be_used_is_told_with_where_it_comes_from(
    install, policy, filters, weighers, reason
):
    install(filters, weighers)
    with pytest.raises(ConfigurationError) as caught:
        installed_components()
    [problem] = caught.value.problems
    assert "metabroker." in problem.file
    assert reason in problem.reason
    result = CliRunner().invoke(app, ["policy", "check", str(policy)])
    assert result.exit_code == 1
    assert reason in result.stderr
