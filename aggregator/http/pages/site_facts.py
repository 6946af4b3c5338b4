"""Facts: what the operators' page says of a site beside its state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.humane import humane_duration
from aggregator.domain.outcomes import SITE_FAULTS
from aggregator.domain.schedules import format_instant
from aggregator.domain.site_conditions import SiteReport
from aggregator.domain.sites import Downtime
from aggregator.services.site_board import SiteView

_SECOND: Final = 1.0
_SKEW: Final = 2.0
_SOON: Final = 14 * 86400.0
_FAR: Final = 60 * 86400.0


@dataclass(frozen=True, slots=True)
class When:
    """A moment, as it is and as people say it.

    Attributes:
        iso: For machines, and for the browser to count on.
        words: Such as ``3 min ago``.
    """

    iso: str
    words: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known of a site: its name, what it is, and since or until.

    Attributes:
        warns: Whether an operator should look.
    """

    name: str
    text: str
    when: When | None = None
    warns: bool = False


def facts_of(view: SiteView, now: datetime) -> list[Fact]:
    """Return what there is to say of a site at ``now``."""
    site, report = view.site, view.report
    spoken = report.dialect or "not known yet"
    wanted = f" (configured: {site.dialect})" if site.dialect != report.dialect else ""
    place = " ".join(filter(None, (site.node, site.country)))
    if site.latitude is not None and site.longitude is not None:
        place += f" at {site.latitude:.2f}, {site.longitude:.2f}"
    return [
        Fact("Broker", f"{site.url} ({site.adapter})"),
        Fact("Dialect", spoken + wanted),
        Fact("Version", report.version or "not said"),
        Fact("RSEs", ", ".join(site.rses) or "none"),
        Fact("Place", place or "not known"),
        Fact("Waited for", site.required.value.replace("-", " ")),
        Fact("Calls at once", f"{site.in_flight} at most"),
        Fact("Breaker", _breaker(report)),
        *_downtimes(view, now),
        *_clock(report),
        *_certificate(report, now),
        *_synthetic(report, now),
    ]


def _breaker(report: SiteReport) -> str:
    state = report.breaker.value.replace("_", " ")
    errors, ejections = report.consecutive_errors, report.ejections
    return f"{state}; in a row: {errors} errors, {ejections} ejections"


def _downtimes(view: SiteView, now: datetime) -> list[Fact]:
    named = (("Downtime", view.downtime), ("Next downtime", view.next_downtime))
    facts = [_downtime(name, one, now) for name, one in named if one is not None]
    return facts or [Fact("Downtime", "none known")]


def _downtime(name: str, downtime: Downtime, now: datetime) -> Fact:
    kind = "planned" if downtime.planned else "unplanned"
    span = f"{_minute(downtime.start)} to {_minute(downtime.end)}"
    reason = f": {downtime.reason}" if downtime.reason else ""
    moment = downtime.end if downtime.start <= now else downtime.start
    return Fact(name, f"{kind}, {span}{reason}", when(moment, now))


def _clock(report: SiteReport) -> list[Fact]:
    skew = report.clock_skew
    if skew is None:
        return []
    if abs(skew) < _SECOND:
        return [Fact("Clock", "within a second of ours")]
    side = "ahead of" if skew > 0 else "behind"
    text = f"{humane_duration(abs(skew))} {side} ours"
    return [Fact("Clock", text, warns=abs(skew) > _SKEW)]


def _certificate(report: SiteReport, now: datetime) -> list[Fact]:
    ends = report.certificate_expires
    if ends is None:
        return []
    soon = (ends - now).total_seconds() < _SOON
    return [Fact("Certificate", f"ends {_minute(ends)}", when(ends, now), warns=soon)]


def _synthetic(report: SiteReport, now: datetime) -> list[Fact]:
    reading = report.synthetic
    if reading is None:
        return []
    text = f"{reading.outcome.value.replace('_', ' ')}, {reading.offers} offers"
    if reading.detail:
        text += f": {reading.detail}"
    failed = reading.outcome in SITE_FAULTS
    return [Fact("End to end", text, when(reading.moment, now), warns=failed)]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def when(moment: datetime, now: datetime) -> When:
    """Return a moment with its distance from ``now`` in words."""
    seconds = (moment - now).total_seconds()
    length = humane_duration(abs(seconds))
    words = f"in {length}" if seconds > 0 else f"{length} ago"
    if abs(seconds) > _FAR:
        words = f"{moment:%Y-%m-%d}"
    return When(format_instant(moment), words)


def lasting(moment: datetime, now: datetime) -> When:
    """Return a moment in the past with how long what began then has lasted."""
    seconds = max(0.0, (now - moment).total_seconds())
    words = f"for {humane_duration(seconds)}"
    if seconds > _FAR:
        words = f"since {moment:%Y-%m-%d}"
    return When(format_instant(moment), words)


def when_or_none(moment: datetime | None, now: datetime) -> When | None:
    """Return the same, None where there is no moment."""
    return None if moment is None else when(moment, now)
