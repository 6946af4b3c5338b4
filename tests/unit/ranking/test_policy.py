"""Putting policies together, refusing wrong ones, and choosing among them."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from pydantic import ValidationError

from aggregator.domain.errors import UnknownPolicy
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.components import Filter, Weigher
from aggregator.domain.ranking.policy import PolicyFault, choose
from aggregator.domain.requests import ExecutionRequest
from tests.support.ranking import offer, order_of, plain_policy, policy_of, ranked


def test_what_a_policy_leaves_out_has_a_default():
    policy = plain_policy()
    assert policy.tiebreak == ("rendezvous_hash", "start", "position")
    assert (policy.trim.max_offers, policy.trim.max_per_site) == (20, 5)
    assert (policy.order.method, policy.order.bucket_s) == ("effective_delay", 120)


def test_the_usual_tiebreak_is_of_the_weighers_that_there_are():
    weighers = [{"name": "failure_risk"}, {"name": "data_moved"}]
    assert plain_policy(weighers=weighers).tiebreak == (
        "data_moved",
        "failure_risk",
        "rendezvous_hash",
        "start",
        "position",
    )
    written = plain_policy(weighers=weighers, tiebreak=["start", "data_moved"])
    assert written.tiebreak == ("start", "data_moved", "rendezvous_hash", "position")


@pytest.mark.parametrize(
    ("section", "place", "reason"),
    [
        (
            {"filters": [{"name": "helth"}]},
            ("filters", 0, "name"),
            "did you mean health",
        ),
        ({"filters": [{"exclude": []}]}, ("filters", 0), "name is missing"),
        ({"weighers": [{"name": "x"}]}, ("weighers", 0, "name"), "known are time_to"),
        (
            {"weighers": [{"name": "time_to_start"}] * 2},
            ("weighers", 1),
            "give one of them a label",
        ),
        (
            {"weighers": [{"name": "time_to_start", "label": "start"}]},
            ("weighers", 0, "label"),
            "key of the tie-break already",
        ),
        ({"tiebreak": ["start", "cost"]}, ("tiebreak", 1), "cost is not known"),
        ({"tiebreak": ["start", "start"]}, ("tiebreak", 1), "start is there twice"),
        (
            {"order": {"method": "lexicographic", "keys": ["start"]}},
            ("order", "keys", 0),
            "start is not known",
        ),
    ],
)
def test_a_document_that_is_no_policy(section, place, reason):
    with pytest.raises(PolicyFault, match=reason) as caught:
        plain_policy(**section)
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"weighers": []}, "at least one weigher"),
        ({"metadata": {"name": " "}}, "must not be empty"),
        ({"metadata": {"name": "x", "revision": 0}}, "revision must be 1 or more"),
        ({"kind": "Other"}, "RankingPolicy"),
        ({"trim": {"max_offers": 0}}, "max_offers must be more than 0"),
        ({"trim": {"max_ofers": 1}}, "Unexpected keyword argument"),
        ({"order": {"bucket_s": 0}}, "bucket_s must be 1 or more"),
        ({"order": {"bucket_s": float("nan")}}, "bucket_s must be a finite number"),
        ({"order": {"method": "lexicographic"}}, "needs keys"),
        ({"order": {"keys": ["time_to_start"]}}, "belong to method lexicographic"),
        (
            {"estimate": {"start": {"unknown_default_s": -1}}},
            "must be 0 or more, not -1",
        ),
        ({"estimate": {"data": {"unknown_size_gb": 1e10}}}, "must be 1e"),
        ({"estimate": {"data": {"tape": {"rate_mb_s": 0}}}}, "rate_mb_s must be more"),
        ({"filters": [{"name": "expired", "on_empty": "relax"}]}, "can't be relaxed"),
        ({"filters": [{"name": "expired", "min_validity_s": -1}]}, "min_validity_s"),
        ({"filters": [{"name": "max_move"}]}, "needs gb or files"),
        ({"filters": [{"name": "required_rse"}]}, "needs rses"),
        ({"filters": [{"name": "deadline", "tolerance_s": -1}]}, "tolerance_s"),
        ({"filters": [{"name": "health", "exclude": ["tired"]}]}, "Input should be"),
        ({"weighers": [{"name": "time_to_start", "rate": -1}]}, "rate must be 0"),
        ({"weighers": [{"name": "data_moved", "rate_s_per_gb": -1}]}, "rate_s_per_gb"),
        ({"weighers": [{"name": "cost", "missing": -1}]}, "missing must be 0"),
        ({"weighers": [{"name": "metric", "type": "urn:x"}]}, "rate_s_per_unit"),
        (
            {"weighers": [{"name": "failure_risk", "prior": [0, 1]}]},
            "prior must be more than 0",
        ),
        (
            {"weighers": [{"name": "preference", "sites": {"A": float("inf")}}]},
            "A must",
        ),
    ],
)
def test_values_that_a_policy_cannot_have(section, reason):
    with pytest.raises(ValidationError, match=reason):
        plain_policy(**section)


@dataclass(frozen=True, kw_only=True, slots=True)
class OddPosition(Filter):
    name: ClassVar[str] = "odd_position"

    def objection(self, candidate, _, /):
        return "odd" if candidate.offer.position % 2 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Undecided(Weigher):
    name: ClassVar[str] = "undecided"
    at_site: str = "A"

    @property
    def seconds_per_unit(self):
        return 1.0

    def quantity(self, candidate, _, /):
        return float("nan") if candidate.offer.site == self.at_site else 1.0


def test_third_parties_add_components_by_their_names():
    components = BUILT_IN.extended([OddPosition], [Undecided])
    policy = policy_of(
        {
            "apiVersion": "metabroker.srcnet/v1",
            "kind": "RankingPolicy",
            "metadata": {"name": "theirs"},
            "filters": [{"name": "odd_position"}],
            "weighers": [{"name": "undecided", "at_site": "B"}],
            "tiebreak": ["undecided"],
        },
        components,
    )
    offers = [offer("A", number=0), offer("A", number=1), offer("B", number=2)]
    assert order_of(ranked(policy, offers)) == ["A-0", "B-2"]
    with pytest.raises(ValueError, match="two components are named health"):
        BUILT_IN.extended([BUILT_IN.filters["health"]], [])


def test_every_component_says_what_it_does():
    for kind in (*BUILT_IN.filters.values(), *BUILT_IN.weighers.values()):
        assert kind.__doc__
        assert not kind.__doc__.startswith(kind.__name__)


def named(name, **match):
    return plain_policy(metadata={"name": name}, match=match)


NOTEBOOK = ExecutionRequest("jupyter-notebook")
CONTAINER = ExecutionRequest("docker-container")
POLICIES = [
    named("interactive", executable_kinds=["jupyter-*"]),
    named("staff", groups=["/src/*"], selectable_by_user=False),
    named("default"),
]


@pytest.mark.parametrize(
    ("request_", "groups", "expected"),
    [
        (NOTEBOOK, (), "interactive"),
        (CONTAINER, (), "default"),
        (CONTAINER, ("/src/operators",), "staff"),
        (CONTAINER, ("/other",), "default"),
    ],
)
def test_the_first_policy_that_matches_serves(request_, groups, expected):
    found = choose(POLICIES, request_, frozenset(groups))
    assert found.identity.name == expected


def test_what_no_policy_matches_is_served_by_the_last():
    narrow = [*POLICIES[:2], named("desktop", executable_kinds=["vnc-*"])]
    assert choose(narrow, CONTAINER) is narrow[-1]


def test_a_client_may_ask_for_a_policy_where_that_is_allowed():
    assert choose(POLICIES, NOTEBOOK, wanted="default").identity.name == "default"
    for request, wanted in ((CONTAINER, "interactive"), (CONTAINER, "nothing")):
        with pytest.raises(UnknownPolicy, match=r"\(to choose: default\)"):
            choose(POLICIES, request, wanted=wanted)
    with pytest.raises(UnknownPolicy):
        choose(POLICIES, CONTAINER, frozenset({"/src/x"}), "staff")
