"""The policy document: what an operator writes, as the dataclasses that check it.

A ``RankingPolicy`` is YAML of this shape. Every key with a unit names it: ``_s`` is
seconds, ``_gb`` is 10^9 bytes, ``_gbps`` is 10^9 bits per second, ``_mb_s`` is 10^6
bytes per second. Keys that aren't known are errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal, get_args

from aggregator.domain.ranking.bounds import (
    finite,
    groups_of_users,
    not_negative,
    positive,
)
from aggregator.domain.ranking.components import STRICT
from aggregator.domain.ranking.knowledge import LinkSource

_LARGEST_GB: Final = 1e9
_SMALLEST_BUCKET_S: Final = 1.0

StagingMode = Literal["prefetch", "on_start", "remote_read"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """How a policy is called, and which state of it this is.

    Attributes:
        name: By which clients choose it and explanations name it.
        revision: A number that whoever edits the file raises, from 1.
        description: When to choose this policy, in a sentence.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    name: str
    revision: int = 1
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name must not be empty")
        if self.revision < 1:
            raise ValueError("revision must be 1 or more")


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a policy serves; ``*`` and ``?`` are wildcards.

    Attributes:
        executable_kinds: Kinds of executable, such as ``jupyter-notebook``.
        groups: Groups of users, such as ``/srcnet/spain``; ``*`` is everybody,
            anonymous users included.
        selectable_by_user: Whether clients may ask for the policy by its name.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    executable_kinds: tuple[str, ...] = ("*",)
    groups: tuple[str, ...] = ("*",)
    selectable_by_user: bool = True

    def __post_init__(self) -> None:
        groups_of_users("groups", self.groups, wildcards="*?[")

    def serves(self, executable_kind: str, groups: frozenset[str]) -> bool:
        """Whether the policy serves a request of that kind by a user of ``groups``."""
        kinds = self.executable_kinds
        return _matches((executable_kind,), kinds) and self.serves_user(groups)

    def serves_user(self, groups: frozenset[str]) -> bool:
        """Whether the policy serves a user of ``groups``, for some request."""
        return "*" in self.groups or _matches(groups, self.groups)


def _matches(
    names: tuple[str, ...] | frozenset[str], patterns: tuple[str, ...]
) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@dataclass(frozen=True, slots=True)
class StartRules:
    """How an offer's start is read.

    Attributes:
        bound: Which moment of the interval that a site offers counts.
        calibrated: Whether the promised start is corrected by how late the site's
            sessions were seen to start; only with bound ``latest``.
        unknown: What counts where a site doesn't say when it starts: ``default``,
            or ``site_median``, the site's median from acceptance to start as far as
            that was seen.
        unknown_default_s: What counts where nothing better is known.
        accept_overhead_s: From the acceptance until staging begins.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    bound: Literal["earliest", "midpoint", "latest"] = "latest"
    calibrated: bool = False
    unknown: Literal["default", "site_median"] = "default"
    unknown_default_s: float = 3600.0
    accept_overhead_s: float = 60.0

    def __post_init__(self) -> None:
        if self.calibrated and self.bound != "latest":
            raise ValueError("calibrated needs bound latest, of which it is learned")
        not_negative(
            unknown_default_s=self.unknown_default_s,
            accept_overhead_s=self.accept_overhead_s,
        )


@dataclass(frozen=True, slots=True)
class TapeRules:
    """What it takes to read from tape.

    Attributes:
        recall_s: Until the first byte comes.
        rate_mb_s: How fast the rest follows.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    recall_s: float = 900.0
    rate_mb_s: float = 300.0

    def __post_init__(self) -> None:
        not_negative(recall_s=self.recall_s)
        positive(rate_mb_s=self.rate_mb_s)


