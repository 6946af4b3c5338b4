"""Execution requests: what the federation reads of them beside their payload."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.domain.offers import Amount, DataItem, Quote
from aggregator.domain.schedules import StartInterval


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """What a user wants to run.

    Attributes:
        name: The name that the user gave to the request, None where unnamed.
        executable_kind: The kind of executable as its URI's last part without
            version and suffix, such as ``docker-container``.
        duration: Seconds asked for, None where unsaid.
        start: The interval within which the session should start.
        costs: The upper limits of cost that the user accepts.
        metrics: The lower limits of performance that the user needs.
        dialect: The name of the dialect in which the request came.
        payload: The request in the canonical vocabulary, repaired.
        residue: What the request's dialect said that the canonical one can't,
            and what the repair added, by JSON pointer into ``payload``.
    """

    executable_kind: str
    name: str | None = None
    duration: float | None = None
    start: StartInterval | None = None
    cores: Amount = Amount()
    memory: Amount = Amount()
    data: tuple[DataItem, ...] = ()
    costs: tuple[Quote, ...] = ()
    metrics: tuple[Quote, ...] = ()
    dialect: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    residue: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
