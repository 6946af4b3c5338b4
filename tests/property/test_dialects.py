"""Random messages in each dialect: nothing is lost on the way to another and back."""

import contextlib
import copy
import json
from functools import partial

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aggregator.domain.errors import InvalidInput
from aggregator.domain.views import SessionView
from aggregator.wire.dialects import CANONICAL, DIALECTS, Canonical, detect_dialect
from aggregator.wire.dialects.bodies import OFFER_SET, REQUEST, SESSION, UPDATE
from aggregator.wire.media import MediaType, decode, encode
from aggregator.wire.reading import (
    BadPayload,
    read_request,
    read_site_offer_set,
    read_site_session,
    read_update,
)
from aggregator.wire.writing import write_session, write_site_request
from tests.support.random_messages import (
    BODIES,
    URIS,
    messages_in_dialects,
    requests,
    scalars,
)

# How fast the machine is tells nothing about the code.
unhurried = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WORDED = {
    "request": REQUEST,
    "offer_set": OFFER_SET,
    "session": SESSION,
    "update": UPDATE,
}


def to_canonical(name, body, document):
    return getattr(DIALECTS[name], f"{body}_to_canonical")(document)


def from_canonical(name, body, canonical):
    return getattr(DIALECTS[name], f"{body}_from_canonical")(canonical)


@unhurried
@given(messages_in_dialects())
def test_to_canonical_and_back_is_the_identity(message):
    name, body, document = message
    before = copy.deepcopy(document)

    canonical = to_canonical(name, body, document)
    kept = copy.deepcopy((canonical.payload, canonical.residue))

    assert from_canonical(name, body, canonical) == before
    assert document == before
    assert (canonical.payload, canonical.residue) == kept


@unhurried
@given(messages_in_dialects(), st.sampled_from([MediaType.JSON, MediaType.YAML]))
def test_over_the_wire_to_canonical_and_back_is_the_identity(message, media):
    name, body, document = message

    received = decode(encode(document, media), media.value)
    canonical = to_canonical(name, body, received)
    answered = encode(from_canonical(name, body, canonical), media)

    assert decode(answered, media.value) == document


@unhurried
@given(messages_in_dialects(), st.sampled_from(list(DIALECTS)))
def test_through_any_other_dialect_nothing_is_lost(message, other):
    name, body, document = message
    there = to_canonical(name, body, document)

    said = from_canonical(other, body, Canonical(there.payload))
    heard = to_canonical(other, body, said)

    assert heard.payload == there.payload
    assert (
        from_canonical(name, body, Canonical(heard.payload, there.residue)) == document
    )


@unhurried
@given(messages_in_dialects())
def test_the_canonical_dialect_has_nothing_to_translate(message):
    name, body, document = message
    payload = to_canonical(name, body, document).payload

    (form,) = DIALECTS[CANONICAL].forms
    worded = WORDED[body].worded(payload, form.lexicon)

    assert form.lexicon.is_canonical
    assert worded == payload


@unhurried
@given(messages_in_dialects())
def test_only_the_residue_is_left_out_where_only_the_payload_is_wanted(message):
    name, body, document = message
    assume(body in {"session", "offer_set"})

    payload = getattr(DIALECTS[name], f"{body}_payload")(document)

    assert payload == to_canonical(name, body, document).payload


@unhurried
@given(messages_in_dialects())
def test_a_stored_residue_is_as_good_as_a_fresh_one(message):
    name, body, document = message
    canonical = to_canonical(name, body, document)

    stored = Canonical(*json.loads(json.dumps([canonical.payload, canonical.residue])))

    assert from_canonical(name, body, stored) == document


@unhurried
@given(messages_in_dialects())
def test_a_canonical_document_is_its_own_canonical_form(message):
    name, body, document = message
    payload = to_canonical(name, body, document).payload

    assert to_canonical("2026-07", body, payload).payload == payload


