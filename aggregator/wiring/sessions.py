"""Sessions: what becomes of offers once they were shown."""

from aggregator.services.accepting import Accepting
from aggregator.services.attempts import Attempts
from aggregator.services.locating import Locating
from aggregator.services.regretting import Regretting
from aggregator.services.releasing import Releasing
from aggregator.services.sessions import Sessions
from aggregator.services.settling import Settling
from aggregator.services.updating import Updating
from aggregator.services.watching import Watching
from aggregator.wiring.parts import Parts
from aggregator.wiring.recovery import recovering_on


class SessionUseCases:
    """Builds what reads, accepts, changes and releases sessions.

    Attributes:
        releasing: Gives back what nobody took.
        sessions: Reads sessions.
        accepting: Accepts offers, one of each set.
        updating: Rejects and cancels, and has offers accepted.
        watching: Follows accepted sessions without anybody asking.
    """

    def __init__(self, parts: Parts) -> None:
        self.releasing = _releasing(parts)
        settling = Settling(
            winners=parts.store.winners,
            winner_readings=parts.store.winners,
            routes=parts.store.routes,
            releasing=self.releasing,
            clock=parts.clock,
            telemetry=parts.telemetry,
        )
        self.sessions = Sessions(
            routes=parts.store.routes,
            snapshot=parts.snapshot,
            calls=parts.calls,
            background=parts.background,
            clock=parts.clock,
            telemetry=parts.telemetry,
            limits=parts.settings.status,
            settling=settling,
            regretting=Regretting(parts.store.histories, parts.telemetry),
            locating=_locating(parts) if parts.settings.locate else None,
        )
        self.accepting = _accepting(parts, self.sessions, settling, self.releasing)
        self.updating = Updating(
            sessions=self.sessions,
            accepting=self.accepting,
            releasing=self.releasing,
            overlays=parts.store.routes,
            snapshot=parts.snapshot,
            calls=parts.calls,
            clock=parts.clock,
            limits=parts.settings.acceptance,
        )
        self.watching = Watching(
            watches=parts.store.watches,
            sessions=self.sessions,
            clock=parts.clock,
            limits=parts.settings.watcher,
            replica=parts.replica,
        )


def _releasing(parts: Parts) -> Releasing:
    return Releasing(
        queue=parts.store.releases,
        retries=parts.store.releases,
        routes=parts.store.routes,
        overlays=parts.store.routes,
        snapshot=parts.snapshot,
        calls=parts.calls,
        background=parts.background,
        clock=parts.clock,
        telemetry=parts.telemetry,
        limits=parts.settings.releases,
        replica=parts.replica,
    )


def _locating(parts: Parts) -> Locating:
    return Locating(
        recovering=recovering_on(
            parts.store, parts.snapshot, parts.calls, parts.settings
        ),
        routes=parts.store.routes,
        snapshot=parts.snapshot,
        health=parts.health,
        background=parts.background,
        open_to_all=parts.settings.auth.mode == "off",
    )


def _accepting(
    parts: Parts, sessions: Sessions, settling: Settling, releasing: Releasing
) -> Accepting:
    attempts = Attempts(
        winners=parts.store.winners,
        winner_readings=parts.store.winners,
        sessions=sessions,
        settling=settling,
        releasing=releasing,
        snapshot=parts.snapshot,
        calls=parts.calls,
        clock=parts.clock,
        telemetry=parts.telemetry,
        limits=parts.settings.acceptance,
        replica=parts.replica,
    )
    return Accepting(
        attempts=attempts,
        winners=parts.store.winners,
        winner_readings=parts.store.winners,
        routes=parts.store.routes,
        sessions=sessions,
        settling=settling,
        background=parts.background,
        clock=parts.clock,
        limits=parts.settings.acceptance,
        replica=parts.replica,
    )
