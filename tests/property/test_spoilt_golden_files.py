"""Golden files with parts moved, left out and added: nothing of them is lost either."""

import copy
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.wire.dialects import DIALECTS, Canonical
from aggregator.wire.media import MediaType, decode, encode

GOLDEN = Path(__file__).parents[1] / "data" / "dialects"
DOCUMENTS = {
    (path.parent.name, path.stem): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(GOLDEN.glob("*/*.json"))
}
KEYS = st.sampled_from(
    [
        *("x-note", "kind", "type", "meta", "name", "href", "url", "resource"),
        *("resources", "volumes", "compute", "computer", "schedule", "offered"),
        *("available", "phase", "state", "cardinality", "data", "storage", "options"),
        *("messages", "connectors", "requested", "start", "update", "offers"),
    ]
)
WORDS = st.sampled_from(
    [
        *("", "YES", "0000", "12:30:45", "null", "~", "no", "\u00e9\u2028"),
        *("READY", "PROPOSED", "INSTANCE", "SINGLE", "2026-01-01T00:00:00Z/PT0S"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2)
    ),
    max_leaves=4,
)


def nodes_of(value):
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from nodes_of(child)


def spoil(draw, node):
    if isinstance(node, list):
        if node and draw(st.booleans()):
            node.insert(0, copy.deepcopy(draw(st.sampled_from(node))))
        elif node:
            node.pop()
        return
    kept = draw(st.permutations(list(node.items())))
    if draw(st.booleans()):
        kept = kept[1:]
    node.clear()
    node.update(kept)
    if draw(st.booleans()):
        node[draw(KEYS | st.sampled_from(list(node) or ["x"]))] = draw(VALUES)


@st.composite
def spoilt(draw):
    """Give a dialect's name, a type of body, and such a body that isn't quite right."""
    name, file = draw(st.sampled_from(sorted(DOCUMENTS)))
    document = copy.deepcopy(DOCUMENTS[name, file])
    for _ in range(draw(st.integers(1, 4))):
        spoil(draw, draw(st.sampled_from(list(nodes_of(document)))))
    return name, file.partition("-")[0], document


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(spoilt(), st.sampled_from(list(DIALECTS)))
def test_what_is_not_quite_right_comes_back_as_it_was_written(message, other):
    name, body, document = message
    before = copy.deepcopy(document)
    read = getattr(DIALECTS[name], f"{body}_to_canonical")
    write = getattr(DIALECTS[name], f"{body}_from_canonical")

    canonical = read(document)

    assert write(canonical) == document == before
    for media in (MediaType.JSON, MediaType.YAML):
        assert decode(encode(document, media), media.value) == document
    said = getattr(DIALECTS[other], f"{body}_from_canonical")(
        Canonical(canonical.payload)
    )
    assert isinstance(said, dict)
