"""Weighers that judge an offer by who asks, and by what was used before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, NamedTuple

from aggregator.domain.ranking.bounds import (
    finite,
    groups_of_users,
    not_negative,
    positive,
)
from aggregator.domain.ranking.components import Candidate, Situation, Weigher

_WHOLE: Final = 100.0
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeSite(Weigher):
    """Seconds that are taken off, or added, for the home site of the user who asks.

    A home site is the one that the user's token names (``auth.home_site_claim`` in
    ``metabroker.yaml``), and each one that the policy gives to a group that the user
    is in. A user without a token has none.

    Attributes:
        home_s: Seconds for offers of a home site; negative is preferred.
        site_by_group: The home site of each group, such as
            ``{/srcnet/spain: espsrc}``.
    """

    name: ClassVar[str] = "home_site"

    home_s: float = -120.0
    site_by_group: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        finite(home_s=self.home_s)
        groups_of_users("site_by_group", self.site_by_group)

    @property
    def seconds_per_unit(self) -> float:
        """The seconds for a home site."""
        return self.home_s

    def quantity(self, candidate: Candidate, situation: Situation, /) -> float:
        """Return 1 for a home site of the user, else 0."""
        user, site = situation.knowledge.user, candidate.offer.site
        by_group = (self.site_by_group.get(group) for group in user.groups)
        return 1.0 if site in {user.home_site, *by_group} else 0.0


class _Held(NamedTuple):
    """A use that is held against a share, both in percent of the whole."""

    above: float
    share: float
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FairShare(Weigher):
    """By how much more was lately used than the fair share.

    Use is core-hours of accepted sessions, from their observed start to their end,
    halved every 7 days. Below the fair share nothing is taken off.

    Attributes:
        of: Whose use is held against a share. ``site``: what was used of the offer's
            site, out of all that was used of all sites, so that work spreads as
            sites pledged. ``group``: what the user's group used of the offer's site,
            out of all that was used of it, so that no group crowds the others out;
            of several groups that have a share, the one that is least above it
            counts. ``user``: what the user used of the offer's site, in the same
            way.
        shares_percent: The fair share of each site or group by name, such as
            ``{espsrc: 20}`` or ``{/srcnet/spain: 30}``.
        other_share_percent: The fair share of each one that isn't named, be it site,
            group or user; where it isn't given, these aren't weighed.
        s_per_overuse_percent: Seconds of delay for each percent of the whole that
            was used beyond the fair share.
        prior_core_hours: Core-hours, used just as is fair, that are added to those
            that were seen: a little use says little.
    """

    name: ClassVar[str] = "fair_share"

    of: Literal["site", "group", "user"]
    shares_percent: Mapping[str, float] = field(default_factory=dict)
    other_share_percent: float | None = None
    s_per_overuse_percent: float = 10.0
    prior_core_hours: float = 100.0

    def __post_init__(self) -> None:
        not_negative(s_per_overuse_percent=self.s_per_overuse_percent)
        positive(prior_core_hours=self.prior_core_hours)
        for name, share in self._stated():
            if not 0 <= share <= _WHOLE:
                raise ValueError(f"{name} must be from 0 to 100, not {share:g}")
        self._require_shares()

    def _stated(self) -> Iterator[tuple[str, float]]:
        for name, share in self.shares_percent.items():
            yield f"shares_percent of {name}", share
        if self.other_share_percent is not None:
            yield "other_share_percent", self.other_share_percent

    def _require_shares(self) -> None:
        if self.of == "user" and self.shares_percent:
            raise ValueError(
                "shares_percent belongs to sites and groups; of users,"
                " other_share_percent is the share of each"
            )
        if not self.shares_percent and self.other_share_percent is None:
            needed = "other_share_percent" if self.of == "user" else "shares_percent"
            raise ValueError(f"fair_share of a {self.of} needs {needed}")
        if self.of == "group":
            groups_of_users("shares_percent", self.shares_percent)
        total = sum(self.shares_percent.values())
        if self.of == "site" and total > _WHOLE + _ROUNDING:
            raise ValueError(
                f"shares_percent of sites add up to {total:g}, which is more than 100"
            )

    @property
    def seconds_per_unit(self) -> float:
        """The rate."""
        return self.s_per_overuse_percent

    def quantity(self, candidate: Candidate, situation: Situation, /) -> float:
        """Return by how many percent of the whole the use exceeds the fair share."""
        held = self._held(candidate, situation)
        return 0.0 if held is None else max(0.0, held.above)

    def remark(self, candidate: Candidate, situation: Situation, /) -> str:
        """Return what was used, and what would be fair."""
        held = self._held(candidate, situation)
        if held is None:
            return ""
        used = f"{held.share + held.above:.0f} % used, {held.share:g} % fair"
        return f"{held.name} {used}" if self.of == "group" else used

    def _held(self, candidate: Candidate, situation: Situation) -> _Held | None:
        """Return what is held against its share: that which is least above it."""
        whole = candidate.facts.usage.in_all
        if self.of == "site":
            whole = max(situation.knowledge.core_hours, whole)
        return min(
            (
                _Held(self._above(used, whole, share), share, name)
                for name, used in self._parties(candidate, situation)
                if (share := self.shares_percent.get(name, self.other_share_percent))
                is not None
            ),
            default=None,
        )

    def _parties(
        self, candidate: Candidate, situation: Situation
    ) -> Iterator[tuple[str, float]]:
        """Yield what has a share, by name, and what it used."""
        usage = candidate.facts.usage
        match self.of:
            case "site":
                yield candidate.offer.site, usage.in_all
            case "group":
                for group in situation.knowledge.user.groups:
                    yield group, usage.by_group.get(group, 0.0)
            case "user":
                yield "", usage.by_user

    def _above(self, used: float, whole: float, share: float) -> float:
        """Return the percent above ``share``: 0 where the prior is all there is."""
        fair = share / _WHOLE
        return _WHOLE * (used - fair * whole) / (whole + self.prior_core_hours)
