"""The limits that operators set: deadlines, bounds and intervals, all with defaults.

Every time is in seconds. The configuration reads these types as they stand.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Limits:
    """Base of all limits: no number is negative, and most are above 0.

    Attributes:
        may_be_zero: The names of those that needn't be.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    may_be_zero: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Refuse numbers that are too small, each by its name."""
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if name in self.may_be_zero and value < 0:
                raise ValueError(f"{name} must be 0 or more, not {value:g}")
            if name not in self.may_be_zero and not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value:g}")


@dataclass(frozen=True, slots=True)
class FanOutLimits(Limits):
    """How long and how widely a request is asked around.

    Attributes:
        deadline: When a client doesn't say ``Prefer: wait=N``, the longest wait.
        shortest_wait: The least that ``Prefer: wait`` can ask for.
        longest_wait: The most that it can.
        quorum: The share of the asked sites whose answers begin the grace.
        grace: How long sites are still waited for after the quorum answered.
        late_answers: How long after the answer a site may still bring offers.
        concurrent: Fan-outs at once; more are refused with 503.
        concurrent_per_user: The same of one user who isn't anonymous; with 429.
        open_calls: Site calls at once over all fan-outs, late ones included.
        lookup: The longest that a replica catalogue is waited for.
        offers: Offers that a site may make in one answer; more are not read.
    """

    may_be_zero: ClassVar = frozenset(
        {"longest_wait", "quorum", "grace", "late_answers", "lookup"}
    )

    deadline: float = 8.0
    shortest_wait: float = 1.0
    longest_wait: float = 60.0
    quorum: float = 0.8
    grace: float = 0.5
    late_answers: float = 60.0
    concurrent: int = 200
    concurrent_per_user: int = 20
    open_calls: int = 2000
    lookup: float = 2.0
    offers: int = 1000

    def __post_init__(self) -> None:
        """Refuse limits that contradict one another."""
        Limits.__post_init__(self)
        if not self.shortest_wait <= self.deadline <= self.longest_wait:
            raise ValueError("deadline must lie between shortest_wait and longest_wait")
        if not 0 < self.quorum <= 1:
            raise ValueError(f"quorum must be above 0 and at most 1, not {self.quorum}")

    def wait(self, wanted: float | None) -> float:
        """Return how long sites are waited for, where a client wants ``wanted``."""
        wait = self.deadline if wanted is None else wanted
        return min(max(wait, self.shortest_wait), self.longest_wait)


@dataclass(frozen=True, slots=True)
class StatusLimits(Limits):
    """How the status of sessions is read.

    Attributes:
        freshness: How old a reading may be to be given again without a new one.
        deadline: The longest that one reading may take.
        cached: Readings that are kept in memory.
        cached_offers: Offers that are kept there, in their sets, to be shown while
            the store is away.
    """

    may_be_zero: ClassVar = frozenset({"freshness"})

    freshness: float = 2.0
    deadline: float = 5.0
    cached: int = 10_000
    cached_offers: int = 2_000


@dataclass(frozen=True, slots=True)
class AcceptanceLimits(Limits):
    """How acceptances, rejections and cancellations are carried out.

    Attributes:
        deadline: The longest that a caller waits for the site's word.
        longest_wait: The most that ``Prefer: wait`` can ask for.
        call: The longest that one call to the site may take.
        grace: How long after an offer's expiry an unknown acceptance is lost.
        first_pause: The first pause between two readings that seek the truth.
        longest_pause: The longest such pause.
        lease: For how long a replica holds an acceptance before another takes over.
    """

    may_be_zero: ClassVar = frozenset({"grace"})

    deadline: float = 10.0
    longest_wait: float = 60.0
    call: float = 5.0
    grace: float = 60.0
    first_pause: float = 0.2
    longest_pause: float = 15.0
    lease: float = 30.0


@dataclass(frozen=True, slots=True)
class ReleaseLimits(Limits):
    """How offers that nobody took are released.

    Attributes:
        call: The longest that one attempt may take.
        interval: The pause between two looks at the queue.
        batch: Releases that are taken from the queue at once.
        first_pause: The pause after the first failed attempt; it doubles each time.
        longest_pause: The longest pause between two attempts.
        grace: How long after an offer's expiry its release is still tried.
        lifetime: How long the release of an offer without expiry is tried.
    """

    may_be_zero: ClassVar = frozenset({"grace"})

    call: float = 5.0
    interval: float = 1.0
    batch: int = 50
    first_pause: float = 1.0
    longest_pause: float = 60.0
    grace: float = 60.0
    lifetime: float = 3600.0


