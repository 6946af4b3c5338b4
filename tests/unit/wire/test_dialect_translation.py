"""What one dialect says otherwise than another, place by place."""

import pytest

from aggregator.wire.dialects import CANONICAL_KINDS, DIALECTS, Canonical

OLD = "https://www.purl.org/ivoa.net/EB/schema/types"
SIMPLE_SESSION = CANONICAL_KINDS["session/simple-execution-session"]
EARLY = ("2025-05", "2025-06")
TYPED = (*EARLY, "2025-11")
KINDED = ("2026-02", "2026-04", "2026-07")


def canonical(name, document, body="session"):
    return getattr(DIALECTS[name], f"{body}_to_canonical")(document)


def written(name, found, body="session"):
    return getattr(DIALECTS[name], f"{body}_from_canonical")(found)


def in_dialect(name, payload, body="session"):
    return written(name, Canonical(payload), body)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "uri",
    [
        f"{OLD}/executable/docker-container-1.0",
        f"{OLD}/executable/docker-container",
        f"{OLD}/executables/docker-container-1.0",
        "https://www.purl.org/ivoa.net/EB/schema/v1.0/types/executable/docker-container",
        CANONICAL_KINDS["executable/docker-container"],
        CANONICAL_KINDS["executable/docker-container"].removesuffix(".yaml"),
    ],
)
def test_uris_of_every_family_with_and_without_version_are_understood(name, uri):
    document = {"executable": {DIALECTS[name].discriminator: uri}}

    found = canonical(name, document)

    kind = CANONICAL_KINDS["executable/docker-container"]
    assert found.payload["executable"]["kind"] == kind
    assert written(name, found) == document


@pytest.mark.parametrize("name", DIALECTS)
def test_unknown_kinds_and_extensions_stay_in_place_under_their_own_names(name):
    extension = {"type": "x", "name": "y", "schedule": {"offered": {}}, "uuid": 5}
    payload = {
        "kind": "urn:my-session",
        "executable": {"kind": "urn:my-executable", "ext": extension, "n": None},
        "ext": [extension],
        "data": [{"kind": "urn:my-data", "ext": extension}],
    }

    document = in_dialect(name, payload)

    assert document["ext"] == [extension]
    assert document["executable"]["ext"] == extension
    key = DIALECTS[name].discriminator
    assert document["executable"][key] == "urn:my-executable"
    assert canonical(name, document).payload == payload


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("word", "meaning"),
    [("PROPOSED", "INITIAL"), ("READY", "AVAILABLE"), ("RUNNING", "RUNNING")],
)
def test_old_words_for_the_phases_of_a_session(name, word, meaning):
    document = {"phase": word}

    found = canonical(name, document)

    assert found.payload["phase"] == meaning
    assert written(name, found) == document
    assert in_dialect(name, {"phase": meaning})["phase"] == (
        word if name in EARLY else meaning
    )


@pytest.mark.parametrize("word", ["INACTIVE", "INITIAL", "INITIALIZING"])
def test_old_words_for_the_phases_of_a_component(word):
    document = {"compute": {"phase": word}}

    found = canonical("2025-11", document)

    assert found.payload["compute"]["phase"] == "INITIALIZING"
    assert written("2025-11", found) == document


@pytest.mark.parametrize("name", DIALECTS)
def test_state_is_an_old_name_for_the_phase(name):
    document = {"state": "READY"}

    found = canonical(name, document)

    assert found.payload == {"phase": "AVAILABLE"}
    assert written(name, found) == document


