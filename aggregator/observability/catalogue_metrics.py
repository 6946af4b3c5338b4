"""Metrics of replica catalogues: what they answer, and what is remembered of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from aggregator.domain import events
from aggregator.domain.outcomes import Outcome
from aggregator.observability.instruments import Section
from aggregator.observability.side_calls import SIDE_CALL_OUTCOMES, SIDE_CALL_SECONDS

CATALOGUE_OUTCOMES: Final = (*SIDE_CALL_OUTCOMES, Outcome.NOT_FOUND)
"""The ways in which a call to a catalogue can end."""


class CatalogueMetrics:
    """Counts calls to the replica catalogue, and reads of its memory."""

    def __init__(self, section: Section) -> None:
        self._requests = section.counter(
            "catalogue_requests",
            "Calls to the replica catalogue that ended.",
            "outcome",
        )
        self._seconds = section.histogram(
            "catalogue_request_duration_seconds",
            "How long calls to the replica catalogue took.",
            SIDE_CALL_SECONDS,
        )
        self._reads = section.counter(
            "catalogue_reads",
            "Datasets that the memory of the replica catalogue was asked for.",
            "outcome",
        )
        for outcome in CATALOGUE_OUTCOMES:
            self._requests.labels(outcome.value)
        for remembered in events.CacheOutcome:
            self._reads.labels(remembered.value)

    def handlers(self) -> Mapping[type, Callable[[Any], None]]:
        """Return what counts each kind of event."""
        return {
            events.CatalogueAsked: self._asked,
            events.CatalogueRemembered: self._remembered,
        }

    def _asked(self, event: events.CatalogueAsked) -> None:
        self._requests.labels(event.outcome.value).inc()
        self._seconds.observe(event.seconds)

    def _remembered(self, event: events.CatalogueRemembered) -> None:
        self._reads.labels(event.outcome.value).inc(event.count)
