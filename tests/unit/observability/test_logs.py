import io
import json
import logging

import pytest
import structlog

from aggregator.domain import events
from aggregator.domain.outcomes import Outcome
from aggregator.observability.logs import LoggedTelemetry, configure_logging
from tests.support.in_process import RecordedTelemetry

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.fixture
def written():
    """A stream that takes all logs, and the process's logging as it was after it."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    for handler in [h for h in root.handlers if h not in before]:
        root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_is_one_json_object_with_what_was_bound(written):
    configure_logging("info", "json", written)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("metabroker").info("request_answered", status=200)
    (line,) = lines(written)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "request_answered",
        "level": "info",
        "request_id": "r1",
        "status": 200,
    }


def test_level_is_the_least_that_is_written(written):
    configure_logging("warning", "json", written)
    log = structlog.get_logger("metabroker")
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines(written)] == ["loud"]


def test_what_libraries_say_is_written_in_the_same_form(written):
    configure_logging("info", "json", written)
    library = logging.getLogger("some.library")
    library.info("quiet")
    library.error("broke on %s", "x", exc_info=ValueError("why"))
    (line,) = lines(written)
    assert line["event"] == "broke on x"
    assert line["logger"] == "some.library"
    assert line["level"] == "error"
    assert "ValueError: why" in line["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "entry",
    [
        {"authorization": f"Bearer {TOKEN}"},
        {"Token": TOKEN},
        {"detail": f"sent Authorization: Bearer {TOKEN}, got 401"},
        {"detail": "sent authorization: bearer opaque-0123, got 401"},
        {"detail": f"the token was {TOKEN}"},
        {"headers": {"Authorization": "Bearer opaque-0123"}},
        {"url": "https://site.example/x?access_token=opaque-0123&y=1"},
        {"url": "https://jo:opaque-0123@site.example/"},
    ],
)
def test_no_credential_gets_into_a_line(written, form, entry):
    configure_logging("info", form, written)
    structlog.get_logger("metabroker").info("tried", **entry)
    logging.getLogger("some.library").error("tried %s", entry)
    text = written.getvalue()
    assert text.count("tried") == 2
    first = text.splitlines()[0]
    assert "redacted" in first
    assert TOKEN not in text
    assert "opaque-0123" not in first


def test_exception_that_holds_a_token_is_written_without_it(written):
    configure_logging("info", "json", written)
    refusal = ValueError(f"refused Bearer {TOKEN}")
    structlog.get_logger("metabroker").error("failed", exc_info=refusal)
    (line,) = lines(written)
    assert "ValueError: refused Bearer [redacted]" in line["exception"]
    assert TOKEN not in written.getvalue()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            events.SiteStateChanged("jpsrc", events.SiteState.DOWN, "no route"),
            {"event": "site_state_changed", "site": "jpsrc", "state": "down"},
        ),
        (
            events.FanOutFinished("set-1", events.Completeness.PARTIAL, 1.0, 8, 6, 2),
            {"event": "fan_out_finished", "offer_set": "set-1", "answered": 6},
        ),
        (
            events.AcceptFinished("jpsrc", "u1", events.AcceptOutcome.ACCEPTED, 1),
            {"event": "accept_finished", "session": "u1", "level": "info"},
        ),
        (
            events.AcceptFinished("jpsrc", "u1", events.AcceptOutcome.AMBIGUOUS, 1),
            {"event": "accept_finished", "level": "warning"},
        ),
        (
            events.AcceptFinished("jpsrc", "u1", events.AcceptOutcome.LOST, 1),
            {"event": "accept_finished", "level": "error"},
        ),
        (
            events.ReleaseTried("jpsrc", "u2", events.ReleaseOutcome.RETRIED, 1.5),
            {"event": "release_tried", "session": "u2", "lag": 1.5},
        ),
        (
            events.Reloaded(success=False, detail="sites.yaml:3:1: no name"),
            {"event": "configuration_read", "detail": "sites.yaml:3:1: no name"},
        ),
        (
            events.SiteCalled("jpsrc", events.Operation.UPDATE, Outcome.OK, 0.25),
            {"event": "site_called", "op": "update", "outcome": "ok", "level": "debug"},
        ),
    ],
)
def test_events_to_find_again_are_logged_and_passed_on(written, event, expected):
    configure_logging("debug", "json", written)
    following = RecordedTelemetry()
    LoggedTelemetry(following).record(event)
    (line,) = lines(written)
    assert expected.items() <= line.items()
    assert following.of(type(event)) == [event]


def test_setting_up_again_takes_the_place_of_what_was(written):
    configure_logging("info", "json", io.StringIO())
    configure_logging("info", "json", written)
    logging.getLogger("some.library").error("broke")
    assert [line["event"] for line in lines(written)] == ["broke"]


def test_other_events_are_only_passed_on(written):
    configure_logging("debug", "json", written)
    following = RecordedTelemetry()
    event = events.SiteInFlight("jpsrc", 1)
    LoggedTelemetry(following).record(event)
    assert written.getvalue() == ""
    assert following.of(events.SiteInFlight) == [event]
