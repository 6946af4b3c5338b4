"""Trace context: which trace a piece of work belongs to, and under which span.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED: Final = 0x01
_LONGEST_STATE: Final = 512


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work within a trace.

    Attributes:
        trace_id: 32 hexadecimal digits, the same for all that one request causes.
        span_id: 16 hexadecimal digits, this piece's own.
        parent_id: The span that caused it, None where none is known.
        sampled: Whether whoever began the trace records it.
        state: The ``tracestate`` header, passed on as it came.
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    sampled: bool = False
    state: str = ""

    def child(self, span_id: str) -> "Span":
        """Return a span of the same trace that this one causes."""
        return replace(self, span_id=span_id, parent_id=self.span_id)

    @property
    def headers(self) -> dict[str, str]:
        """The headers by which the trace is continued elsewhere."""
        flags = _SAMPLED if self.sampled else 0
        headers = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{flags:02x}"}
        if self.state:
            headers["tracestate"] = self.state
        return headers


def continued(
    traceparent: str, tracestate: str, *, trace_id: str, span_id: str, sampled: bool
) -> Span:
    """Return our span of a trace that a client began, or of a new one.

    Args:
        traceparent: The client's header; what isn't one begins a new trace.
        tracestate: The header that goes with it, dropped where it is too long.
        trace_id: For a new trace.
        span_id: For our span.
        sampled: Whether a new trace is recorded.
    """
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if match is None or not _is_valid(match):
        return Span(trace_id, span_id, sampled=sampled)
    return Span(
        trace_id=match["trace"],
        span_id=span_id,
        parent_id=match["span"],
        sampled=bool(int(match["flags"], 16) & _SAMPLED),
        state=tracestate if len(tracestate) <= _LONGEST_STATE else "",
    )


def _is_valid(match: re.Match[str]) -> bool:
    if match["version"] == "ff" or (match["version"] == "00" and match["more"]):
        return False
    return match["trace"].strip("0") != "" and match["span"].strip("0") != ""
