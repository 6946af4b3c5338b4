"""Instruments: metrics in one registry, each with what its reference says of it."""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aggregator.domain.tracing import Span

PREFIX: Final = "metabroker_"
"""What every name of ours begins with."""


@dataclass(frozen=True, slots=True)
class Description:
    """What one metric is.

    Attributes:
        name: As queries have it, with the ending that counters get.
        kind: Counter, gauge or histogram.
        buckets: Upper bounds of a histogram's buckets, without the infinite one.
    """

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


def exemplar_of(span: Span | None) -> dict[str, str] | None:
    """Return what leads from a measurement to its trace, where that is recorded."""
    if span is None or not span.sampled:
        return None
    return {"trace_id": span.trace_id, "span_id": span.span_id}


class Section:
    """Makes the metrics of one part of the service, and remembers them in order."""

    def __init__(self, title: str, registry: CollectorRegistry) -> None:
        self.title = title
        self.descriptions: list[Description] = []
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a new counter; its name is given without ``_total``."""
        self._describe(f"{name}_total", "counter", text, labels)
        return Counter(PREFIX + name, text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Return a new gauge."""
        self._describe(name, "gauge", text, labels)
        return Gauge(PREFIX + name, text, labels, registry=self._registry)

    def histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        """Return a new histogram with the upper bounds ``buckets``."""
        self._describe(name, "histogram", text, labels, buckets)
        return Histogram(
            PREFIX + name, text, labels, buckets=buckets, registry=self._registry
        )

    def _describe(
        self,
        name: str,
        kind: str,
        text: str,
        labels: tuple[str, ...],
        buckets: tuple[float, ...] = (),
    ) -> None:
        self.descriptions.append(
            Description(PREFIX + name, kind, text, labels, buckets)
        )
