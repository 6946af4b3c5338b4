import pytest

from aggregator.domain.tracing import Span, continued

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
NEW = {"trace_id": "a" * 32, "span_id": "b" * 16, "sampled": False}


def test_a_clients_trace_is_continued():
    span = continued(f"00-{TRACE}-{PARENT}-01", "vendor=1", **NEW)
    assert span == Span(TRACE, "b" * 16, PARENT, sampled=True, state="vendor=1")
    assert span.child("c" * 16).headers == {
        "traceparent": f"00-{TRACE}-{'c' * 16}-01",
        "tracestate": "vendor=1",
    }


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert continued(f"01-{TRACE}-{PARENT}-00-more", "", **NEW).trace_id == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "rubbish",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
    ],
)
def test_what_is_no_trace_begins_one(header):
    assert continued(header, "vendor=1", **NEW) == Span("a" * 32, "b" * 16)


def test_a_state_that_is_too_long_is_dropped():
    assert continued(f"00-{TRACE}-{PARENT}-01", "x" * 513, **NEW).state == ""
