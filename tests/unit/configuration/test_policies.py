from hashlib import sha256

import pytest

from aggregator.configuration.policies import load_policies
from aggregator.configuration.problems import ConfigurationError, Findings
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.ranking.site_filters import SiteList
from aggregator.domain.ranking.weighers import Preference, TimeToStart

HEAD = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: default}
"""
WEIGHERS = "weighers: [{name: time_to_start}]\n"


def test_a_policy_is_known_by_its_name_revision_and_bytes(bench):
    path = bench.write(
        "ranking/default.yaml",
        """\
        apiVersion: metabroker.srcnet/v1
        kind: RankingPolicy
        metadata: {name: near, revision: 7, description: near the data}
        filters:
          - {name: site_list, deny: [north], on_empty: relax}
        weighers:
          - {name: time_to_start, rate: 2}
          - {name: preference, sites: {south: -30}, label: favour}
        estimate: {data: {staging_by_site: {north: on_start}}}
        order: {bucket_s: 60}
        """,
    )
    (policy,) = bench.load().policies
    digest = sha256(path.read_bytes()).hexdigest()
    assert policy.identity == PolicyIdentity("near", 7, digest)
    assert policy.description == "near the data"
    assert policy.filters == (SiteList(deny=("north",), on_empty="relax"),)
    assert policy.weighers == (
        TimeToStart(rate=2.0),
        Preference(sites={"south": -30.0}, label="favour"),
    )
    assert policy.estimate.data.staging_by_site == {"north": "on_start"}
    assert policy.order.bucket_s == 60.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (WEIGHERS + "filter: []", "5:1: unknown key 'filter'; did you mean 'filters'?"),
        ("", "1:1: 'weighers' is missing"),
        ("weighers: []", "1:1: a policy needs at least one weigher"),
        (WEIGHERS + "order:\n  bucket: 60", "6:3: unknown key 'bucket'; did you mean 'bucket_s'?"),
        (WEIGHERS + "order: {bucket_s: 2m}", "5:19: bucket_s should be a number, not '2m': write 120 (seconds)"),
        (WEIGHERS + "order: {bucket_s: 0}", "5:19: bucket_s must be 1 or more"),
        (WEIGHERS + "estimate: {data: {unknown_size_gb: 1 TB}}", "5:36: unknown_size_gb should be a number, not '1 TB': write 1000 (GB)"),
        (WEIGHERS + "estimate: {start: {bound: late}}", "5:27: bound should be 'earliest', 'midpoint' or 'latest', not 'late'; did you mean 'latest'?"),
        ("weighers: [{name: time_to_star}]", "4:19: name 'time_to_star' is not known; did you mean 'time_to_start'?"),
        ("weighers: [{rate: 1}]", "4:12: 'name' is missing; known are cost, data_moved, failure_risk, fair_share, home_site, metric, preference, time_to_start"),
        ("weighers: [{name: time_to_start, rates: 1}]", "4:34: unknown key 'rates'; did you mean 'rate'?"),
        ("weighers: [{name: data_moved, rate_s_per_gb: fast}]", "4:46: rate_s_per_gb should be a number, not 'fast'"),
        ("weighers: [time_to_start]", "4:12: weighers[0] should be a mapping, not 'time_to_start'"),
        (WEIGHERS + "filters: [{name: expired, min_validity: 60}]", "5:27: unknown key 'min_validity'; did you mean 'min_validity_s'?"),
        (WEIGHERS + "filters: [{name: expired, min_validity_s: -1}]", "5:43: min_validity_s must be 0 or more, not -1"),
        (WEIGHERS + "tiebreak: [cost]", "5:12: cost is not known (known are time_to_start, rendezvous_hash, start, position)"),
        ("weighers: [{name: time_to_start}, {name: time_to_start}]", "4:35: two weighers are called time_to_start; give one of them a label"),
        (WEIGHERS + "filters: [{name: site_list, allow: [nort]}]", "5:37: there is no site nort; did you mean 'north'?"),
        (WEIGHERS + "filters: [{name: site_list, deny: [east]}]", "5:36: there is no site east"),
        ("weighers: [{name: preference, sites: {east: 1}}]", "4:39: there is no site east"),
        ("weighers: [{name: home_site, site_by_group: {/x/y: nort}}]", "4:52: there is no site nort; did you mean 'north'?"),
        ("weighers: [{name: home_site, home: -60}]", "4:30: unknown key 'home'; did you mean 'home_s'?"),
        ("weighers: [{name: home_site, home_s: -5m}]", "4:38: home_s should be a number, not '-5m': write -300 (seconds)"),
        ("weighers: [{name: home_site, site_by_group: {x/y: north}}]", "4:45: site_by_group must begin with a slash: write /x/y, not x/y"),
        ("weighers: [{name: fair_share, of: site, shares_percent: {nort: 10}}]", "4:58: there is no site nort; did you mean 'north'?"),
        ("weighers: [{name: fair_share, of: site, shares_percent: {north: 20%}}]", "4:65: north should be a number, not '20%': write 20 (percent)"),
        ("weighers: [{name: fair_share, of: sites, shares_percent: {north: 10}}]", "4:35: of should be 'site', 'group' or 'user', not 'sites'; did you mean 'site'?"),
        ("weighers: [{name: fair_share, of: site}]", "4:12: fair_share of a site needs shares_percent"),
        ("weighers: [{name: fair_share, of: user, other_share_percent: 5, prior_core_hours: 100h}]", "4:83: prior_core_hours should be a number, not '100h': write 100 (core-hours)"),
        (WEIGHERS + "estimate: {data: {tape: {rate_mb_s: 1.5 GB/s}}}", "5:37: rate_mb_s should be a number, not '1.5 GB/s': write 1500 (MB/s)"),
        ("weighers: [{name: fair_share}]", "4:12: 'of' is missing"),
        (WEIGHERS + "filters: [{name: capability}, ]\ntiebreak: [start, null]", "6:19: tiebreak[1] should be text, not null"),
        (WEIGHERS + "filters:\n  - {name: capability}\n  -", "7:4: filters[1] should be a mapping, not null"),
        (WEIGHERS + "filters: [{name: capability, relax_order: 5m}]", "5:43: relax_order should be a whole number, not '5m'"),
        ("weighers: [{name: failure_risk, prior: [1]}]", "4:40: prior should have more items than 1"),
        ("weighers: [{name: failure_risk, prior: [0, 19]}]", "4:40: prior must be more than 0, not 0"),
        (WEIGHERS + "match: {executable_kinds: jupyter-notebook}", "5:27: executable_kinds should be a list, not 'jupyter-notebook': write [jupyter-notebook]"),
        (WEIGHERS + "match: {groups: [x/*]}", "5:17: groups must begin with a slash: write /x/*, not x/*"),
        (WEIGHERS + "estimate: {data: {staging_by_site: {east: prefetch}}}", "5:37: there is no site east"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_told_with_place_and_reason(bench, text, problem):
    bench.write("ranking/default.yaml", HEAD + text)
    assert bench.problems() == [f"ranking/default.yaml:{problem}"]


def test_a_document_of_another_kind_is_told(bench):
    bench.write(
        "ranking/default.yaml",
        "apiVersion: metabroker.srcnet/v2\nkind: Policy\nmetadata: {name: ''}\n"
        + WEIGHERS,
    )
    assert bench.problems() == [
        (
            "ranking/default.yaml:1:13: apiVersion should be 'metabroker.srcnet/v1', not"
            " 'metabroker.srcnet/v2'; did you mean 'metabroker.srcnet/v1'?"
        ),
        "ranking/default.yaml:2:7: kind should be 'RankingPolicy', not 'Policy'",
        "ranking/default.yaml:3:18: name must not be empty",
    ]


def test_all_that_is_wrong_with_a_policy_is_told_at_once(bench):
    bench.write(
        "ranking/default.yaml",
        HEAD
        + """\
