"""The members that clients look at are found in every dialect's layout."""

from datetime import UTC, datetime

import pytest

from aggregator.client import MessageAnswer, OfferSetAnswer, SessionAnswer

COMPUTE = {"cores": {"min": 2, "max": 4}, "memory": {"min": 8}, "phase": "PREPARING"}
OFFERED = {"available": {"start": "2025-11-06T11:12:00Z/PT0S", "duration": "PT20M"}}


@pytest.mark.parametrize(
    "document",
    [
        {"resources": {"compute": [COMPUTE]}, "schedule": {"offered": OFFERED}},
        {"computer": COMPUTE, "schedule": {"offered": OFFERED}},
        {"compute": COMPUTE, "schedule": OFFERED},
        {"compute": {**COMPUTE, "schedule": OFFERED}},
        {
            "compute": {**COMPUTE, "schedule": OFFERED},
            "schedule": {"available": {"start": "1970-01-01T00:00:01Z/PT0S"}},
        },
    ],
)
def test_compute_and_start_are_found(document):
    session = SessionAnswer(document)
    assert (session.cores.min, session.cores.max) == (2, 4)
    assert (session.memory.min, session.memory.max) == (8, None)
    assert session.start is not None
    assert session.start.latest == datetime(2025, 11, 6, 11, 12, tzinfo=UTC)
    assert session.component_phases == {"compute": "PREPARING"}


@pytest.mark.parametrize(
    "about",
    [
        {"uuid": "u", "name": "n", "href": "h"},
        {"meta": {"uuid": "u", "name": "n", "url": "h"}},
        {"meta": {"uuid": "u", "name": "n", "url": "h"}, "uuid": "other"},
    ],
)
def test_identity_is_found_in_meta_first(about):
    answer = OfferSetAnswer({**about, "offers": [about]})
    for component in (answer, *answer.offers):
        assert (component.uuid, component.name, component.url) == ("u", "n", "h")


def test_component_phases_have_names_to_tell_them_apart():
    session = SessionAnswer(
        {
            "phase": "PREPARING",
            "executable": {"phase": "INITIALIZING"},
            "storage": [{"phase": "AVAILABLE", "name": "disk"}],
            "data": [
                {"phase": "PREPARING", "meta": {"name": "example-data-01"}},
                {"phase": "WAITING"},
                {"name": "phaseless"},
            ],
        }
    )
    assert session.component_phases == {
        "session": "PREPARING",
        "executable": "INITIALIZING",
        "storage/disk": "AVAILABLE",
        "data/example-data-01": "PREPARING",
        "data/1": "WAITING",
    }


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"uuid": 5, "phase": {}, "expires": [1], "schedule": "soon", "compute": 3},
        {"meta": [], "messages": {}, "connectors": 1, "data": {"a": 1}, "expires": "x"},
        {
            "compute": {"cores": {"min": "2", "max": True}},
            "schedule": {"available": []},
        },
    ],
)
def test_rubbish_counts_as_unsaid(document):
    session = SessionAnswer(document)
    assert (session.uuid, session.name, session.phase) == ("", "", "")
    assert (session.expires, session.start) == (None, None)
    assert (session.cores.min, session.cores.max) == (None, None)
    assert (session.messages, session.connectors) == ((), ())
    assert not session.is_terminal
    assert session.component_phases == {}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"message": "said", "template": "x"}, "said"),
        ({"template": "{site} is away", "values": {"site": "jpsrc"}}, "jpsrc is away"),
        ({"template": "${site} is away", "values": {"site": "jpsrc"}}, "jpsrc is away"),
        ({}, ""),
    ],
)
def test_message_is_put_in_words(document, text):
    assert MessageAnswer(document).text == text