def test_a_phase_that_changed_is_not_contradicted_by_how_it_was_written():
    found = canonical("2025-11", {"state": "OFFERED", "uuid": "u"})

    document = written(
        "2025-11", Canonical({**found.payload, "phase": "ACCEPTED"}, found.residue)
    )

    assert document == {"uuid": "u", "phase": "ACCEPTED"}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("start", "meaning"),
    [
        ("2025-06-21T12:24:00Z", "2025-06-21T12:24:00Z/PT0S"),
        ("2025-06-21T12:24:00Z/PT0S", "2025-06-21T12:24:00Z/PT0S"),
        ("2025-06-21T12:24:00Z/PT5M", "2025-06-21T12:24:00Z/PT5M"),
        ("2025-06-21", "2025-06-21/PT0S"),
        ("soon", "soon"),
        (5, 5),
    ],
)
def test_the_start_of_availability_is_an_interval(name, start, meaning):
    for schedule in (
        {"available": {"start": start}},
        {"offered": {"available": {"start": start}}},
    ):
        document = {"schedule": schedule, "compute": {"schedule": schedule}}

        found = canonical(name, document)

        available = {"available": {"start": meaning}}
        assert found.payload["schedule"] == available
        assert found.payload["compute"]["schedule"] == available
        assert written(name, found) == document


def test_only_early_dialects_nest_the_schedule_and_say_instants():
    payload = {
        "schedule": {
            "preparing": {"duration": "PT1M"},
            "available": {"start": "2026-01-01T00:00:00Z/PT0S"},
            "observed": {"seen": True},
        }
    }

    for name in DIALECTS:
        document = in_dialect(name, payload)
        offered = {
            "preparing": {"duration": "PT1M"},
            "available": {"start": "2026-01-01T00:00:00Z"},
        }
        nested = {"schedule": {"observed": {"seen": True}, "offered": offered}}
        assert document == (nested if name in EARLY else payload)
        assert canonical(name, document).payload == payload


def test_executing_is_the_oldest_name_for_available():
    document = {"schedule": {"executing": {"start": "2025-03-01T00:00:00Z"}}}

    found = canonical("2025-05", document)

    start = found.payload["schedule"]["available"]["start"]
    assert start == "2025-03-01T00:00:00Z/PT0S"
    assert written("2025-05", found) == document


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("start", [["P1D/2026-01-01"], ["a", "b"], [], "x", None, 5])
def test_a_requested_start_is_one_interval_or_a_list(name, start):
    document = {"schedule": {"requested": {"start": start}}}

    found = canonical(name, document, "request")

    first = start[0] if isinstance(start, list) and start else start
    assert found.payload["schedule"]["requested"]["start"] == first
    assert written(name, found, "request") == document


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"computer": {"cores": {"min": 1}}},
        {"compute": [{"cores": {"min": 1}}]},
        {"resources": {"compute": [{"cores": {"min": 1}}]}},
        {"resources": {"compute": {"cores": {"min": 1}}}},
    ],
)
def test_the_compute_resource_is_found_wherever_it_stands(name, document):
    found = canonical(name, document)

    assert found.payload == {"compute": {"cores": {"min": 1}}}
    assert written(name, found) == document


