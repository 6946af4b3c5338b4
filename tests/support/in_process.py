"""In-process implementations of ports, for tests of use cases on a virtual clock."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.phases import ALLOWED_FROM, SessionPhase
from aggregator.domain.schedules import StartInterval

NAMESPACE = UUID("99999999-9999-4999-8999-999999999999")


def session_uuid(site: str, number: int = 0) -> str:
    return str(uuid5(NAMESPACE, f"{site}/{number}"))


@dataclass
class InProcessSite:
    """A site behind the SiteBroker port, which does what a test tells it to.

    Attributes:
        delay: Seconds before each answer to a request for offers.
        call_delay: Seconds before every other answer.
        outcome: How requests for offers end.
        offers: How many offers it makes.
        start: Seconds from now at which the first is available.
        faults: Outcomes with which the next updates end instead; ``applied`` ones
            are carried out all the same.
    """

    name: str
    clock: object
    delay: float = 0.0
    call_delay: float = 0.0
    outcome: Outcome = Outcome.OK
    offers: int = 1
    start: float = 60.0
    expires: float = 300.0
    uuids: tuple[str, ...] = ()
    made: int = 0
    faults: deque = field(default_factory=deque)
    read_faults: deque = field(default_factory=deque)
    phases: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)

    async def request_offers(self, request, context):
        self.calls.append(("request", None))
        if not await self._answers_by(context.deadline, self.delay):
            return SiteAnswer(self.name, Outcome.TIMEOUT)
        if self.outcome is not Outcome.OK:
            return SiteAnswer(self.name, self.outcome)
        return SiteAnswer(self.name, Outcome.OK, tuple(self._offers()))

    async def read_session(self, session, context):
        self.calls.append(("read", session))
        if not await self._answers_by(context.deadline, self.call_delay):
            return SessionReading(self.name, Outcome.TIMEOUT)
        if self.read_faults:
            return SessionReading(self.name, self.read_faults.popleft())
        return self._reading(session)

    async def update_session(self, session, update, context):
        self.calls.append((update.phase.value, session))
        if not await self._answers_by(context.deadline, self.call_delay):
            return SessionReading(self.name, Outcome.TIMEOUT)
        fault, applied = self.faults.popleft() if self.faults else (None, True)
        now = self.phases.get(session)
        if applied and now in ALLOWED_FROM[update.phase]:
            self.phases[session] = update.phase
        if fault is not None:
            return SessionReading(self.name, fault)
        return self._reading(session)

    def _reading(self, session):
        phase = self.phases.get(session)
        if phase is None:
            return SessionReading(self.name, Outcome.NOT_FOUND)
        return SessionReading(
            self.name, Outcome.OK, phase, {"meta": {}, "phase": phase.value}
        )

    async def _answers_by(self, deadline, delay):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(min(delay, deadline - loop.time()))
        return loop.time() < deadline

    def _offers(self):
        now = self.clock.now()
        for number in range(self.offers):
            if self.uuids:
                uuid = self.uuids[number]
            else:
                uuid = session_uuid(self.name, self.made)
                self.made += 1
            self.phases[uuid] = SessionPhase.OFFERED
            start = _seconds_after(now, self.start + 600 * number)
            yield Offer(
                self.name,
                uuid,
                uuid,
                number,
                start=StartInterval(start, start),
                expires=_seconds_after(now, self.expires),
                payload={"meta": {"uuid": uuid}, "phase": "OFFERED"},
            )


def _seconds_after(moment, seconds):
    return StartInterval.parse(f"{moment.isoformat()}/PT{seconds}S").latest


class RecordedTelemetry:
    """Keeps all events."""

    def __init__(self):
        self.events = []

    def record(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]
