"""The broker of a simulated site, without its HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import UUID

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.lifecycle import Lifecycle
from site_adapters.simulated.offers import Demand, make_offer_set
from site_adapters.simulated.reading import RequestReader
from site_adapters.simulated.rendering import Writer
from site_adapters.simulated.sessions import Ledger, OfferSet, Session
from site_adapters.simulated.shapes import UnreadableError
from site_adapters.simulated.site import SimulatedSite
from site_adapters.simulated.updates import Updater, read_update
from site_adapters.simulated.vocabulary import Vocabulary, vocabulary_of

Now: TypeAlias = Callable[[], datetime]
"""A clock: called for the moment, in UTC."""


def wall_clock() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


@dataclass
class Broker:
    """What one simulated site knows and does.

    Attributes:
        site: How it behaves.
        now: The clock that it lives by.
    """

    site: SimulatedSite
    now: Now = wall_clock
    ledger: Ledger = field(init=False)
    vocabulary: Vocabulary = field(init=False)
    lifecycle: Lifecycle = field(init=False)
    _updater: Updater = field(init=False)
    _calls: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.site.remembers)
        self.vocabulary = vocabulary_of(
            self.site.dialect, flattened=self.site.flattened
        )
        self.lifecycle = Lifecycle(
            self.site.time_scale, waits=self.vocabulary.session_schedules
        )
        self._updater = Updater(self.lifecycle, self.site.forgets_rejections)

    def request(
        self, document: Any, *, strict: bool, owner: str | None = None
    ) -> OfferSet:
        """Make offers for a request.

        Args:
            document: The request's body.
            strict: Whether properties that aren't known make it unreadable.
            owner: The identity that asks.

        Raises:
            UnreadableError: The body can't be read.
        """
        return self._offer(document, self.site.offers, strict=strict, owner=owner)

    def execute(
        self, document: Any, *, strict: bool, owner: str | None = None
    ) -> Session | None:
        """Make one session at once; None where the site doesn't do what is wanted.

        Raises:
            UnreadableError: The body can't be read.
        """
        offer_set = self._offer(document, 1, strict=strict, owner=owner)
        session = next(iter(offer_set.sessions), None)
        if session is not None:
            session.accepted_at = self.now()
        return session

    def _offer(
        self, document: Any, limit: int, *, strict: bool, owner: str | None
    ) -> OfferSet:
        wanted = RequestReader(self.vocabulary, strict=strict).read(document)
        offer_set = make_offer_set(wanted, self.site, Demand(self.now(), limit, owner))
        self.ledger.add(offer_set)
        return offer_set

    def update(self, session: Session, document: Any) -> SessionPhase:
        """Apply an update and return the phase to show.

        Raises:
            UnreadableError: The body is not an update.
        """
        wish = read_update(document, self.vocabulary)
        siblings = self.ledger.offer_set(session.offer_set)
        return self._updater.apply(session, siblings, wish, self.now())

    def phase(self, session: Session) -> SessionPhase:
        """Return the phase of ``session`` now."""
        return self.lifecycle.session_phase(session, self.now())

    def writer(self, base_url: str, *, fresh: bool = False) -> Writer:
        """Return what writes documents for a client that came by ``base_url``."""
        return Writer(
            self.site, self.vocabulary, self.lifecycle, base_url, self.now(), fresh
        )

    def fails_now(self) -> bool:
        """Whether this call, the next in number, is one of those that fail."""
        self._calls += 1
        digest = sha256(f"{self.site.seed}:{self._calls}".encode()).digest()
        return int.from_bytes(digest[:8]) < self.site.failure_share * 2**64


def checked_uuid(text: str) -> str:
    """Return ``text`` as a uuid is written.

    Raises:
        UnreadableError: It isn't one.
    """
    try:
        return str(UUID(text))
    except ValueError as error:
        raise UnreadableError(f"{text} is not a uuid") from error