@dataclass(frozen=True, slots=True)
class DataRules:
    """How it is estimated when data are ready at a site.

    Attributes:
        staging: ``prefetch``: data move while the session waits. ``on_start``: they
            move once it could start. ``remote_read``: they don't move.
        staging_by_site: Another mode for single sites, by name.
        per_file_s: What each file costs beside its bytes.
        parallel_files: How many files move at once.
        ingest_default_gbps: How fast a site takes data in, where its own
            configuration doesn't say.
        unknown_size_gb: What counts where nobody knows the size of a dataset.
        link_sources: From where a link's throughput is taken, the first that is
            known: what was measured in the last hour, day or week, or
            ``configured``, the link knowledge of the configuration, which is the
            last resort in any case.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    staging: StagingMode = "prefetch"
    staging_by_site: Mapping[str, StagingMode] = field(default_factory=dict)
    per_file_s: float = 2.0
    parallel_files: int = 20
    ingest_default_gbps: float = 10.0
    unknown_size_gb: float = 100.0
    link_sources: tuple[LinkSource, ...] = get_args(LinkSource)
    tape: TapeRules = field(default_factory=TapeRules)

    def __post_init__(self) -> None:
        not_negative(per_file_s=self.per_file_s, unknown_size_gb=self.unknown_size_gb)
        if self.unknown_size_gb > _LARGEST_GB:
            raise ValueError(f"unknown_size_gb must be {_LARGEST_GB:g} or less")
        positive(
            parallel_files=self.parallel_files,
            ingest_default_gbps=self.ingest_default_gbps,
        )


@dataclass(frozen=True, slots=True)
class EstimateRules:
    """How the time to start is estimated.

    Attributes:
        start: How an offer's start is read.
        data: When data are ready.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    start: StartRules = field(default_factory=StartRules)
    data: DataRules = field(default_factory=DataRules)


@dataclass(frozen=True, slots=True)
class Order:
    """By what offers are ordered.

    Attributes:
        method: ``effective_delay``: by the sum of all weighers' seconds.
            ``lexicographic``: by the seconds of single weighers, one after the other.
        bucket_s: Seconds within one bucket of this width count as equal.
        keys: Names (labels) of weighers, for ``lexicographic`` only.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    method: Literal["effective_delay", "lexicographic"] = "effective_delay"
    bucket_s: float = 120.0
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        finite(bucket_s=self.bucket_s)
        if self.bucket_s < _SMALLEST_BUCKET_S:
            raise ValueError(f"bucket_s must be {_SMALLEST_BUCKET_S:g} or more")
        if self.method == "lexicographic" and not self.keys:
            raise ValueError("method lexicographic needs keys")
        if self.method == "effective_delay" and self.keys:
            raise ValueError("keys belong to method lexicographic")


@dataclass(frozen=True, slots=True)
class Trim:
    """How many offers a client is shown at most; the others are released.

    Attributes:
        max_offers: Of all sites together.
        max_per_site: Of each site.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    max_offers: int = 20
    max_per_site: int = 5

    def __post_init__(self) -> None:
        positive(max_offers=self.max_offers, max_per_site=self.max_per_site)


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A ranking policy as it is written.

    Attributes:
        apiVersion: The version of this language.
        kind: What the document is.
        metadata: Name and revision.
        match: Which requests it serves.
        filters: In order; each names a registered filter (``name``) and holds the
            keys of that filter.
        estimate: How starts are estimated.
        weighers: Each names a registered weigher (``name``) and holds its keys; at
            least one.
        order: By what offers are ordered.
        tiebreak: What decides within a bucket: names (labels) of weighers, and
            ``rendezvous_hash``, ``start``, ``position``. Unset is the usual order.
        trim: How many offers are shown.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    apiVersion: Literal["metabroker.srcnet/v1"]  # noqa: N815 (the document's own key)
    kind: Literal["RankingPolicy"]
    metadata: Metadata
    weighers: tuple[Mapping[str, Any], ...]
    match: Match = field(default_factory=Match)
    filters: tuple[Mapping[str, Any], ...] = ()
    estimate: EstimateRules = field(default_factory=EstimateRules)
    order: Order = field(default_factory=Order)
    tiebreak: tuple[str, ...] | None = None
    trim: Trim = field(default_factory=Trim)

    def __post_init__(self) -> None:
        if not self.weighers:
            raise ValueError("a policy needs at least one weigher")
