"""Views: sessions and offer sets as they are shown to a client, dialect aside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.domain.messages import Message
from aggregator.domain.phases import SessionPhase


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as we show it.

    Attributes:
        session: The uuid that clients use; put in the place of the site's own.
        payload: The session as its site last gave it, in the canonical vocabulary.
        residue: What the site's dialect said that the canonical one can't.
        request_residue: The same of the user's request.
        dialect: The dialect in which the session's user spoke to us.
        phase: The phase to show, in the place of the payload's; None keeps that.
        messages: Our own messages, put after the site's.
    """

    session: str
    payload: Mapping[str, Any]
    residue: Mapping[str, Any] = field(default_factory=dict)
    request_residue: Mapping[str, Any] = field(default_factory=dict)
    dialect: str = ""
    phase: SessionPhase | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferSetView:
    """An offer set as we show it; ``result`` is YES exactly where it has offers.

    Attributes:
        site_messages: Messages of the sites, as the canonical vocabulary has them.
        version: The set's entity tag.
        complete: Whether every site that was asked has answered.
    """

    uuid: str
    name: str | None
    created: datetime
    offers: tuple[SessionView, ...]
    request_residue: Mapping[str, Any] = field(default_factory=dict)
    dialect: str = ""
    messages: tuple[Message, ...] = ()
    site_messages: tuple[Mapping[str, Any], ...] = ()
    version: int = 1
    complete: bool = True
