"""What filters and weighers are, what they may read, and how they are registered."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeVar

from aggregator.domain.errors import PolicyFailed
from aggregator.domain.offers import Offer
from aggregator.domain.ranking.explanation import Estimate
from aggregator.domain.ranking.knowledge import Knowledge, SiteFacts
from aggregator.domain.ranking.locality import Lake
from aggregator.domain.requests import ExecutionRequest

STRICT: Final[Mapping[str, Any]] = {"extra": "forbid"}
"""Configuration of the schema's dataclasses: a key that isn't known is an error."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the same for all offers of one ranking.

    Attributes:
        lake: Who reads which storage element, made of ``knowledge``.
    """

    request: ExecutionRequest
    request_id: str
    knowledge: Knowledge
    lake: Lake
    now: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """One offer on its way through a policy.

    Attributes:
        offer: The offer, rid of values that mean nothing (NaN, negative sizes).
        facts: What is known of its site.
    """

    offer: Offer
    facts: SiteFacts
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter(ABC):
    """A step that takes offers out.

    A subclass is a frozen dataclass whose fields are the keys that an operator may
    write, with units in their names, and whose docstring is its reference page. It
    judges each offer by itself and never looks at the others.

    Attributes:
        on_empty: ``refuse``: hard, an answer without offers is the result where no
            offer passes. ``relax``: soft, the filter is lifted where no offer
            passes all filters.
        relax_order: Soft filters are lifted one after the other until an offer
            passes, the lowest number first, then in the order of writing.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT
    name: ClassVar[str]

    on_empty: Literal["refuse", "relax"] = "refuse"
    relax_order: int = 0

    @abstractmethod
    def objection(self, candidate: Candidate, situation: Situation, /) -> str | None:
        """Return why the offer is to be dropped, in words; None where it passes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weigher(ABC):
    """A step that adds seconds to an offer's effective delay.

    A subclass is a frozen dataclass whose fields are the keys that an operator may
    write, with units in their names, and whose docstring is its reference page. It
    weighs each offer by itself and never looks at the others.

    Attributes:
        label: The name of its part in explanations and among the keys of order and
            tie-break, where a policy uses the same weigher twice.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT
    name: ClassVar[str]

    label: str = ""

    @property
    def key(self) -> str:
        """The label, or else the name."""
        return self.label or self.name

    @property
    @abstractmethod
    def seconds_per_unit(self) -> float:
        """The rate at which the quantity becomes seconds of delay."""

    @abstractmethod
    def quantity(self, candidate: Candidate, situation: Situation, /) -> float:
        """Return what is weighed, in the weigher's own unit; less is better."""

    def remark(self, candidate: Candidate, situation: Situation, /) -> str:  # noqa: ARG002
        """Return in a few words what the seconds rest on, where they aren't 0.

        It stands behind them in the reason for an offer's place; empty is nothing.
        """
        return ""


def failed(component: Filter | Weigher, error: Exception) -> PolicyFailed:
    """Return what to raise where a component raised, as those of others may."""
    kind = "filter" if isinstance(component, Filter) else "weigher"
    return PolicyFailed(f"the {kind} {component.name} of the policy failed: {error!r}")


_Component = TypeVar("_Component", type[Filter], type[Weigher])


@dataclass(frozen=True, slots=True)
class Components:
    """The filters and weighers that a policy may name."""

    filters: Mapping[str, type[Filter]]
    weighers: Mapping[str, type[Weigher]]

    @classmethod
    def of(
        cls, filters: Iterable[type[Filter]], weighers: Iterable[type[Weigher]]
    ) -> "Components":
        """Register filters and weighers under their names.

        Raises:
            ValueError: Two of one kind have the same name.
        """
        return cls(_by_name(filters), _by_name(weighers))

    def extended(
        self, filters: Iterable[type[Filter]], weighers: Iterable[type[Weigher]]
    ) -> "Components":
        """Return these components and those of third parties.

        Raises:
            ValueError: A name is taken.
        """
        return self.of(
            [*self.filters.values(), *filters], [*self.weighers.values(), *weighers]
        )


def _by_name(components: Iterable[_Component]) -> dict[str, _Component]:
    found: dict[str, _Component] = {}
    for component in components:
        if component.name in found:
            raise ValueError(f"two components are named {component.name}")
        found[component.name] = component
    return found
