"""Regretting: what another offer would have spared the user of a session, in time."""

import asyncio
from datetime import datetime

import structlog

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.events import RegretObserved
from aggregator.ports.histories import Alternatives
from aggregator.ports.telemetry import Telemetry
from aggregator.services.punctual import PATIENCE

_log = structlog.get_logger(__name__)


class Regretting:
    """Compares an observed start with what its set had beside it.

    The alternatives never ran: their estimates stand for them.
    """

    def __init__(self, alternatives: Alternatives, telemetry: Telemetry) -> None:
        self._alternatives = alternatives
        self._telemetry = telemetry

    async def observe(self, session: str, started: datetime) -> None:
        """Tell by how much another offer was estimated to start before ``started``.

        That is 0 where none was; nothing is told of a session that had no alternative.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                best = await self._alternatives.earliest_alternative(session)
        except (StoreUnavailable, TimeoutError):
            _log.warning("regret_unknown", session=session)
            return
        if best is not None:
            regret = max(0.0, (started - best).total_seconds())
            self._telemetry.record(RegretObserved(regret))
