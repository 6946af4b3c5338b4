"""What a simulated broker holds: offer sets, their sessions, and the components."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.messages import Message
from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedule of a session, as its offer promised it.

    Attributes:
        start: When the session is to be available.
        preparing: Seconds before that.
        available: Seconds for which it is offered.
        runs: Seconds for which its executable really runs.
    """

    start: datetime
    preparing: float
    available: float
    runs: float

    @property
    def preparing_start(self) -> datetime:
        """When preparing is to begin."""
        return self.start - timedelta(seconds=self.preparing)

    @property
    def end(self) -> datetime:
        """When the session stops to be available."""
        return self.start + timedelta(seconds=self.available)


@dataclass(slots=True)
class Component:
    """An executable, or a resource, of one session.

    Attributes:
        body: Its own properties, in words that all vocabularies share.
        links: What it refers to by uuid: the data of a storage, the storage of data.
    """

    role: Role
    kind: str
    uuid: str
    name: str | None
    created: datetime
    body: dict[str, Any] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """An offer, and the session that it becomes.

    Attributes:
        accepted_at: When a client accepted it, None for never.
        settled: The phase in which it ended, where that isn't forgotten.
        released: Whether a client rejected, cancelled or failed it.
        pinned: The phase to which a test has moved it.
        owner: The identity that asked for it, None for nobody in particular.
    """

    uuid: str
    name: str
    offer_set: str
    created: datetime
    expires: datetime
    plan: Plan
    executable: Component
    compute: Component
    storage: list[Component]
    data: list[Component]
    volumes: list[Component] = field(default_factory=list)
    accepted_at: datetime | None = None
    settled: SessionPhase | None = None
    released: bool = False
    pinned: SessionPhase | None = None
    owner: str | None = None

    def components(self) -> Iterator[Component]:
        """Yield the components that have a lifecycle."""
        yield self.executable
        yield self.compute
        yield from self.storage
        yield from self.data


@dataclass(slots=True)
class OfferSet:
    """What one request got."""

    uuid: str
    name: str | None
    created: datetime
    expires: datetime
    sessions: list[Session] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def winner(self) -> Session | None:
        """The session that was accepted, None where none was."""
        return next((one for one in self.sessions if one.accepted_at), None)


class Ledger:
    """The offer sets of one broker, the oldest forgotten beyond ``capacity``."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._offer_sets: OrderedDict[str, OfferSet] = OrderedDict()
        self._sessions: dict[str, Session] = {}

    def add(self, offer_set: OfferSet) -> None:
        """Keep ``offer_set`` and its sessions."""
        self._offer_sets[offer_set.uuid] = offer_set
        self._sessions |= {one.uuid: one for one in offer_set.sessions}
        while len(self._offer_sets) > self._capacity:
            _, oldest = self._offer_sets.popitem(last=False)
            for session in oldest.sessions:
                self._sessions.pop(session.uuid, None)

    def offer_set(self, uuid: str) -> OfferSet | None:
        """Return the offer set ``uuid``, None where there is none."""
        return self._offer_sets.get(uuid)

    def session(self, uuid: str) -> Session | None:
        """Return the session ``uuid``, None where there is none."""
        return self._sessions.get(uuid)

    def sessions(self) -> list[Session]:
        """Return all sessions, the oldest first."""
        return list(self._sessions.values())

    def forget(self, uuid: str) -> None:
        """Drop the session ``uuid``, from its offer set too.

        Raises:
            KeyError: There is no such session.
        """
        session = self._sessions.pop(uuid)
        self._offer_sets[session.offer_set].sessions.remove(session)

    def clear(self) -> None:
        """Forget everything."""
        self._offer_sets.clear()
        self._sessions.clear()
