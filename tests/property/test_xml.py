"""Random documents of the schema come back from XML as they were."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.domain.errors import InputError
from aggregator.wire.xml import decode_xml, encode_xml
from aggregator.wire.xml.shapes import Member, ObjectShape, Scalar
from aggregator.wire.xml.tables import SCHEMAS

# How fast the machine is tells nothing about the code.
unhurried = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)

NAMES = list(SCHEMAS["2026-07"])
BASES = {
    "2026-04": "https://www.purl.org/ivoa.net/EB/schema/v1.0/types/x/{}-1.0",
    "2026-07": "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/x/{}.yaml",
}

allowed = st.characters(
    exclude_categories=["Cs"],
    exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"],
)
texts = st.text(allowed | st.sampled_from("\t\n\r <>&'\"]"), max_size=20)
integers = st.integers(-(2**63), 2**64 - 1)
scalars = {
    Scalar.TEXT: texts | st.sampled_from(["0000", "true", " ", "\r\n", "]]>"]),
    Scalar.NUMBER: integers | st.floats(allow_nan=False, allow_infinity=False),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.TEXT_MAP: st.dictionaries(texts, texts, max_size=3),
}


@st.composite
def objects(draw, shape: ObjectShape, dialect: str, depth: int = 0):
    stem = draw(st.sampled_from([None, *shape.variants]))
    kind = None
    if stem is not None:
        word = "uri:{}" if stem.endswith(("update", "option")) else BASES[dialect]
        kind = word.format(stem)
    known = shape.members_of(kind) if kind else shape.members
    names = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=5))
    document = {}
    for name in names:
        if name != "kind":
            document[name] = draw(values(known[name], dialect, depth + 1))
    return document if kind is None else {"kind": kind, **document}


def values(member: Member, dialect: str, depth: int):
    if isinstance(member.shape, Scalar):
        value = scalars[member.shape]
    else:
        value = st.deferred(lambda: objects(member.shape, dialect, depth))
    least = 0 if member.is_wrapped else 1
    return st.lists(value, min_size=least, max_size=2) if member.is_list else value


@pytest.mark.parametrize("dialect", list(SCHEMAS))
@pytest.mark.parametrize("name", NAMES)
@unhurried
@given(data=st.data())
def test_xml_is_an_identity_on_documents_of_the_schema(dialect, name, data):
    document = data.draw(objects(SCHEMAS[dialect][name].shape, dialect))

    encoding = encode_xml(document, name, dialect)

    assert encoding.dropped == ()
    read = decode_xml(encoding.body, name, dialect)
    assert read == document
    assert repr(sorted_deeply(read)) == repr(sorted_deeply(document))


def sorted_deeply(value):
    """Order keys, which XML may regroup, so that types can be compared by repr."""
    if isinstance(value, dict):
        return {key: sorted_deeply(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sorted_deeply(item) for item in value]
    return value


json_values = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "meta", "messages", "values", "costs", "x y"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", NAMES)
@unhurried
@given(document=st.dictionaries(st.sampled_from(["kind", "meta", "x"]), json_values))
def test_whatever_a_document_holds_it_becomes_xml_that_can_be_read(name, document):
    encoding = encode_xml(document, name, "2026-07")

    decode_xml(encoding.body, name, "2026-07")


@unhurried
@given(body=st.text("<>/&;a='\"! []-?x").map(str.encode) | st.binary())
def test_any_bytes_give_a_document_or_an_input_error(body):
    with contextlib.suppress(InputError):
        decode_xml(b"<update>" + body + b"</update>", "AbstractUpdate", "2026-07")
