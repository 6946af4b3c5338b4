"""The reference page of all metrics, made from the metrics themselves.

``python -m aggregator.observability.reference > docs/metrics.md`` writes it anew.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from aggregator.domain import events
from aggregator.domain.outcomes import NOT_ASKED, Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.observability.catalogue_metrics import CATALOGUE_OUTCOMES
from aggregator.observability.instruments import Description, Section
from aggregator.observability.metrics import Metrics
from aggregator.observability.side_calls import SIDE_CALL_OUTCOMES

_INTRODUCTION: Final = """\
# Metrics

The service exposes them at `GET /metrics`, in the Prometheus text format, or in
OpenMetrics where the scraper asks for that. Every configured site has its series from
the first scrape on, and what alerts look at is there at 0 before its first failure.

No user, uuid or dataset is ever a label: the number of series is bounded by what is
configured. Ten sites have about 2 000 of them. Each replica counts what it did itself;
sum counters and histograms over replicas, and take the `max` of gauges that say how a
site is or how long the shared queue is.

The Grafana dashboards, alerts and their runbook are in [grafana/](../grafana/).
"""

_PROCESS: Final = """\
## The process

`process_cpu_seconds_total`, `process_resident_memory_bytes`,
`process_virtual_memory_bytes`, `process_open_fds`, `process_max_fds` and
`process_start_time_seconds`, as Prometheus clients have them everywhere. They are
there on Linux only.
"""

_ABSENT: Final = """\
## What isn't measured

- **Regret of sessions that nobody saw start**, and of what other offers would really
  have done: only the accepted one runs. `metabroker_rank_regret_seconds` takes the
  alternatives at their estimates, so read it beside `metabroker_ets_error_seconds`.
- **Retries of calls.** A call to a site isn't repeated by itself: a request for offers
  would reserve twice, a reading is due again anyway, and releases have their own
  `retried`. What is sent again with a renewed token is counted as one call.
- **Ejections that were only simulated.** A breaker that opens ejects.
- **Offers without an expiry** are in neither `metabroker_reservations_open` nor
  `metabroker_offers_expired_unused_total`: nobody knows when they end.
"""

_LABELS: Final[Mapping[str, str]] = {
    "adapter": "What speaks to the site, from its configuration.",
    "code": "The HTTP status of the answer.",
    "completeness": "How much of the federation is in the answer: {}.",
    "dialect": "The site's dialect as configured; `auto` where that is found out.",
    "grant": "What the token was asked for with: {}.",
    "filter": "The name of a filter of the ranking policy, or of a limit of its trim.",
    "joined": "`true` where the late answer joined the offer set, else `false`.",
    "method": "The HTTP method, or `other`.",
    "name": "The policy's name.",
    "op": "What the call was for: {}.",
    "outcome": "How it ended; see below.",
    "parent_node_name": "The SRCNet node of the site, as in other SRCNet dashboards.",
    "parent_site_name": "The site's name, as in other SRCNet dashboards.",
    "phase": "A phase of execution sessions: {}.",
    "reason": "The outcome that made the breaker open; of `site_not_asked_total` {}.",
    "result": "`answered`, `missing` (asked, and no answer in time) or `not_asked`; "
    "of `registry_reads_total` `ok` or `failed`.",
    "revision": "The policy's revision, from its file.",
    "route": "The template of the path, as in `/offersets/{{uuid}}`.",
    "scope": "Who asked for too much: {}.",
    "seen": "`yes` where the start was seen, else `no`.",
    "sha256": "The first 12 digits of the sum of the policy's file.",
    "site": "The site's name in the configuration.",
    "state": "A state of the site: {}.",
    "version": "What says of itself to run: we, or the site's broker.",
}
_VALUES: Final[Mapping[str, Iterable[StrEnum]]] = {
    "completeness": events.Completeness,
    "grant": events.TokenGrant,
    "op": events.Operation,
    "phase": SessionPhase,
    "reason": [o for o in Outcome if o in NOT_ASKED],
    "scope": events.ShedScope,
    "state": events.SiteState,
}
_NOT_OF_CALLS: Final = (NOT_ASKED - {Outcome.LOOP}) | {Outcome.PENDING}
_OUTCOMES: Final[Mapping[str, Iterable[StrEnum]]] = {
    "metabroker_site_requests_total": [o for o in Outcome if o not in _NOT_OF_CALLS],
    "metabroker_locality_lookups_total": events.LookupOutcome,
    "metabroker_catalogue_requests_total": CATALOGUE_OUTCOMES,
    "metabroker_token_requests_total": SIDE_CALL_OUTCOMES,
    "metabroker_catalogue_reads_total": events.CacheOutcome,
    "metabroker_accepts_total": events.AcceptOutcome,
    "metabroker_loser_releases_total": events.ReleaseOutcome,
}


def reference(sections: Iterable[Section]) -> str:
    """Return the page, in Markdown."""
    sections = tuple(sections)
    return "\n".join(
        (
            _INTRODUCTION,
            *(_section(section) for section in sections),
            _PROCESS,
            _ABSENT,
            _labels(sections),
        )
    )


def all_sections() -> tuple[Section, ...]:
    """Return the sections of all metrics that the service has."""
    return Metrics("", lambda: datetime.now(UTC)).sections


def _section(section: Section) -> str:
    return "\n".join(
        (
            f"## {section.title}",
            "",
            "| metric | type | labels | what it says |",
            "|---|---|---|---|",
            *map(_row, section.descriptions),
            "",
        )
    )


def _row(description: Description) -> str:
    labels = ", ".join(f"`{label}`" for label in description.labels)
    text = description.text
    if description.buckets:
        bounds = ", ".join(f"{bound:g}" for bound in description.buckets)
        text = f"{text} Buckets: {bounds}."
    return f"| `{description.name}` | {description.kind} | {labels} | {text} |"


def _labels(sections: Iterable[Section]) -> str:
    used = {
        label
        for section in sections
        for description in section.descriptions
        for label in description.labels
    }
    return "\n".join(
        (
            "## Labels",
            "",
            "| label | values |",
            "|---|---|",
            *(f"| `{label}` | {_meaning(label)} |" for label in sorted(used)),
            "",
            "The outcomes of each metric that has them:",
            "",
            *_outcomes(),
            "",
        )
    )


def _meaning(label: str) -> str:
    values = _VALUES.get(label)
    return _LABELS[label].format(_listed(values) if values is not None else "")


def _outcomes() -> Iterator[str]:
    for name, values in _OUTCOMES.items():
        yield f"- `{name}`: {_listed(values)}."


def _listed(values: Iterable[StrEnum]) -> str:
    return ", ".join(f"`{value.value}`" for value in values)


if __name__ == "__main__":
    sys.stdout.write(reference(all_sections()))
