"""Records: what must outlive a process, as the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aggregator.domain.messages import Message
from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import SiteAnswer
from aggregator.domain.phases import SessionPhase
from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.requests import ExecutionRequest


@dataclass(frozen=True, slots=True)
class OfferSet:
    """What one request gets back.

    Attributes:
        issuer: With ``subject``, the owner; both empty where it is anonymous.
        groups: That the owner was in when the set was made.
        offers: The offers that are shown, best first.
        answers: What each configured site did; their ``offers`` are left empty.
        messages: Our own messages about the set.
        ranking: The whole explanation of the order, as plain data.
        late_until: Until when late answers may join.
        version: Grows with every change; the set's entity tag.
        open: Whether nothing was accepted yet, so that late answers may join.
    """

    uuid: str
    created: datetime
    request: ExecutionRequest
    issuer: str = ""
    subject: str = ""
    groups: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    answers: tuple[SiteAnswer, ...] = ()
    messages: tuple[Message, ...] = ()
    ranking: Mapping[str, Any] = field(default_factory=dict)
    late_until: datetime | None = None
    version: int = 1
    open: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Which site owns a session, and what we last knew of it.

    Attributes:
        session: The uuid that clients use; ``site_session`` is the site's own.
        dialect: The dialect in which the session's user spoke to us.
        residue: What that user's request said that the canonical form can't.
        position: The rank of the offer in its set, from 0.
        estimated_start: When ranking estimated that the session would start.
        overlay: A phase that we know better than the site does: EXPIRED by us,
            REJECTED for losers, CANCELLED or REJECTED once the site confirmed it.
        last_payload: The session as it was last read, or offered.
        last_residue: The residue of that reading.
        last_read: When that was.
    """

    session: str
    offer_set: str
    site: str
    site_session: str
    issuer: str = ""
    subject: str = ""
    dialect: str = ""
    residue: Mapping[str, Any] = field(default_factory=dict)
    position: int = 0
    expires: datetime | None = None
    estimated_start: datetime | None = None
    overlay: SessionPhase | None = None
    last_payload: Mapping[str, Any] = field(default_factory=dict)
    last_residue: Mapping[str, Any] = field(default_factory=dict)
    last_read: datetime | None = None


class WinnerState(StrEnum):
    """Where the acceptance of a set's winner stands."""

    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Winner:
    """The one offer of a set that is being, or was, accepted.

    Attributes:
        give_up: When an acceptance that is still unknown becomes ``lost``.
    """

    offer_set: str
    session: str
    site: str
    site_session: str
    state: WinnerState
    since: datetime
    give_up: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """An offer that its site is to be told won't be taken.

    Attributes:
        session: The site's own uuid of the session: also the key of the release.
        expires: When the reservation ends by itself, and with it the need to try.
        queued: When the release became due for the first time.
        until_expiry: Whether to tell a site that has heard it again and again until
            the offer expires: an acceptance that was given up may still reach it,
            and sites forget that an offer was rejected.
    """

    site: str
    session: str
    reason: str
    queued: datetime
    expires: datetime | None = None
    attempts: int = 0
    until_expiry: bool = False


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """A user's idempotency key, and the offer set to which it belongs.

    Attributes:
        digest: Of the request that first came with the key.
    """

    issuer: str
    subject: str
    key: str
    digest: str
    offer_set: str
    made: datetime


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A session, or one of its components, was first seen in a phase.

    Attributes:
        component: ``session``, ``executable``, ``compute``, or ``storage`` or
            ``data`` with a name, as in ``data/example-data-01``.
    """

    session: str
    component: str
    phase: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """One ranking as it was made, and all that it rested on.

    Attributes:
        offer_set: The set that it put in order.
        version: The version of the set that has this order.
        moment: When it was made.
        policy: What decided.
        best: The session that came first; None where no offer was left.
        inputs: As ``ranking.replay.replay_inputs`` returns them.
        issuer: With ``subject``, the set's owner.
    """

    offer_set: str
    version: int
    moment: datetime
    policy: PolicyIdentity
    best: str | None
    inputs: Mapping[str, Any]
    issuer: str = ""
    subject: str = ""
