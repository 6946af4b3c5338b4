"""Offers: what merging and ranking read of them, beside the payload that they carry.

An offer is a session in phase ``OFFERED``: a temporary reservation at one site
until it expires. Its payload stays the plain mapping that came from the site, in
the canonical vocabulary, every unknown key kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.domain.replicas import Did
from aggregator.domain.schedules import StartInterval


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of cores, or of GiB, from ``min`` to ``max``; None is unsaid."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A cost or a metric: what it means (``type``, a URI) and its bounds."""

    type: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class DataItem:
    """A dataset that a request asks for, or that an offer provides.

    Attributes:
        name: The name by which the message's own parts refer to it.
        did: Its identifier in the data lake, None for data of other kinds.
        size: In bytes, None where it isn't said.
        rses: Storage elements that are claimed to hold it.
    """

    name: str
    did: Did | None = None
    size: int | None = None
    rses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of one site.

    Attributes:
        site: The configured name of the site that made it.
        session: The uuid by which our clients know it.
        site_session: The uuid by which its site knows it: the same, unless two
            sites used one uuid.
        position: Its place in the site's own order, from 0.
        start: When the session would be available, None where unknown.
        preparing: Seconds that the site plans for preparing, None where unsaid.
        available: Seconds for which the session would be available.
        expires: When the reservation ends, None where the site doesn't say.
        payload: The session as the site sent it, in the canonical vocabulary.
        residue: What the site's dialect said that the canonical one can't, by
            JSON pointer into ``payload``.
    """

    site: str
    session: str
    site_session: str
    position: int = 0
    start: StartInterval | None = None
    preparing: float | None = None
    available: float | None = None
    expires: datetime | None = None
    cores: Amount = Amount()
    memory: Amount = Amount()
    data: tuple[DataItem, ...] = ()
    costs: tuple[Quote, ...] = ()
    metrics: tuple[Quote, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    residue: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def has_expired(self, now: datetime) -> bool:
        """Whether the reservation has ended at ``now``."""
        return self.expires is not None and self.expires <= now
