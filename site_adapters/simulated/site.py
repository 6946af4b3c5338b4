"""How a simulated site behaves: one value that the server, the demo and tests share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aggregator.domain.offers import Quote
from site_adapters.simulated.vocabulary import VOCABULARIES


class Operation(StrEnum):
    """What a client does at a broker, as latency and faults are told apart.

    Reading an offer set counts as ``read``, direct execution as ``request``.
    """

    REQUEST = "request"
    READ = "read"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSite:
    """A site, and how its broker behaves.

    Attributes:
        dialect: The protocol's version that the broker speaks, from ``2025-05`` to
            ``2026-07``.
        flattened: Whether a ``2025-05`` broker has its resources at the top level,
            as those of its last days had.
        offers: The most offers that one request gets.
        first_start: Seconds from now until the first offer starts: the queue. It
            never starts before it can be prepared.
        step: Seconds from one offer's start to the next's; None for the length of
            an offer, so that they follow one another.
        preparing: Seconds that a session takes to be prepared.
        runs: Seconds that an executable runs; None for the requested duration.
        cores: The most cores that a request may ask for.
        memory: The most GiB that a request may ask for.
        expiry: Seconds until an offer expires; announced, never enforced.
        costs: What is quoted as cost with every offer, in ``2026-07``.
        metrics: What is quoted as performance with every offer, in ``2026-07``.
        latency: Seconds that pass before the broker looks at a call, by operation.
        says_no: The reason for which every request is refused, None for none.
        failure_share: The share of calls answered with status 500, from 0 to 1.
        seed: Decides which of the calls these are.
        down: Whether nothing listens at the site's address.
        knows_skao: Whether SKAO data are understood; the newest brokers refuse them.
        forgets_rejections: Whether a rejection, cancellation or failure that a
            client asked for is shown once and gone when the session is read again.
        requires_authorization: Whether a POST without credentials gets a 401.
        administrators: Identities that may update what belongs to others.
        time_scale: How many times faster than the clock sessions live. The instants
            in offers stay promises on the clock.
        remembers: The offer sets that are kept; older ones are forgotten.
        rses: The Rucio storage elements at the site.
        latitude: In degrees north, for the federation's map.
        longitude: In degrees east, for the federation's map.
    """

    name: str
    dialect: str = "2025-11"
    flattened: bool = False
    offers: int = 4
    first_start: float = 60.0
    step: float | None = None
    preparing: float = 30.0
    runs: float | None = None
    cores: int = 16
    memory: int = 16
    expiry: float = 300.0
    costs: tuple[Quote, ...] = ()
    metrics: tuple[Quote, ...] = ()
    latency: Mapping[str, float] = field(default_factory=dict)
    says_no: str | None = None
    failure_share: float = 0.0
    seed: int = 0
    down: bool = False
    knows_skao: bool = True
    forgets_rejections: bool = True
    requires_authorization: bool = False
    administrators: tuple[str, ...] = ()
    time_scale: float = 1.0
    remembers: int = 5000
    rses: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    country: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if self.dialect not in VOCABULARIES:
            raise ValueError(
                f"{self.name}: no dialect {self.dialect!r}; "
                f"there are {', '.join(sorted(VOCABULARIES))}"
            )
        if not 0 <= self.failure_share <= 1:
            raise ValueError(f"{self.name}: failure_share is a share from 0 to 1")
        if self.time_scale <= 0:
            raise ValueError(f"{self.name}: time_scale must be above 0")
        unknown = set(self.latency) - {operation.value for operation in Operation}
        if unknown:
            raise ValueError(f"{self.name}: no operation {', '.join(sorted(unknown))}")