@dataclass(frozen=True, slots=True)
class WatchLimits(Limits):
    """How accepted sessions, and lost ones, are followed without clients.

    Attributes:
        interval: The pause between two looks for sessions that are due.
        slow: The pause between two readings of one session.
        quick: The same around the time at which it should start.
        around_start: How long before and after its estimated start that is.
        batch: Sessions that are read at once.
    """

    may_be_zero: ClassVar = frozenset({"around_start"})

    interval: float = 2.0
    slow: float = 60.0
    quick: float = 5.0
    around_start: float = 120.0
    batch: int = 50


@dataclass(frozen=True, slots=True)
class SyntheticLimits(Limits):
    """How sites are probed from end to end: request, offers, reject.

    Attributes:
        request: The file with the request, relative to the settings.
        interval: The pause between two such probes of a site.
        timeout: The longest that one may take.
        sites: Which sites are probed; none named is all.
    """

    request: Path
    interval: float = 900.0
    timeout: float = 30.0
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthLimits(Limits):
    """When a site counts as healthy, and how that is found out.

    Attributes:
        probes: Whether sites are probed at all.
        interval: The pause between two probes of a site.
        timeout: The longest that a probe may take.
        up_after: Successful probes in a row after which a site is up.
        down_after: Failed probes in a row after which it is down.
        errors: Failures of real requests in a row that eject a site.
        base_ejection: The first ejection's length; it grows with each in a row.
        longest_ejection: The longest that a site stays ejected.
        window: Over which failures count towards a site's risk.
        synthetic: Probes that ask for offers and give them back; None for no such.
    """

    probes: bool = True
    interval: float = 15.0
    timeout: float = 5.0
    up_after: int = 2
    down_after: int = 3
    errors: int = 5
    base_ejection: float = 15.0
    longest_ejection: float = 300.0
    window: float = 86400.0
    synthetic: SyntheticLimits | None = None


@dataclass(frozen=True, slots=True)
class BudgetLimits(Limits):
    """How many offers may wait for their users at once.

    Attributes:
        per_user: Of one user; anonymous users are not told apart.
        in_all: Of all users.
    """

    per_user: int = 200
    in_all: int = 5000


@dataclass(frozen=True, slots=True)
class FollowLimits(Limits):
    """How clients may wait for changes of offer sets and sessions.

    Attributes:
        interval: The pause between two looks, also how late a change may be told.
        longest_wait: The most that ``Prefer: wait`` can ask for.
        longest_stream: After which a stream of events ends; clients come again.
        followers: Clients that may wait at once.
        followers_per_user: The same of one user; nobody in particular is not held
            to it.
    """

    interval: float = 0.5
    longest_wait: float = 60.0
    longest_stream: float = 600.0
    followers: int = 1000
    followers_per_user: int = 100


@dataclass(frozen=True, slots=True)
class RetentionLimits(Limits):
    """How long what is over stays in the store.

    Attributes:
        keep_days: Days after which an offer set whose sessions ended is removed.
        interval: The pause between two prunings.
        batch: Offer sets that are removed in one transaction.
    """

    keep_days: float = 30.0
    interval: float = 600.0
    batch: int = 100


@dataclass(frozen=True, slots=True)
class DecisionLimits(Limits):
    """How many rankings are kept, to be explained and made again.

    Attributes:
        kept: The most that are; 0 keeps none. Their age is limited as the sets' is.
        largest: The most bytes that one may take up, compressed.
        waiting: The most that may wait to be written; more are lost.
        replayed: The most that one replay makes again.
        replay_time: After which a replay ends, complete or not.
    """

    may_be_zero: ClassVar = frozenset({"kept"})

    kept: int = 10_000
    largest: int = 2**20
    waiting: int = 100
    replayed: int = 5_000
    replay_time: float = 20.0


@dataclass(frozen=True, slots=True)
class ReloadLimits(Limits):
    """How changes of the configuration's files are noticed.

    Attributes:
        watch: Whether the files are watched; SIGHUP has them read again anyway.
        interval: How late a change is noticed that the system doesn't tell.
        settle: For how long files must stay as they are before they are read.
    """

    may_be_zero: ClassVar = frozenset({"settle"})

    watch: bool = True
    interval: float = 5.0
    settle: float = 0.2
