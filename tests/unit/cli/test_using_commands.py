"""The user's verbs, against a real meta-broker in front of real sites."""

import json
import re

import pytest

from aggregator.demo.simulated_sites import DATA
from tests.support.commands import command, wait_for_url

UUID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def offers(ask, request_file):
    """Uuids of fresh offers, the best first."""
    result = ask("request", request_file, "--quiet")
    assert result.exit_code == 0, result.output
    return result.stdout.split()


def test_request_shows_offers_in_order_and_who_is_missing(ask, request_file):
    result = ask("request", request_file)
    assert result.exit_code == 0, result.output
    assert re.search(
        r"^ *1 +jpsrc +in 2 min 30 s +now +0 B +2 +2 GiB", result.stdout, re.MULTILINE
    )
    assert re.search(r"^krsrc +\S", result.stdout, re.MULTILINE)
    assert "all nodes are reserved for a campaign" in result.stdout
    assert re.search(
        r"^1 +jpsrc +until \d\d:\d\d:\d\d UTC +metabroker accept \S{36}$",
        result.stdout,
        re.MULTILINE,
    )
    assert re.match(
        r"Offer set \S{36}: YES, ranked at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n",
        result.stdout,
    )


def test_what_is_piped_has_neither_colours_nor_blanks_at_line_ends(ask, request_file):
    for verb in (["request", request_file], ["sites"]):
        result = ask(*verb)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.stdout
        assert not re.search(r" $", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("columns", [40, 60, 80, 131])
def test_few_columns_are_kept_to_without_breaking_up_names_or_commands(
    ask, request_file, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = ask("request", request_file)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(len(line) <= columns or "metabroker accept" in line for line in lines)
    assert re.search(r"metabroker accept \S{36}$", result.stdout, re.MULTILINE)
    assert "\N{HORIZONTAL ELLIPSIS}" not in result.stdout
    sites = ask("sites")
    assert all(len(line) <= columns for line in sites.stdout.splitlines())
    assert re.search(r"^cansrc +\S", sites.stdout, re.MULTILINE)
    assert "\N{HORIZONTAL ELLIPSIS}" not in sites.stdout


def test_decided_offers_are_shown_as_what_they_became(ask, request_file):
    asked = ask("request", request_file, "--json").stdout
    uuids = [offer["uuid"] for offer in json.loads(asked)["offers"]]
    offer_set = json.loads(asked)["uuid"]
    assert ask("reject", uuids[-1]).exit_code == 0
    some_left = ask("offers", offer_set).stdout
    assert re.search(rf"REJECTED +{uuids[-1]}$", some_left, re.MULTILINE)
    assert f"metabroker accept {uuids[0]}" in some_left
    assert f"metabroker accept {uuids[-1]}" not in some_left

    assert ask("accept", uuids[0]).exit_code == 0
    decided = ask("offers", offer_set).stdout
    assert re.search(rf"REJECTED +{uuids[1]}$", decided, re.MULTILINE)
    assert not re.search(rf"REJECTED +{uuids[0]}$", decided, re.MULTILINE)
    assert "metabroker accept" not in decided
    assert "may still join" not in decided


def test_request_from_standard_input_as_json(ask, request_file):
    result = ask("request", "-", "--json", stdin=request_file.read_text())
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["result"] == "YES"
    shown = ask("offers", document["href"], "--json")
    assert [offer["uuid"] for offer in json.loads(shown.stdout)["offers"]] == [
        offer["uuid"] for offer in document["offers"]
    ]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("name: [", "line 2, column 1"),
        ("name: x\nexecutable: 5\n", "executable"),
        ("- a\n- b\n", "line 1, column 1"),
    ],
)
def test_request_that_is_none_is_refused_with_its_place(ask, body, place):
    result = ask("request", "-", stdin=body)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert place in result.stderr