@pytest.mark.parametrize(
    "document",
    [
        {"resources": {"compute": [{"a": 1}, {"b": 2}]}},
        {"resources": {"compute": []}},
        {"resources": {"compute": [{"a": 1}], "gpu": [1]}},
        {"resources": {"gpu": [1]}},
        {"resources": {}},
        {"resources": [1]},
        {"resources": {"data": [{"type": "x"}]}, "data": [{"type": "y"}]},
        {"computer": {"a": 1}, "compute": {"b": 2}},
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_there_twice_stays(name, document):
    found = canonical(name, document)

    assert written(name, found) == document


@pytest.mark.parametrize("name", TYPED)
def test_names_and_their_like_stand_on_top(name):
    payload = {
        "meta": {
            "uuid": "u",
            "name": "n",
            "url": "http://x/sessions/u",
            "created": "2026-01-01T00:00:00Z",
            "messages": [{"kind": "urn:m", "level": "WARN"}],
            "options": [{"kind": "uri:enum-value-option", "path": "/phase"}],
            "description": "stays where it is",
        }
    }

    document = in_dialect(name, payload)

    assert document == {
        "uuid": "u",
        "name": "n",
        "created": "2026-01-01T00:00:00Z",
        "href": "http://x/sessions/u",
        "messages": [{"type": "urn:m", "level": "WARN"}],
        "options": [{"type": "uri:enum-value-option", "path": "/phase"}],
        "meta": {"description": "stays where it is"},
    }
    assert canonical(name, document).payload == payload


@pytest.mark.parametrize(
    "node",
    [
        {"name": "n", "meta": {"name": "m"}},
        {"name": "n", "meta": {"description": "d"}},
        {"name": "n", "meta": "not a mapping"},
        {"kind": "k", "type": "t"},
        {"kind": "k"},
        {"type": 5},
        {"messages": "none", "options": [1, {"type": "t", "kind": "k"}]},
        {"meta": {}},
        {},
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_components_of_mixed_dialects_are_restored(name, node):
    document = {"executable": node, "data": [node, 5, node], "storage": node}

    found = canonical(name, document, "request")

    assert written(name, found, "request") == document


@pytest.mark.parametrize("name", KINDED)
def test_a_name_outside_of_meta_survives_a_dialect_that_has_it_there(name):
    document = {"executable": {"kind": "urn:x", "name": "outside"}, "name": "request"}

    found = canonical(name, document, "request")
    old = in_dialect("2025-11", found.payload, "request")
    again = canonical("2025-11", old, "request").payload

    assert found.payload == document
    assert old == {
        "executable": {"name": "outside", "type": "urn:x"},
        "name": "request",
    }
    assert again["executable"]["meta"] == {"name": "outside"}
    assert written(name, Canonical(again, found.residue), "request") == document


@pytest.mark.parametrize("name", TYPED)
def test_a_kind_that_a_dialect_has_no_word_for_keeps_its_canonical_one(name):
    document = in_dialect(name, {"kind": SIMPLE_SESSION})

    assert document == {"type": SIMPLE_SESSION}
    assert canonical(name, document).payload == {"kind": SIMPLE_SESSION}


@pytest.mark.parametrize("name", DIALECTS)
def test_costs_and_metrics_keep_their_type_and_kind(name):
    costs = [
        {"kind": CANONICAL_KINDS["costs/simple-minmax-float-cost"], "type": "urn:c"}
    ]
    payload = {"costs": costs, "compute": {"kind": "urn:x", "metrics": costs}}

    document = in_dialect(name, payload)

    assert document["costs"] == costs
    assert canonical(name, document).payload == payload


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"kind": "uri:enum-value-update", "path": "phase", "value": "ACCEPTED"},
        {"type": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"},
        {"update": {"type": "uri:x", "path": "a", "value": 1}},
        {"update": {"kind": "uri:x", "path": "a", "value": 1}, "by": "me"},
        {"update": {}, "kind": "uri:x"},
        {"update": "text"},
        {},
    ],
)
def test_updates_bare_or_wrapped_are_restored(name, document):
    found = canonical(name, document, "update")

    assert written(name, found, "update") == document


@pytest.mark.parametrize("name", DIALECTS)
def test_updates_are_wrapped_where_the_dialect_wraps_them(name):
    payload = {"kind": "uri:string-value-update", "path": "/x", "value": "y"}

    document = in_dialect(name, payload, "update")

    bare = {"type": payload["kind"], "path": "/x", "value": "y"}
    assert document == ({"update": bare} if name in TYPED else payload)


def test_the_endpoints_of_the_dialects():
    paths = {name: (d.submit_path, d.direct_path) for name, d in DIALECTS.items()}

    old = ("/offersets", None)
    assert paths == {
        "2025-05": old,
        "2025-06": old,
        "2025-11": old,
        "2026-02": old,
        "2026-04": ("/offersets", "/sessions"),
        "2026-07": ("/requests", "/direct"),
    }
