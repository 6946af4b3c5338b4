"""Updates: reading what a client asks of a session, and doing it as brokers do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aggregator.domain.phases import ALLOWED_FROM, SessionPhase
from site_adapters.simulated.lifecycle import Lifecycle
from site_adapters.simulated.sessions import OfferSet, Session
from site_adapters.simulated.shapes import UnreadableError, mapping
from site_adapters.simulated.vocabulary import Vocabulary

_ENUM_VALUE: Final = "uri:enum-value-update"
_KINDS: Final = frozenset(
    {
        _ENUM_VALUE,
        "uri:string-value-update",
        "uri:integer-value-update",
        "uri:integer-delta-update",
    }
)
_PHASE_PATHS: Final = frozenset({"phase", "/phase"})


def read_update(document: Any, vocabulary: Vocabulary) -> SessionPhase | None:
    """Return the phase that an update asks for, None where it asks for nothing.

    Only an enum value for the phase does anything at a broker; all other updates
    are read and ignored.

    Raises:
        UnreadableError: It is not an update of this vocabulary.
    """
    update = mapping(document, "")
    if vocabulary.wraps_updates:
        update = mapping(update.get("update"), "update")
    kind = update.get(vocabulary.discriminator)
    if kind not in _KINDS:
        raise UnreadableError(f"an update has the {vocabulary.discriminator} {kind!r}")
    if kind != _ENUM_VALUE or update.get("path") not in _PHASE_PATHS:
        return None
    return vocabulary.read_phase(update.get("value"))


@dataclass(frozen=True, slots=True)
class Updater:
    """Applies updates.

    Attributes:
        forgets: Whether the end that a client asks for is gone on the next read.
    """

    lifecycle: Lifecycle
    forgets: bool

    def apply(
        self,
        session: Session,
        siblings: OfferSet | None,
        wish: SessionPhase | None,
        now: datetime,
    ) -> SessionPhase:
        """Do what is asked, if it is allowed, and return the phase to answer with."""
        phase = self.lifecycle.session_phase(session, now)
        if wish is None or phase not in ALLOWED_FROM.get(wish, ()):
            return phase
        session.pinned = None
        if wish is SessionPhase.ACCEPTED:
            self._accept(session, siblings, now)
        else:
            session.released = True
            session.settled = None if self.forgets else wish
        return wish

    def _accept(
        self, session: Session, siblings: OfferSet | None, now: datetime
    ) -> None:
        session.accepted_at = now
        session.released = False
        for other in siblings.sessions if siblings else ():
            offered = self.lifecycle.session_phase(other, now) is SessionPhase.OFFERED
            if other is not session and offered:
                other.settled = SessionPhase.REJECTED
