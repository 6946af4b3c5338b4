"""The limits that operators set: deadlines, bounds and intervals, all with defaults.

Every time is in seconds. The configuration reads these types as they stand.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be more than 0, not {value}")


@dataclass(frozen=True, slots=True)
class FanOutLimits:
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

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

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
        _positive(
            deadline=self.deadline,
            shortest_wait=self.shortest_wait,
            concurrent=self.concurrent,
            concurrent_per_user=self.concurrent_per_user,
            open_calls=self.open_calls,
            offers=self.offers,
        )
        if not self.shortest_wait <= self.deadline <= self.longest_wait:
            raise ValueError("deadline must lie between shortest_wait and longest_wait")
        if not 0 < self.quorum <= 1:
            raise ValueError(f"quorum must be above 0 and at most 1, not {self.quorum}")

    def wait(self, wanted: float | None) -> float:
        """Return how long sites are waited for, where a client wants ``wanted``."""
        wait = self.deadline if wanted is None else wanted
        return min(max(wait, self.shortest_wait), self.longest_wait)


@dataclass(frozen=True, slots=True)
class StatusLimits:
    """How the status of sessions is read.

    Attributes:
        freshness: How old a reading may be to be given again without a new one.
        deadline: The longest that one reading may take.
        cached: Readings that are kept in memory.
        cached_offers: Offers that are kept there, in their sets, to be shown while
            the store is away.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    freshness: float = 2.0
    deadline: float = 5.0
    cached: int = 10_000
    cached_offers: int = 2_000

    def __post_init__(self) -> None:
        """Refuse a deadline or a cache of nothing."""
        _positive(
            deadline=self.deadline,
            cached=self.cached,
            cached_offers=self.cached_offers,
        )


@dataclass(frozen=True, slots=True)
class AcceptanceLimits:
    """How acceptances, rejections and cancellations are carried out.

    Attributes:
        deadline: The longest that a caller waits for the site's word.
        call: The longest that one call to the site may take.
        grace: How long after an offer's expiry an unknown acceptance is lost.
        first_pause: The first pause between two readings that seek the truth.
        longest_pause: The longest such pause.
        lease: For how long a replica holds an acceptance before another takes over.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    deadline: float = 10.0
    call: float = 5.0
    grace: float = 60.0
    first_pause: float = 0.2
    longest_pause: float = 15.0
    lease: float = 30.0

    def __post_init__(self) -> None:
        """Refuse times of nothing."""
        _positive(
            deadline=self.deadline,
            call=self.call,
            first_pause=self.first_pause,
            longest_pause=self.longest_pause,
            lease=self.lease,
        )


@dataclass(frozen=True, slots=True)
class ReleaseLimits:
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

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    call: float = 5.0
    interval: float = 1.0
    batch: int = 50
    first_pause: float = 1.0
    longest_pause: float = 60.0
    grace: float = 60.0
    lifetime: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse times and batches of nothing."""
        _positive(
            call=self.call,
            interval=self.interval,
            batch=self.batch,
            first_pause=self.first_pause,
            longest_pause=self.longest_pause,
            lifetime=self.lifetime,
        )


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How accepted sessions, and lost ones, are followed without clients.

    Attributes:
        interval: The pause between two looks for sessions that are due.
        slow: The pause between two readings of one session.
        quick: The same around the time at which it should start.
        around_start: How long before and after its estimated start that is.
        batch: Sessions that are read at once.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    interval: float = 2.0
    slow: float = 60.0
    quick: float = 5.0
    around_start: float = 120.0
    batch: int = 50

    def __post_init__(self) -> None:
        """Refuse times and batches of nothing."""
        _positive(
            interval=self.interval, slow=self.slow, quick=self.quick, batch=self.batch
        )


@dataclass(frozen=True, slots=True)
class SyntheticLimits:
    """How sites are probed from end to end: request, offers, reject.

    Attributes:
        request: The file with the request, relative to the settings.
        interval: The pause between two such probes of a site.
        timeout: The longest that one may take.
        sites: Which sites are probed; none named is all.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    request: Path
    interval: float = 900.0
    timeout: float = 30.0
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse times of nothing."""
        _positive(interval=self.interval, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class HealthLimits:
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

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

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

    def __post_init__(self) -> None:
        """Refuse times and counts of nothing."""
        _positive(
            interval=self.interval,
            timeout=self.timeout,
            up_after=self.up_after,
            down_after=self.down_after,
            errors=self.errors,
            base_ejection=self.base_ejection,
            longest_ejection=self.longest_ejection,
            window=self.window,
        )


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """How many offers may wait for their users at once.

    Attributes:
        per_user: Of one user; anonymous users are not told apart.
        in_all: Of all users.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    per_user: int = 200
    in_all: int = 5000

    def __post_init__(self) -> None:
        """Refuse budgets of nothing."""
        _positive(per_user=self.per_user, in_all=self.in_all)


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How clients may wait for changes of offer sets and sessions.

    Attributes:
        interval: The pause between two looks, also how late a change may be told.
        longest_wait: The most that ``Prefer: wait`` can ask for.
        longest_stream: After which a stream of events ends; clients come again.
        followers: Clients that may wait at once.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    interval: float = 0.5
    longest_wait: float = 60.0
    longest_stream: float = 600.0
    followers: int = 1000

    def __post_init__(self) -> None:
        """Refuse times and counts of nothing."""
        _positive(
            interval=self.interval,
            longest_wait=self.longest_wait,
            longest_stream=self.longest_stream,
            followers=self.followers,
        )


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long what is over stays in the store.

    Attributes:
        keep_days: Days after which an offer set whose sessions ended is removed.
        interval: The pause between two prunings.
        batch: Offer sets that are removed in one transaction.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    keep_days: float = 30.0
    interval: float = 600.0
    batch: int = 100

    def __post_init__(self) -> None:
        """Refuse times and batches of nothing."""
        _positive(keep_days=self.keep_days, interval=self.interval, batch=self.batch)


@dataclass(frozen=True, slots=True)
class DecisionLimits:
    """How many rankings are kept, to be explained and made again.

    Attributes:
        kept: The most that are; 0 keeps none. Their age is limited as the sets' is.
        largest: The most bytes that one may take up, compressed.
        waiting: The most that may wait to be written; more are lost.
        replayed: The most that one replay makes again.
        replay_time: After which a replay ends, complete or not.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    kept: int = 10_000
    largest: int = 2**20
    waiting: int = 100
    replayed: int = 5_000
    replay_time: float = 20.0

    def __post_init__(self) -> None:
        """Refuse times and counts of nothing."""
        _positive(
            largest=self.largest,
            waiting=self.waiting,
            replayed=self.replayed,
            replay_time=self.replay_time,
        )


@dataclass(frozen=True, slots=True)
class ReloadLimits:
    """How changes of the configuration's files are noticed.

    Attributes:
        watch: Whether the files are watched; SIGHUP has them read again anyway.
        interval: How late a change is noticed that the system doesn't tell.
        settle: For how long files must stay as they are before they are read.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    watch: bool = True
    interval: float = 5.0
    settle: float = 0.2

    def __post_init__(self) -> None:
        """Refuse an interval of nothing."""
        _positive(interval=self.interval)
