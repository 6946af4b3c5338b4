"""``policy``: check, explain, try, replay and reference."""

import json
from urllib.request import Request, urlopen

import pytest

from tests.support.ranking import ROOT

RANKING = ROOT / "config" / "ranking"
QUICKEST = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: quickest, revision: 2}
estimate: {data: {staging: remote_read}}
weighers: [{name: time_to_start}]
"""


@pytest.fixture
def quickest(tmp_path):
    file = tmp_path / "quickest.yaml"
    file.write_text(QUICKEST)
    return file


@pytest.fixture
def offer_set(ask, request_file):
    result = ask("request", request_file, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def uuid_of(offer_set):
    return offer_set.get("uuid") or offer_set["meta"]["uuid"]


def test_a_good_policy_is_said_to_be_good(run):
    files = sorted(RANKING.glob("*.yaml"))
    result = run("policy", "check", *files, "--sites", ROOT / "config" / "sites.yaml")
    assert result.exit_code == 0, result.output
    assert f"{files[1]}: good; policy data-heavy revision 1, " in result.stdout
    verdict = run("policy", "check", *files, "--json")
    assert json.loads(verdict.stdout) == {"ok": True, "problems": []}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("order: {bucket: 60}", ":6:9: unknown key 'bucket'; did you mean 'bucket_s'?"),
        ("order: {bucket_s: 2m}", ":6:19: bucket_s should be a number, not '2m'"),
        ("filters: [{name: helth}]", "did you mean 'health'?"),
        ("weighers: []", ":6:1: the key 'weighers' is given twice"),
    ],
)
def test_a_bad_policy_is_said_with_place_and_reason(run, quickest, line, problem):
    quickest.write_text(QUICKEST + line)
    result = run("policy", "check", quickest)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{quickest}:6:")
    assert problem in result.stderr.lower()
    verdict = run("policy", "check", quickest, "--json")
    assert verdict.exit_code == 1
    [found] = json.loads(verdict.stdout)["problems"]
    assert (found["file"], found["line"]) == (str(quickest), 6)


def test_names_of_sites_are_checked_where_the_sites_are_given(run, quickest):
    quickest.write_text(QUICKEST + "filters: [{name: site_list, deny: [uksrk]}]")
    assert run("policy", "check", quickest).exit_code == 0
    sites = ROOT / "config" / "sites.yaml"
    result = run("policy", "check", quickest, "--sites", sites)
    assert result.exit_code == 1
    assert "there is no site uksrk; did you mean 'uksrc'?" in result.stderr
    assert run("policy", "check", quickest, "--sites", "none.yaml").exit_code == 1


def test_what_deserves_a_look_is_told(run, quickest):
    quickest.write_text(QUICKEST + "filters: [{name: required_rse, rses: [NOWHERE]}]")
    sites = ROOT / "config" / "sites.yaml"
    result = run("policy", "check", quickest, "--sites", sites)
    assert result.exit_code == 0
    warned = ":6:39: NOWHERE is a storage element of no site (warning)\n"
    assert result.stderr == f"{quickest}{warned}"
    good = "good; policy quickest revision 2, 1 filter, 1 weigher, sha256 "
    assert result.stdout.startswith(f"{quickest}: {good}")
    verdict = run("policy", "check", quickest, "--sites", sites, "--json")
    document = json.loads(verdict.stdout)
    assert (document["ok"], len(document["problems"])) == (True, 1)


def test_an_order_is_explained(ask, offer_set):
    uuid = uuid_of(offer_set)
    result = ask("policy", "explain", uuid)
    assert result.exit_code == 0, result.output
    assert "Ranked by policy demo revision 1 (" in result.stdout
    for word in ("= time to start", "= data moved", "= failure risk", "1. "):
        assert word in result.stdout
    assert offer_set["offers"][0]["uuid"] in result.stdout
    document = json.loads(ask("policy", "explain", uuid, "--json").stdout)
    assert document["policy"]["name"] == "demo"
    assert len(document["offers"]) == len(offer_set["offers"])


def test_what_was_taken_out_is_explained(ask, offer_set):
    document = json.loads(ask("policy", "explain", uuid_of(offer_set), "--json").stdout)
    result = ask("policy", "explain", uuid_of(offer_set))
    assert document["dropped"]
    for one in document["dropped"]:
        assert one["filter"] in result.stdout


def test_no_set_can_not_be_explained(ask):
    result = ask("policy", "explain", "00000000-0000-4000-8000-000000000000")
    assert result.exit_code == 1
    assert "there is no offer set" in result.stderr


def test_a_policy_is_tried_on_a_stored_set(ask, offer_set, quickest):
    options = ("--policy", quickest, "--offerset", uuid_of(offer_set))
    result = ask("policy", "try", *options)
    assert result.exit_code == 0, result.output
    assert "tried quickest revision 2 (" in result.stdout
    document = json.loads(ask("policy", "try", *options, "--json").stdout)
    assert document["before"]["policy"]["name"] == "demo"
    assert document["after"]["policy"]["name"] == "quickest"
    buckets = [one["bucket"] for one in document["after"]["offers"]]
    assert buckets == sorted(buckets)
    best = document["after"]["offers"][0]["site"]
    was = document["before"]["offers"][0]["site"]
    assert best != was
    verdict = f"The offer of {best} comes first, in the place of that of {was}."
    assert verdict in result.stdout


def test_the_policy_that_decided_is_tried_and_changes_nothing(ask, offer_set):
    file = ROOT / "aggregator" / "demo" / "data" / "ranking.yaml"
    options = ("--policy", file, "--offerset", uuid_of(offer_set), "--json")
    document = json.loads(ask("policy", "try", *options).stdout)
    assert document["after"]["offers"] == document["before"]["offers"]
    assert document["after"]["dropped"] == document["before"]["dropped"]


@pytest.mark.parametrize("keep", [False, True])
def test_a_policy_is_tried_on_a_request_whose_offers_are_given_back(
    ask, metabroker, request_file, quickest, keep
):
    options = ["--policy", quickest, "--json", *(["--keep"] if keep else [])]
    result = ask("policy", "try", request_file, *options)
    assert result.exit_code == 0, result.output
    offer_set = json.loads(result.stdout)["offerset"]
    wanted = Request(
        f"{metabroker}/offersets/{offer_set}", headers={"Accept": "application/json"}
    )
    with urlopen(wanted, timeout=10) as answer:
        phases = {offer["phase"] for offer in json.load(answer)["offers"]}
    assert phases == ({"OFFERED"} if keep else {"REJECTED"})


def test_either_a_request_or_a_set_is_tried(ask, request_file, quickest):
    for arguments in ((), (request_file, "--offerset", "x")):
        result = ask("policy", "try", *arguments, "--policy", quickest)
        assert result.exit_code == 2
        assert "either a request or --offerset" in result.stderr


@pytest.mark.parametrize("command", ["try", "replay"])
def test_a_bad_policy_is_refused_before_anything_is_asked(run, quickest, command):
    quickest.write_text(QUICKEST + "order: {bucket: 60}")
    more = ("--offerset", "x") if command == "try" else ()
    nobody = ("--url", "http://127.0.0.1:9")
    result = run("policy", command, *more, "--policy", quickest, *nobody)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{quickest}:6:9: unknown key")


def test_decisions_are_replayed(ask, offer_set, quickest):
    result = ask("policy", "replay", "--policy", quickest, "--since", "1h")
    assert result.exit_code == 0, result.output
    assert "Tried policy quickest revision 2 (" in result.stdout
    for words in ("First places by site", "Changed winners", "start earlier"):
        assert words in result.stdout
    document = json.loads(
        ask("policy", "replay", "--policy", quickest, "--json").stdout
    )
    assert document["changed"] >= 1
    assert document["complete"] is True


def test_a_policy_that_changes_nothing_is_said_to(ask, offer_set):
    file = ROOT / "aggregator" / "demo" / "data" / "ranking.yaml"
    result = ask("policy", "replay", "--policy", file)
    assert ", 0 changed." in result.stdout
    assert "The same offers come first." in result.stdout


def test_a_time_that_is_none_is_told(ask, quickest):
    result = ask("policy", "replay", "--policy", quickest, "--since", "yesterday")
    assert result.exit_code == 2
    assert "since is a moment such as" in result.stderr


def test_the_reference_is_printed(run):
    page = (ROOT / "docs" / "policies-reference.md").read_text()
    assert run("policy", "reference").stdout == page


def test_a_request_chooses_its_policy(ask, request_file):
    result = ask("request", request_file, "--policy", "nobody's")
    assert result.exit_code == 2
    assert 'there is no ranking policy "nobody\'s"' in result.stderr
    assert ask("request", request_file, "--policy", "demo", "-q").exit_code == 0
