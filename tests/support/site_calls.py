"""Short ways to call a site as adapters do."""

import asyncio
from datetime import UTC, datetime

from aggregator.domain.events import Operation
from aggregator.domain.sites import Site
from aggregator.ports.sites import CallContext
from site_adapters.base import CallLimits
from site_adapters.calls import Call, SiteCaller

PLENTY = 20.0
LIMITS = CallLimits()


class FixedClock:
    def __init__(self, moment=datetime(2026, 8, 4, 10, 0, tzinfo=UTC)):
        self.moment = moment

    def now(self):
        return self.moment


CLOCK = FixedClock()


def within(seconds=PLENTY, **what):
    """Return a call context whose deadline is so many seconds away."""
    deadline = asyncio.get_running_loop().time() + seconds
    return CallContext(deadline=deadline, **what)


def caller_of(url, session, limits=LIMITS, **site):
    return SiteCaller(Site("here", url, **site), session, limits, CLOCK)


def reading(path="/sessions/1"):
    return Call(Operation.SESSION, path)


def submission(path="/requests", body=b"{}"):
    return Call(Operation.REQUEST, path, body)


def update(path="/sessions/1", body=b"{}"):
    return Call(Operation.UPDATE, path, body)