@unhurried
@given(
    st.sampled_from(sorted(URIS)).flatmap(
        lambda name: st.tuples(st.just(name), requests(name))
    ),
    st.sampled_from(list(DIALECTS)),
)
def test_requests_are_read_and_said_to_sites_of_every_dialect(message, site):
    name, document = message

    request = read_request(document, name)
    sent = write_site_request(request, DIALECTS[site])

    assert detect_dialect(document, name).name == request.dialect
    heard = read_request(sent, site)
    assert heard.payload == request.payload
    assert (heard.name, heard.data, heard.cores) == (
        request.name,
        request.data,
        request.cores,
    )
    restored = Canonical(dict(request.payload), dict(request.residue))
    assert DIALECTS[request.dialect].request_from_canonical(restored) == document


UUID = "6b1f3c52-9d0e-4f6a-8a55-0e2b7c1d9a10"
KEYS = st.sampled_from(
    [
        *("type", "kind", "meta", "name", "uuid", "created", "messages", "options"),
        *("href", "url", "executable", "compute", "computer", "resources", "volumes"),
        *("storage", "data", "schedule", "requested", "offered", "preparing", "state"),
        *("executing", "available", "releasing", "start", "duration", "phase", "path"),
        *("offers", "result", "update", "value", "resource", "cardinality", "mode"),
        *("connectors", "costs", "image", "digest", "cores", "min", "max", "skao"),
        *("datasize", "replicas", "rsename", "x"),
    ]
)
WORDS = st.sampled_from(
    [
        *("", "a", "/in/a", "OFFERED", "READY", "INSTANCE", "YES", "NO", "PT1S"),
        *("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/PT0S", "unnamed-volume-0"),
        UUID,
        *(uri for uris in URIS.values() for uri in uris.values()),
    ]
)
rubbish = st.recursive(
    scalars | WORDS | st.floats() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=25,
)
rubbish_objects = st.dictionaries(KEYS, rubbish, max_size=8)
rubbish_offers = st.builds(
    lambda session, meta: {
        **session,
        "meta": {**meta, "uuid": UUID},
        "phase": "OFFERED",
    },
    rubbish_objects,
    rubbish_objects,
)


@unhurried
@given(rubbish_objects, st.sampled_from(list(DIALECTS)), st.sampled_from(list(BODIES)))
def test_rubbish_of_the_protocols_own_words_comes_back_too(document, name, body):
    canonical = to_canonical(name, body, document)

    again = from_canonical(name, body, canonical)

    assert repr(sorted_keys(again)) == repr(sorted_keys(document))


def sorted_keys(value):
    """Return a value that can be compared with NaN in it, whatever its keys' order."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


@unhurried
@given(rubbish, st.sampled_from(list(DIALECTS)))
def test_whatever_a_client_sends_is_read_or_refused_with_places(document, name):
    for violations in (
        refused(read_request, document, name),
        refused(read_update, document),
    ):
        assert violations is None or all(each.reason for each in violations)
        assert violations != ()


def refused(read, *arguments):
    """Return the violations with which a document is refused, None if it is read."""
    try:
        read(*arguments)
    except InvalidInput as refusal:
        return refusal.violations
    return None


@unhurried
@given(rubbish, st.sampled_from(list(DIALECTS)))
def test_whatever_a_site_sends_is_read_or_bad(document, name):
    for read in (partial(read_site_offer_set, "here"), read_site_session):
        with contextlib.suppress(BadPayload):
            read(document, DIALECTS[name])


@unhurried
@given(rubbish_offers, st.sampled_from(list(DIALECTS)))
def test_whatever_a_site_offers_can_be_shown(document, name):
    envelope = {"result": "YES", DIALECTS[name].discriminator: "urn:x"}

    answer = read_site_offer_set(
        "x", {**envelope, "offers": [document]}, DIALECTS[name]
    )

    (offer,) = answer.offers
    view = SessionView(offer.session, offer.payload, offer.residue)
    for client in DIALECTS.values():
        session = write_session(view, client, "http://h")
        assert f"http://h/sessions/{UUID}" in json.dumps(session)
        assert session["phase"] == "OFFERED"
