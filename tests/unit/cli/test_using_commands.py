"""The user's verbs, against a real meta-broker in front of real sites."""

import json
import re

import pytest

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
        r"^1 +jpsrc +metabroker accept \S{36}$", result.stdout, re.MULTILINE
    )


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
    assert "COMPLETED" in ask("status", best).stdout

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
    assert UUID in result.stderr
    assert "Traceback" not in result.output


def test_sites_are_listed_with_their_state(ask):
    table = ask("sites")
    assert table.exit_code == 0, table.output
    assert re.search(r"^jpsrc +JPSRC ", table.stdout, re.MULTILINE)
    sites = json.loads(ask("sites", "--json").stdout)["sites"]
    assert len(sites) == 8
    assert {"name", "state", "why", "since", "url"} <= sites[0].keys()
