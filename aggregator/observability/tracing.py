"""Tracing: spans of our answers and of the calls to sites, exported over OTLP.

Needs the extra ``tracing``. Without it, or without an endpoint, the trace context is
still continued to the sites; only nothing is exported.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from aggregator.domain import events
from aggregator.domain.events import Event
from aggregator.domain.outcomes import ANSWERED, Outcome
from aggregator.domain.tracing import Span
from aggregator.ports.telemetry import Telemetry

_FINE: Final = frozenset({*ANSWERED, Outcome.NOT_FOUND})
_SERVER_ERROR: Final = 500
_FLUSH_MS: Final = 3000


class _GivenIds(IdGenerator):
    """Hands out the ids of the span that is being written."""

    def __init__(self) -> None:
        self.trace_id = 0
        self.span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class TracedTelemetry:
    """Exports spans of the events that have one, and passes all events on."""

    def __init__(
        self, following: Telemetry, provider: TracerProvider, ids: _GivenIds
    ) -> None:
        self._following = following
        self._tracer = provider.get_tracer("metabroker")
        self._ids = ids

    def record(self, event: Event) -> None:
        """Export the span of ``event``, where it has one, and pass it on."""
        self._following.record(event)
        match event:
            case events.HttpAnswered(span=Span(sampled=True) as span):
                self._export(
                    span,
                    f"{event.method} {event.route}",
                    SpanKind.SERVER,
                    event.seconds,
                    {
                        "http.request.method": event.method,
                        "http.route": event.route,
                        "http.response.status_code": event.status,
                    },
                    failed=event.status >= _SERVER_ERROR,
                )
            case events.SiteCalled(span=Span(sampled=True) as span):
                self._export(
                    span,
                    f"{event.operation.value} {event.site}",
                    SpanKind.CLIENT,
                    event.seconds,
                    {
                        "metabroker.site": event.site,
                        "metabroker.operation": event.operation.value,
                        "metabroker.outcome": event.outcome.value,
                    },
                    failed=event.outcome not in _FINE,
                )
            case _:
                pass

    def _export(
        self,
        span: Span,
        name: str,
        kind: SpanKind,
        seconds: float,
        attributes: Mapping[str, Any],
        *,
        failed: bool,
    ) -> None:
        end = time.time_ns()
        self._ids.trace_id = int(span.trace_id, 16)
        self._ids.span_id = int(span.span_id, 16)
        exported = self._tracer.start_span(
            name,
            context=_parent(span),
            kind=kind,
            attributes=dict(attributes),
            start_time=end - int(seconds * 1e9),
        )
        if failed:
            exported.set_status(Status(StatusCode.ERROR))
        exported.end(end)


def _parent(span: Span) -> Any:
    if span.parent_id is None:
        return set_span_in_context(NonRecordingSpan(SpanContext(0, 0, is_remote=False)))
    return set_span_in_context(
        NonRecordingSpan(
            SpanContext(
                int(span.trace_id, 16),
                int(span.parent_id, 16),
                is_remote=True,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )
        )
    )


@contextmanager
def exporting(
    endpoint: str, following: Telemetry, version: str
) -> Iterator[TracedTelemetry]:
    """Export spans while the block runs; what is left is sent at its end.

    Args:
        endpoint: The collector's OTLP/HTTP URL, such as
            ``http://collector:4318/v1/traces``.
        following: Who gets all events too.
        version: Ours, as the spans tell it.
    """
    ids = _GivenIds()
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": "metabroker", "service.version": version}
        ),
        id_generator=ids,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    try:
        yield TracedTelemetry(following, provider, ids)
    finally:
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()
