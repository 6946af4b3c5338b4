"""Conditions of sites: what was decided of a site, and what is known of its health."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.breaker import BreakerState
from aggregator.domain.drains import Drain
from aggregator.domain.events import SiteState
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import Site

USABLE: Final = frozenset({SiteState.UP, SiteState.DEGRADED, SiteState.HALF_OPEN})
"""States in which requests for offers go to a site."""


@dataclass(frozen=True, slots=True)
class Imposed:
    """A state that somebody decided on, whatever the site's health is.

    Attributes:
        since: Since when, None where nobody wrote that down.
        until: When it ends by itself, None where it doesn't.
    """

    state: SiteState
    reason: str
    since: datetime | None = None
    until: datetime | None = None


def imposed_on(site: Site, drain: Drain | None, now: datetime) -> Imposed | None:
    """Return what was decided of ``site`` for now: the strongest where it is several.

    Args:
        site: As it is configured.
        drain: Its drain, in force or not.
        now: The present moment.
    """
    if not site.enabled:
        reason = site.disabled_because or "disabled by configuration"
        return Imposed(SiteState.DISABLED, reason)
    if drain is not None and drain.holds_at(now):
        return Imposed(SiteState.DRAINED, drain.reason, drain.since, drain.until)
    downtime = site.downtime_at(now)
    if downtime is not None:
        reason = downtime.reason or "in a downtime"
        return Imposed(SiteState.MAINTENANCE, reason, downtime.start, downtime.end)
    return None


@dataclass(frozen=True, slots=True)
class SyntheticReading:
    """How the latest end-to-end probe of a site ended: request, offers, reject.

    Attributes:
        offers: How many offers came; all of them were given back.
    """

    moment: datetime
    outcome: Outcome
    seconds: float
    offers: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What is known of one site.

    Attributes:
        state: What it counts as: what was decided of it, else its health.
        why: What put it into that state, in words.
        since: Since when it has been in it.
        until: When that ends by itself, None where it doesn't or nobody knows.
        health: What its answers say of it, whatever was decided.
        health_why: What put it there.
        last_success: When a call or a probe last succeeded.
        last_error: The last thing that went wrong, empty where nothing did.
        last_error_code: The outcome of that call.
        next_trial_in: Seconds until an ejected site gets its half-open trial.
        clock_skew: Seconds by which its clock is ahead of ours, None if unknown.
        version: What it says it runs.
        dialect: What is spoken to it, empty where that isn't known yet.
        certificate_expires: When its TLS certificate ends, None without TLS.
    """

    site: str
    state: SiteState
    why: str
    since: datetime
    health: SiteState
    health_why: str
    until: datetime | None = None
    last_success: datetime | None = None
    last_error: str = ""
    last_error_code: Outcome | None = None
    last_error_at: datetime | None = None
    breaker: BreakerState = BreakerState.CLOSED
    consecutive_errors: int = 0
    ejections: int = 0
    next_trial_in: float | None = None
    clock_skew: float | None = None
    version: str = ""
    dialect: str = ""
    certificate_expires: datetime | None = None
    synthetic: SyntheticReading | None = None
