"""Notices: what we say of a session beside what its site says."""

from datetime import datetime

from aggregator.domain.messages import Level, Message
from aggregator.domain.outcomes import Outcome, SessionReading
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Route
from aggregator.domain.schedules import format_instant


def site_notice(site: str) -> Message:
    """Return where a session is: nothing in what its site says tells its user.

    It has no time, so that a session that stays as it is looks as it did.
    """
    return Message("urn:metabroker:at-site", Level.INFO, "at {site}", {"site": site})


def stale_notice(fault: SessionReading, route: Route, now: datetime) -> Message:
    """Return how old what is known of a session is, and why there is nothing newer."""
    values = {"site": fault.site, "why": fault.detail or fault.outcome.value}
    if fault.outcome is Outcome.NOT_FOUND:
        kind = "urn:metabroker:session-lost-at-site"
        template = "{site} no longer knows this session"
    else:
        kind = "urn:metabroker:status-stale"
        template = "{site} could not be asked ({why})"
    if route.last_read is not None:
        values["read"] = format_instant(route.last_read)
        values["age"] = f"{(now - route.last_read).total_seconds():.0f}"
        template += "; this is its state of {read}, {age} s ago"
    return Message(kind, Level.WARN, template, values, now)


def store_away_notice(why: str, read: datetime) -> Message:
    """Return since when nothing new is known of an offer set, and why.

    It is of that moment too, so that what is shown stays the same meanwhile.
    """
    return Message(
        "urn:metabroker:offer-set-stale",
        Level.WARN,
        "the store could not be read ({why}); this is the offer set's state of {read}",
        {"why": why, "read": format_instant(read)},
        read,
    )


def nothing_changed_notice(site: str, now: datetime) -> Message:
    """Return that an update left a session as it was: its site doesn't say why."""
    return Message(
        "urn:metabroker:nothing-changed",
        Level.WARN,
        "{site} took the update, and nothing in the session has changed",
        {"site": site},
        now,
    )


def overlay_notice(overlay: SessionPhase, now: datetime) -> Message:
    """Return that a session is shown in a phase that we know better than its site."""
    return Message(
        "urn:metabroker:phase-known-here",
        Level.INFO,
        "the session is {phase}, whatever its site says later",
        {"phase": overlay.value},
        now,
    )
