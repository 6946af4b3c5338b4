"""The port to one site's broker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.tracing import Span
from aggregator.domain.updates import Update


@dataclass(frozen=True, slots=True)
class CallContext:
    """What every call to a site carries.

    Attributes:
        deadline: The moment on the event loop's clock at which the call is over.
        authorization: The ``Authorization`` header: the client's own in a use case,
            what the site is to be shown once a call is on its way to it; never
            stored, never logged.
        via: The ``Via`` header's value, our own id included.
        span: The span that causes the call; the call's own, once it is on its way.
        trace: W3C trace context headers of the call's own span.
        request_id: The id under which the call is logged here and at the site.
    """

    deadline: float
    authorization: str | None = field(default=None, repr=False)
    via: str = ""
    span: Span | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""


class SiteBroker(Protocol):
    """One site's Execution Broker.

    Every method returns a value with a closed outcome, and never raises but for
    the cancellation of the calling task. None of them retries by itself.
    """

    async def request_offers(
        self, request: ExecutionRequest, context: CallContext
    ) -> SiteAnswer:
        """Ask the site for offers; this reserves resources there."""
        ...

    async def read_session(self, session: str, context: CallContext) -> SessionReading:
        """Read the session that the site knows by the uuid ``session``."""
        ...

    async def update_session(
        self, session: str, update: Update, context: CallContext
    ) -> SessionReading:
        """Ask the site to change a session, and return what it answered.

        A site's ``ok`` proves nothing: the phase in the reading decides.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What a probe of a site found.

    Attributes:
        clock_skew: Seconds by which the site's clock is ahead of ours.
        dialect: What is spoken to it, empty where that isn't known yet.
        certificate_expires: When its TLS certificate ends, None without TLS.
    """

    outcome: Outcome
    seconds: float
    detail: str = ""
    version: str = ""
    clock_skew: float | None = None
    dialect: str = ""
    certificate_expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """How the preparation of an adapter ended.

    Attributes:
        outcome: ``ok`` where the adapter knows how to speak to its site.
        dialect: The name of the dialect that it will speak, empty if unknown.
        detail: What was wrong, in words for the operator.
        offers: Offers that came though nothing was asked for, to be released.
    """

    outcome: Outcome
    dialect: str = ""
    detail: str = ""
    offers: tuple[Offer, ...] = ()


class SitePreparation(Protocol):
    """Finding out what must be known before a site can be spoken to."""

    async def prepare(self, context: CallContext) -> Preparation:
        """Prepare for the first request; like all calls it returns its failures."""
        ...


class SiteProbe(Protocol):
    """A cheap and harmless look at a site; it never creates offers."""

    async def probe(self, context: CallContext) -> ProbeReading:
        """Say whether the site's broker answers."""
        ...