def test_request_that_no_site_may_serve_says_what_each_did(ask, request_file):
    body = request_file.read_text().replace(
        "compute:\n", "compute:\n  cores: {min: 500}\n"
    )
    result = ask("request", "-", stdin=body)
    assert result.exit_code in {1, 4}
    assert "krsrc" in result.output


def test_late_offers_are_announced_only_where_a_site_is_waited_for(run, tmp_path):
    files = {
        "sites": "sites: [{name: krsrc, broker: {url: 'http://127.0.0.1:1'}}]",
        "links": "default_gbps: 1",
        "replicas": "datasets: []",
        "metabroker": "listen: {port: 0}\n"
        f"state: {tmp_path}\n"
        f"ranking: [{DATA / 'ranking.yaml'}]\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with command("serve", "--config", tmp_path / "metabroker.yaml") as service:
        url = wait_for_url(service)
        result = run("request", DATA / "request.yaml", "--url", url)
    assert result.exit_code == 4
    assert result.stderr.startswith(
        "metabroker: no site made an offer, and 1 of the 1 that were asked did not "
        "answer\n  krsrc: no connection: connection refused\n"
    )
    assert "late offers" not in result.stderr


def test_file_that_is_not_there_is_a_usage_error(ask, tmp_path):
    result = ask("request", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_accepted_offer_is_followed_to_its_end(ask, offers):
    best, sibling = offers[:2]
    accepted = ask("accept", best)
    assert accepted.exit_code == 0, accepted.output
    assert best in accepted.stdout

    watched = ask("watch", best, "--interval", "0.1", "--timeout", "30")
    assert watched.exit_code == 0, watched.output
    assert "session COMPLETED" in watched.stdout

    status = ask("status", best, "--json")
    assert json.loads(status.stdout)["phase"] == "COMPLETED"
    record = ask("status", best).stdout
    assert "COMPLETED" in record
    assert re.search(r"^site +jpsrc$", record, re.MULTILINE)
    assert "at jpsrc" not in record

    loser = ask("accept", sibling)
    assert loser.exit_code == 1
    assert loser.stderr.startswith("metabroker: ")


def test_offer_is_rejected_and_stays_so(ask, offers):
    rejected = ask("reject", offers[-1], "--json")
    assert rejected.exit_code == 0, rejected.output
    assert json.loads(rejected.stdout)["phase"] == "REJECTED"
    assert json.loads(ask("status", offers[-1], "--json").stdout)["phase"] == "REJECTED"
    assert ask("accept", offers[-1]).exit_code == 1


def test_session_is_cancelled(ask, offers):
    assert ask("accept", offers[0]).exit_code == 0
    cancelled = ask("cancel", offers[0])
    assert cancelled.exit_code == 0, cancelled.output
    watched = ask("watch", offers[0], "--json")
    assert watched.exit_code == 1
    assert json.loads(watched.stdout)["phase"] == "CANCELLED"
    assert "CANCELLED" in watched.stderr


def test_watch_gives_up_after_its_time(ask, offers):
    result = ask("watch", offers[0], "--interval", "0.1", "--timeout", "0.3")
    assert result.exit_code == 4
    assert "didn't come to its end" in result.stderr


@pytest.mark.parametrize("verb", ["status", "accept", "cancel", "reject", "offers"])
def test_unknown_uuid_is_said_to_be_unknown(ask, verb):
    result = ask(verb, UUID)
    assert result.exit_code == 1
    what = "offer set" if verb == "offers" else "session"
    assert result.stderr == f"metabroker: there is no {what} {UUID}\n"
    assert "Traceback" not in result.output


def test_sites_are_listed_with_their_state(ask):
    table = ask("sites")
    assert table.exit_code == 0, table.output
    assert re.search(r"^jpsrc +JPSRC ", table.stdout, re.MULTILINE)
    sites = json.loads(ask("sites", "--json").stdout)["sites"]
    assert len(sites) == 8
    assert {"name", "state", "why", "since", "url"} <= sites[0].keys()
