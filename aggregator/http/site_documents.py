"""Sites as documents: all that ``/federation/sites`` and its events say of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from aggregator.domain.drains import AuditEntry, Drain
from aggregator.domain.schedules import format_instant
from aggregator.domain.site_conditions import SiteReport, SyntheticReading
from aggregator.domain.sites import Downtime, Site
from aggregator.domain.tallies import SiteTally
from aggregator.services.site_activity import Latency, percentile
from aggregator.services.site_board import Board, SiteView


def site_document(view: SiteView, *, to_operator: bool) -> dict[str, Any]:
    """Return one site as a document.

    Args:
        view: The site.
        to_operator: Whether an operator reads it, who learns who drained it.
    """
    return {
        **_configured(view.site),
        **_condition(view.report),
        "drain": _drain(view.drain, to_operator=to_operator),
        "downtime": _downtime(view.downtime),
        "next_downtime": _downtime(view.next_downtime),
        "in_flight": view.in_flight,
        **_tally(view.tally),
        "probe_latency": latency_document(view.activity.probes),
        "request_latency": latency_document(view.activity.requests),
        "synthetic": _synthetic(view.report.synthetic),
    }


def _configured(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "node": site.node,
        "country": site.country,
        "description": site.description,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "url": site.url,
        "adapter": site.adapter,
        "kind": site.kind.value,
        "dialect": site.dialect,
        "rses": list(site.rses),
        "required": site.required.value,
    }


def _condition(report: SiteReport) -> dict[str, Any]:
    code = report.last_error_code
    return {
        "state": report.state.value,
        "why": report.why,
        "since": format_instant(report.since),
        "until": instant_or_none(report.until),
        "health": report.health.value,
        "health_why": report.health_why,
        "dialect_spoken": report.dialect or None,
        "version": report.version or None,
        "last_success": instant_or_none(report.last_success),
        "last_error": report.last_error or None,
        "last_error_code": None if code is None else code.value,
        "last_error_at": instant_or_none(report.last_error_at),
        "breaker": report.breaker.value,
        "consecutive_errors": report.consecutive_errors,
        "ejections": report.ejections,
        "next_trial_in": report.next_trial_in,
        "clock_skew": report.clock_skew,
        "certificate_expires": instant_or_none(report.certificate_expires),
    }


def _drain(drain: Drain | None, *, to_operator: bool) -> dict[str, Any] | None:
    if drain is None:
        return None
    document = {
        "since": format_instant(drain.since),
        "until": format_instant(drain.until),
        "reason": drain.reason,
    }
    return {**document, "by": drain.by} if to_operator else document


def _downtime(downtime: Downtime | None) -> dict[str, Any] | None:
    if downtime is None:
        return None
    return {
        "start": format_instant(downtime.start),
        "end": format_instant(downtime.end),
        "reason": downtime.reason,
        "planned": downtime.planned,
    }


def _tally(tally: SiteTally | None) -> dict[str, Any]:
    return {
        "open_reservations": None if tally is None else tally.open_reservations,
        "offers_24h": None if tally is None else tally.offers,
        "wins_24h": None if tally is None else tally.wins,
    }


def latency_document(latencies: Sequence[Latency]) -> dict[str, Any]:
    """Return the latest calls of one kind: seconds, None for each that failed."""
    return {
        "p50": percentile(latencies, 0.5),
        "p95": percentile(latencies, 0.95),
        "recent": [None if one.failed else round(one.seconds, 4) for one in latencies],
    }


def _synthetic(reading: SyntheticReading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "at": format_instant(reading.moment),
        "outcome": reading.outcome.value,
        "seconds": round(reading.seconds, 4),
        "offers": reading.offers,
        "detail": reading.detail,
    }


def audit_document(entry: AuditEntry) -> dict[str, Any]:
    """Return one entry of the audit trail as a document."""
    return {
        "uuid": entry.uuid,
        "moment": format_instant(entry.moment),
        "by": entry.by,
        "action": entry.action.value,
        "site": entry.site,
        "reason": entry.reason,
        "until": instant_or_none(entry.until),
    }


def instant_or_none(moment: datetime | None) -> str | None:
    """Return a moment as documents have it, None where there is none."""
    return None if moment is None else format_instant(moment)


class Changes:
    """Which sites of one board after another changed, for one follower.

    Args:
        to_operator: Whether an operator follows.
    """

    def __init__(self, *, to_operator: bool) -> None:
        self._to_operator = to_operator
        self._told: Mapping[str, Mapping[str, Any]] = {}

    def of(self, board: Board) -> dict[str, Any] | None:
        """Return what changed since the last board as a document, None if nothing."""
        documents, lasting = _of_board(board, to_operator=self._to_operator)
        changed = [
            document
            for name, document in documents.items()
            if lasting[name] != self._told.get(name)
        ]
        removed = [name for name in self._told if name not in lasting]
        self._told = lasting
        if not changed and not removed:
            return None
        return {
            "moment": format_instant(board.moment),
            "sites": changed,
            "removed": removed,
        }


@lru_cache(maxsize=2)
def _of_board(
    board: Board, *, to_operator: bool
) -> tuple[Mapping[str, dict[str, Any]], Mapping[str, dict[str, Any]]]:
    """Return all sites as documents, for any number of followers.

    The second ones are without what changes from one moment to the next.
    """
    documents = {
        view.site.name: site_document(view, to_operator=to_operator)
        for view in board.views
    }
    return documents, {
        name: {key: one for key, one in document.items() if key != "next_trial_in"}
        for name, document in documents.items()
    }
