"""Usage: what accepted sessions lately used of the sites, in core-hours.

A session uses its cores from its observed start to its end. What was used counts half
after ``HALF_LIFE_DAYS``, moment by moment, so that nothing leaps when a session ends.
The half-life is the default of Slurm's fair-share priority (``PriorityDecayHalfLife``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp2, log
from typing import Final

from aggregator.domain.ranking.histories import SessionHistory

HALF_LIFE_DAYS: Final = 7.0
_HALF_LIFE_HOURS: Final = HALF_LIFE_DAYS * 24
_HOUR: Final = timedelta(hours=1)
_LONGEST_S: Final = timedelta(days=365).total_seconds()

User = tuple[str, str]
"""Issuer and subject; the subject of an anonymous user is empty."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used of one site, as one user is to know it, in decayed core-hours.

    Attributes:
        in_all: By everybody.
        by_user: By that user; 0 where it is anonymous.
        by_group: By the members of each of that user's groups, where they used any.
    """

    in_all: float = 0.0
    by_user: float = 0.0
    by_group: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteUsage:
    """What was used of one site, in decayed core-hours.

    Attributes:
        in_all: By everybody.
        by_user: By each user who is known.
        by_group: By each group; a session counts for all groups of its user.
    """

    in_all: float
    by_user: Mapping[User, float]
    by_group: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Usages:
    """What was used of all sites, by the site's name."""

    by_site: Mapping[str, SiteUsage] = field(default_factory=dict)

    def known_to(self, user: User, groups: Iterable[str], site: str) -> Usage:
        """Return what was used of ``site``, as far as it matters to a user."""
        usage = self.by_site.get(site)
        if usage is None:
            return Usage()
        return Usage(
            usage.in_all,
            usage.by_user.get(user, 0.0),
            {
                group: usage.by_group[group]
                for group in sorted(groups)
                if group in usage.by_group
            },
        )

    def in_all(self, sites: Collection[str]) -> float:
        """Return what was used of these sites together."""
        return sum(self.by_site[site].in_all for site in sites if site in self.by_site)


def usages(histories: Iterable[SessionHistory], now: datetime) -> Usages:
    """Return what the sessions of ``histories`` used until ``now``."""
    of_site: defaultdict[str, list[tuple[SessionHistory, float]]] = defaultdict(list)
    for history in histories:
        if (used := core_hours(history, now)) > 0:
            of_site[history.site].append((history, used))
    return Usages({site: _site_usage(found) for site, found in of_site.items()})


def core_hours(history: SessionHistory, now: datetime) -> float:
    """Return what one session used until ``now``, decayed.

    One whose end wasn't seen counts to the end of the time for which it was offered.
    """
    start = history.course.started
    if start is None:
        return 0.0
    end = min(now, history.course.ended or _offered_end(history, start) or now)
    if end <= start:
        return 0.0
    age_of_start, age_of_end = (now - start) / _HOUR, (now - end) / _HOUR
    lasting = exp2(-age_of_end / _HALF_LIFE_HOURS) - exp2(
        -age_of_start / _HALF_LIFE_HOURS
    )
    return history.promise.cores * lasting * _HALF_LIFE_HOURS / log(2)


def _offered_end(history: SessionHistory, start: datetime) -> datetime | None:
    available = history.promise.available
    if available is None:
        return None
    return start + timedelta(seconds=min(available, _LONGEST_S))


def _site_usage(found: Iterable[tuple[SessionHistory, float]]) -> SiteUsage:
    in_all = 0.0
    by_user: defaultdict[User, float] = defaultdict(float)
    by_group: defaultdict[str, float] = defaultdict(float)
    for history, used in found:
        in_all += used
        if history.user[1]:
            by_user[history.user] += used
        for group in history.groups:
            by_group[group] += used
    return SiteUsage(in_all, dict(by_user), dict(by_group))
