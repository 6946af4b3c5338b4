"""Order: weighing offers, putting them in buckets, breaking ties, and trimming."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import floor
from typing import Final

from aggregator.domain.ranking.components import Candidate, Situation, failed
from aggregator.domain.ranking.document import Trim
from aggregator.domain.ranking.explanation import FunnelStep
from aggregator.domain.ranking.intake import clipped
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.ranking.sifting import Passed, Taken

SortKey = tuple[float | str, ...]

_HASH_BYTES: Final = 6
_DECIMALS: Final = 6
"""Of seconds; finer differences are those of adding floats."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """An offer with its seconds.

    Attributes:
        seconds: By the key of each weigher.
        remarks: What they rest on in words, where the weigher says so.
        delay: The sum of them: the effective delay.
    """

    passed: Passed
    seconds: Mapping[str, float]
    remarks: Mapping[str, str]
    delay: float
    bucket: int
    sort_key: SortKey


class Scales:
    """Weighs the offers of one ranking, each by itself."""

    def __init__(self, policy: Policy, situation: Situation) -> None:
        self._policy = policy
        self._situation = situation
        self._signs = {
            weigher.key: -1 if weigher.seconds_per_unit < 0 else 1
            for weigher in policy.weighers
        }
        self._hashes: dict[str, int] = {}

    def weigh(self, passed: Passed) -> Weighed:
        """Return an offer with its seconds."""
        quantities: dict[str, float] = {}
        seconds: dict[str, float] = {}
        remarks: dict[str, str] = {}
        for weigher in self._policy.weighers:
            key = weigher.key
            try:
                quantity = weigher.quantity(passed.candidate, self._situation)
                quantities[key] = clipped(quantity)
                seconds[key] = clipped(weigher.seconds_per_unit * quantities[key])
                if seconds[key]:
                    remarks[key] = weigher.remark(passed.candidate, self._situation)
            except Exception as error:
                raise failed(weigher, error) from error
        delay = round(clipped(sum(seconds.values())), _DECIMALS)
        order = self._policy.order
        bucket = floor(delay / order.bucket_s)
        ordered = [
            floor(round(seconds[key], _DECIMALS) / order.bucket_s) for key in order.keys
        ]
        return Weighed(
            passed,
            seconds,
            remarks,
            delay,
            bucket,
            (
                not passed.on_merit,
                *(ordered or [bucket]),
                *self._ties(passed.candidate, quantities),
            ),
        )

    def _ties(self, candidate: Candidate, quantities: Mapping[str, float]) -> SortKey:
        offer, estimate = candidate.offer, candidate.estimate
        ties: list[float | str] = []
        for key in self._policy.tiebreak:
            match key:
                case "rendezvous_hash":
                    ties.append(self._hash(offer.site))
                case "start":
                    ties += (estimate.start, estimate.offered_start)
                case "position":
                    ties.append(offer.position)
                case _:
                    ties.append(self._signs[key] * quantities[key])
        return (*ties, offer.site, offer.session)

    def _hash(self, site: str) -> int:
        if site not in self._hashes:
            self._hashes[site] = rendezvous_hash(self._situation.request_id, site)
        return self._hashes[site]


def ahead_by(policy: Policy, better: Weighed, next_one: Weighed) -> str:
    """Return what puts one offer before the next one, as ``RankedOffer`` says."""
    ties = (
        name
        for key in policy.tiebreak
        for name in (("start", "start") if key == "start" else (key,))
    )
    names = ("filters", *(policy.order.keys or ("delay",)), *ties, "site", "session")
    pairs = zip(names, better.sort_key, next_one.sort_key, strict=True)
    return next(name for name, first, second in pairs if first != second)


def rendezvous_hash(request_id: str, site: str) -> int:
    """Return a number that is fixed for a request and a site, and else arbitrary.

    Equal offers of several sites are ordered by it, so that one request always gets
    one order, while many requests spread over the sites.
    """
    digest = sha256(f"{request_id}\0{site}".encode()).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big")


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming left, and what it took with the reason and the limit's name."""

    kept: tuple[Weighed, ...]
    taken: tuple[Taken, ...]
    funnel: tuple[FunnelStep, ...]


def trim(
    ordered: Sequence[Weighed], limits: Trim, shown: frozenset[str] = frozenset()
) -> Trimmed:
    """Keep the best offers, at most so many of a site and so many in all.

    Args:
        ordered: The offers, best first.
        limits: How many to keep.
        shown: Sessions already shown, which are always kept, and counted.
    """
    kept: list[Weighed] = []
    taken: list[Taken] = []
    of_site: Counter[str] = Counter()
    for weighed in ordered:
        offer = weighed.passed.candidate.offer
        limit = _exceeded(limits, of_site[offer.site], len(kept))
        if limit is None or offer.session in shown:
            of_site[offer.site] += 1
            kept.append(weighed)
        else:
            taken.append(Taken(weighed.passed.candidate, *limit))
    return Trimmed(tuple(kept), tuple(taken), _funnel(len(ordered), taken))


def _exceeded(limits: Trim, of_site: int, in_all: int) -> tuple[str, str] | None:
    if of_site >= limits.max_per_site:
        count = limits.max_per_site
        return "max_per_site", f"its site has {count} better offers already"
    if in_all >= limits.max_offers:
        return "max_offers", f"there are {limits.max_offers} better offers already"
    return None


def _funnel(count: int, taken: Sequence[Taken]) -> tuple[FunnelStep, ...]:
    per_site = sum(one.filter == "max_per_site" for one in taken)
    return (
        FunnelStep("max_per_site", count, count - per_site),
        FunnelStep("max_offers", count - per_site, count - len(taken)),
    )
