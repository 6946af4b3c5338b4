"""Whatever a site answers is a value, and our own code has no fault in reading it."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from aggregator.domain.outcomes import Outcome
from aggregator.wire.dialects import DIALECTS
from site_adapters.answers import read_offers, read_reading, spoken_in

UUID = "0c2f4f0a-5a5e-4b0e-9f0e-1d7a3c6b9e21"
KEYS = st.sampled_from(
    [
        *("kind", "type", "meta", "uuid", "name", "href", "messages", "result"),
        *("offers", "phase", "state", "expires", "schedule", "available", "start"),
        *("duration", "preparing", "offered", "requested", "compute", "computer"),
        *("volumes", "resources", "data", "storage", "executable", "cores", "min"),
        *("max", "memory", "costs", "metrics", "update", "skao", "namespace", "x"),
    ]
)
TEXTS = st.sampled_from(
    ["", "YES", "NO", UUID, "OFFERED", "PT1H", "PT", "2026-08-04T10:00:00Z/PT0S", "/"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=40,
)
SESSIONS = st.dictionaries(KEYS, VALUES, max_size=10)
IDENTIFIED = SESSIONS.map(lambda session: {**session, "uuid": UUID, "phase": "OFFERED"})
ANY_DIALECT = st.sampled_from(list(DIALECTS.values()))
OFFER_SETS = st.fixed_dictionaries(
    {"result": st.just("YES") | VALUES},
    optional={"offers": st.lists(IDENTIFIED | VALUES, max_size=4) | VALUES},
)


@given(dialect=ANY_DIALECT, document=OFFER_SETS | SESSIONS)
def test_any_object_is_an_answer(dialect, document):
    with capture_logs() as faults:
        answer = asyncio.run(read_offers("here", document, dialect, 3))

    assert faults == []
    outcomes = {Outcome.OK, Outcome.NO_OFFER, Outcome.BAD_PAYLOAD}
    assert answer.outcome in outcomes
    assert (answer.outcome is Outcome.OK) == bool(answer.offers)
    assert len(answer.offers) <= 3


@given(dialect=ANY_DIALECT, document=IDENTIFIED | SESSIONS)
def test_any_object_is_a_reading(dialect, document):
    with capture_logs() as faults:
        reading = read_reading("here", UUID, document, dialect)

    assert faults == []
    assert reading.outcome in {Outcome.OK, Outcome.BAD_PAYLOAD}
    assert (reading.outcome is Outcome.OK) == bool(reading.payload)


@given(document=OFFER_SETS | SESSIONS)
def test_any_object_is_in_some_dialect(document):
    with capture_logs() as faults:
        dialect = spoken_in("here", document, DIALECTS["2025-11"])

    assert faults == []
    assert dialect in DIALECTS.values()
