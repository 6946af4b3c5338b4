"""The main job, as users run it: ``metabroker demo --once``, in a process of its own."""

import json
import re
import signal
import socket
from urllib.request import urlopen

import pytest

from aggregator.demo.simulated_sites import DATA
from tests.support.commands import command, completed

TIB, GIB = 2**40, 2**30


@pytest.fixture(scope="module")
def outcome():
    ended = completed("demo", "--once", "--json", "--port", 0)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)


def test_session_is_completed_at_the_site_of_the_first_offer(outcome):
    assert outcome["session"]["phase"] == "COMPLETED"
    assert outcome["session"]["uuid"] == outcome["offers"][0]["session"]
    for kind in ("executable", "compute"):
        assert outcome["session"][kind]["phase"] == "COMPLETED"
    assert [data["phase"] for data in outcome["session"]["data"]] == ["COMPLETED"] * 2


def test_sites_that_hold_the_data_come_before_those_that_do_not(outcome):
    ranks = {}
    for offer in outcome["offers"]:
        ranks.setdefault(offer["site"], offer["rank"])
    assert ranks["jpsrc"] == 1
    assert ranks["jpsrc"] < ranks["aussrc"] < ranks["chsrc"]
    assert ranks["espsrc"] < ranks["chsrc"]
    assert [offer["rank"] for offer in outcome["offers"]] == list(
        range(1, len(outcome["offers"]) + 1)
    )


@pytest.mark.parametrize(
    ("site", "missing"),
    [("jpsrc", 0), ("espsrc", 0), ("aussrc", 25 * GIB), ("chsrc", 25 * (TIB + GIB))],
)
def test_bytes_to_move_are_those_without_a_replica_at_the_site(outcome, site, missing):
    moved = {o["bytes_to_move"] for o in outcome["offers"] if o["site"] == site}
    assert moved == {missing}


def test_every_offer_says_why_it_stands_where_it_does(outcome):
    assert all(offer["why"] for offer in outcome["offers"])
    assert all(offer["cores"]["min"] == 2 for offer in outcome["offers"])


def test_every_site_that_made_no_offer_is_named_with_its_reason(outcome):
    sites = {site["site"]: site for site in outcome["sites"]}
    assert len(sites) == 8
    assert sites["cansrc"]["outcome"] == "no_offer"
    assert "reserved for a campaign" in json.dumps(sites["cansrc"])
    assert sites["krsrc"]["outcome"] == "connect_error"
    assert sites["swesrc"]["outcome"] == "pending"
    assert sites["uksrc"]["outcome"] in {"ok", "error_5xx"}


def test_port_that_is_taken_is_said_clearly():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = completed("demo", "--once", "--port", port)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"metabroker: port {port} of 127.0.0.1 is taken; choose another with --port\n"
    )


def test_story_is_told_and_everything_stays_up_until_it_is_interrupted():
    with command("demo", "--port", 0) as running:
        story = ""
        for line in running.stdout:
            story += line
            if line.startswith("Ctrl-C"):
                break
        with urlopen(re.findall(r"http\S+/metrics", story)[0], timeout=5) as answer:
            assert b"metabroker_site_up" in answer.read()
        shown = re.findall(
            r"^  \S*metabroker ((?:sites|request) .*)$", story, re.MULTILINE
        )
        for told in shown:
            ended = completed(*told.split())
            assert ended.returncode == 0, ended.stderr
            assert "jpsrc" in ended.stdout
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)

    assert running.returncode == 0, errors
    assert errors == ""
    assert len(shown) == 2
    for part in (
        (DATA / "request.yaml").read_text(),
        "rank  site ",
        "Accepted the first",
        "session COMPLETED",
        "The final record",
    ):
        assert part in story
    assert re.search(r"^ *1 +jpsrc ", story, re.MULTILINE)
    assert re.search(r"^krsrc +no connection", story, re.MULTILINE)
