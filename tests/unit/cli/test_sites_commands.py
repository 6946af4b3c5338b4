"""``sites``: looking, draining, and seeing who did."""

import json

import pytest


@pytest.fixture
def drained(ask):
    """The name of a site that is drained while the test lasts."""
    result = ask("sites", "drain", "krsrc", "--for", "2h", "--reason", "new racks")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("krsrc is drained until 2")
    yield "krsrc"
    assert ask("sites", "undrain", "krsrc").exit_code == 0


def report_of(ask, site):
    sites = json.loads(ask("sites", "--json").stdout)["sites"]
    return next(one for one in sites if one["name"] == site)


def test_sites_are_shown_by_their_name_alone(ask):
    result = ask("sites")
    assert result.exit_code == 0
    assert "jpsrc" in result.stdout
    assert "JPSRC_STORM" in result.stdout


def test_a_drained_site_is_shown_with_its_reason_and_end(ask, drained):
    report = report_of(ask, drained)
    assert (report["state"], report["drain"]["reason"]) == ("drained", "new racks")
    shown = " ".join(ask("sites").stdout.split())
    assert "new racks" in shown


def test_a_request_says_that_a_drained_site_was_not_asked(ask, drained, request_file):
    result = ask("request", request_file)
    assert result.exit_code == 0
    assert "new racks" in result.stdout


def test_undraining_lets_requests_go_there_again(ask):
    ask("sites", "drain", "swesrc", "--for", "1h", "--reason", "x")
    result = ask("sites", "undrain", "swesrc", "--reason", "done", "--json")
    assert (result.exit_code, json.loads(result.stdout)["drain"]) == (0, None)
    assert report_of(ask, "swesrc")["state"] != "drained"
    entries = json.loads(ask("sites", "audit", "--json").stdout)["entries"]
    assert [(one["action"], one["reason"]) for one in entries[:2]] == [
        ("undrain", "done"),
        ("drain", "x"),
    ]
    assert "undrain" in ask("sites", "audit", "--limit", "2").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "--for", "2h", "--reason", "x"), 1, "there is no site 'nowhere'"),
        (("jpsrc", "--for", "soon", "--reason", "x"), 2, "such as 2h, 90m, 1d or PT2H"),
        (("jpsrc", "--for", "2h", "--reason", " "), 2, "should say why"),
        (("jpsrc", "--for", "2h"), 2, "Missing option"),
    ],
)
def test_what_can_not_be_drained_is_said(ask, arguments, code, words):
    result = ask("sites", "drain", *arguments)
    assert result.exit_code == code
    assert words in result.stderr


def test_an_option_before_the_subcommand_is_not_lost_in_silence(run, metabroker):
    result = run("sites", "--url", metabroker, "undrain", "jpsrc")
    assert result.exit_code == 2
    assert "--url belongs behind undrain" in result.stderr