weighers:
  - {name: time_to_start, rate: x}
  - {name: nothing}
filters:
  - {name: expired, colour: red}
trim: {max_offers: 0}
""",
    )
    assert bench.problems() == [
        "ranking/default.yaml:5:33: rate should be a number, not 'x'",
        (
            "ranking/default.yaml:6:12: name 'nothing' is not known; known are cost,"
            " data_moved, failure_risk, fair_share, home_site, metric, preference,"
            " time_to_start"
        ),
        "ranking/default.yaml:8:21: unknown key 'colour'",
        "ranking/default.yaml:9:20: max_offers must be more than 0, not 0",
    ]


def test_policies_keep_the_order_in_which_they_are_named(bench):
    bench.write("metabroker.yaml", "ranking: [z.yaml, ranking, a.yaml]")
    for name in ("z", "a", "ranking/c", "ranking/b"):
        text = HEAD.replace("default", name) + WEIGHERS
        bench.write(f"{name}.yaml", text)
    names = [policy.identity.name for policy in bench.load().policies]
    assert names == ["z", "ranking/b", "ranking/c", "default", "a"]


def test_two_policies_of_one_name_are_refused(bench):
    bench.write("ranking/other.yaml", HEAD + WEIGHERS)
    (problem,) = bench.problems()
    assert problem.startswith("ranking/other.yaml:3:18: a policy default is in ")
    assert problem.endswith("ranking/default.yaml already")


def test_a_directory_without_policies_is_told_where_it_is_named(bench):
    (bench.root / "ranking/default.yaml").unlink()
    bench.write("metabroker.yaml", "state: a\nranking:\n  - ranking\n")
    assert bench.problems() == ["metabroker.yaml:3:5: ranking has no *.yaml file"]


def test_where_no_policy_is_named_the_default_is(bench):
    (bench.root / "ranking/default.yaml").unlink()
    (bench.root / "ranking").rmdir()
    bench.write("metabroker.yaml", "state: a")
    [problem] = bench.problems()
    assert problem == (
        "metabroker.yaml:1:1: ranking is not set, and its default ranking can't be"
        " read: no such file or directory"
    )


def test_a_name_that_no_file_can_have_is_told_where_it_is(bench):
    bench.write("metabroker.yaml", f"ranking: [{'x' * 5000}]")
    [problem] = bench.problems()
    assert problem.startswith("metabroker.yaml:1:11: xxx")
    assert problem.endswith("x can't be read: file name too long")


def test_a_missing_policy_is_told_where_it_is_named(bench):
    bench.write("metabroker.yaml", "ranking: [ranking, none.yaml]")
    assert bench.problems() == [
        "metabroker.yaml:1:20: none.yaml can't be read: no such file or directory"
    ]


def test_storage_elements_of_no_site_are_warned_of(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - {name: north, rses: [NORTH_DISK], broker: {url: http://north.example}}
        rse_aliases: {OLD_DISK: NORTH_DISK}
        """,
    )
    path = bench.write(
        "ranking/default.yaml",
        HEAD
        + WEIGHERS
        + "filters: [{name: required_rse, rses: [north_disk, OLD_DISK, NORTH_DSK, X]}]",
    )
    reasons = [
        "NORTH_DSK is a storage element of no site; did you mean 'NORTH_DISK'?",
        "X is a storage element of no site",
    ]
    assert [one.reason for one in bench.load().warnings] == reasons
    found = Findings()
    load_policies([path], BUILT_IN, bench.root / "sites.yaml", found)
    assert [(one.reason, one.line, one.column) for one in found.warnings] == [
        (reasons[0], 5, 61),
        (reasons[1], 5, 72),
    ]
    nowhere = Findings()
    load_policies([path], BUILT_IN, findings=nowhere)
    assert nowhere.warnings == []


def test_policies_load_alone_whatever_sites_they_name(bench):
    path = bench.write(
        "alone.yaml", HEAD + "weighers: [{name: preference, sites: {east: 1}}]"
    )
    (policy,) = load_policies([path], BUILT_IN)
    assert policy.weighers == (Preference(sites={"east": 1.0}),)

    bench.write("alone.yaml", HEAD)
    with pytest.raises(ConfigurationError, match=r"alone\.yaml:1:1: 'weighers' is mis"):
        load_policies([path], BUILT_IN)
