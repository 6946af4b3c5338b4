"""Which dialect a site speaks, where nobody configured it.

No GET tells. A ``POST`` of ``{}`` does: brokers demand an executable, so they answer
NO (or 400) and reserve nothing; the layout and the URIs of the offer set that says
so name the dialect, and 404 or 405 says that the site has the other route.

Where the words of a NO are those of two dialects, a part that only the older one
reads is sent, of no kind: a broker that reads it refuses it, the others ignore it.
"""

from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain.events import Operation
from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome
from aggregator.ports.sites import CallContext
from aggregator.wire.dialects import DIALECTS
from aggregator.wire.dialects.base import Dialect
from site_adapters.answers import read_offers, spoken_in
from site_adapters.calls import Call, SiteCaller
from site_adapters.outcomes import CallFailed, Failure
from site_adapters.replies import Reply

_NEWEST_FIRST: Final = tuple(DIALECTS.values())[::-1]
_ROUTES: Final = tuple(dict.fromkeys(d.submit_path for d in _NEWEST_FIRST))
_TRIALS: Final = {
    "2025-06": b'{"computer": {"type": "urn:none"}}',
    "2026-02": b'{"volumes": [{"kind": "urn:none"}]}',
}
"""What a broker of the older dialect can't read, and one of the next ignores."""

_UNREADABLE: Final = frozenset({400, 422})
_NO_SUCH_ROUTE: Final = frozenset({404, 405})
_UNTELLING: Final = frozenset(
    {Outcome.UNAUTHORIZED, Outcome.FORBIDDEN, Outcome.THROTTLED, Outcome.LOOP}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found.

    Attributes:
        dialect: The dialect of the site.
        offers: Offers that the site made though nothing was asked for.
    """

    dialect: Dialect
    offers: tuple[Offer, ...] = ()


async def probe_dialect(
    site: str, caller: SiteCaller, context: CallContext, most: int
) -> Finding | Failure:
    """Find out the dialect of the site called ``site``, the newest route first.

    Returns:
        What was found, with at most ``most`` offers; or why there is no telling.
    """
    broken: dict[str, Failure] = {}
    for route in _ROUTES:
        reply = await caller.look(Call(Operation.REQUEST, route, b"{}"), context)
        if isinstance(reply, Failure):
            return reply
        if reply.status in _NO_SUCH_ROUTE:
            continue
        refused = caller.refusal(reply, Operation.REQUEST, context)
        if refused.outcome in _UNTELLING:
            return refused
        if refused.outcome is not Outcome.ERROR_5XX:
            found = await _named_by(reply, route, site, most)
            if found.offers or reply.status in _UNREADABLE:
                return found
            return await _tried(found, caller, context)
        broken[route] = refused
    return _guessed(broken)


def _guessed(broken: dict[str, Failure]) -> Finding | Failure:
    """Take the only route that is there, though what was posted broke it."""
    if len(broken) == 1:
        return Finding(_newest_of(*broken))
    if broken:
        return next(iter(broken.values()))
    routes = " nor ".join(_ROUTES)
    return Failure(
        Outcome.MISCONFIGURED, f"it takes no requests: neither {routes} is there"
    )


async def _named_by(reply: Reply, route: str, site: str, most: int) -> Finding:
    try:
        document = await reply.document()
    except CallFailed:
        return Finding(_newest_of(route))
    if "result" not in document:
        return Finding(_newest_of(route))
    dialect = _dialect_of(document, route, site)
    answer = await read_offers(site, document, dialect, most)
    return Finding(dialect, answer.offers)


async def _tried(found: Finding, caller: SiteCaller, context: CallContext) -> Finding:
    """Return the older dialect that has the same words, if the site speaks it."""
    later = _NEWEST_FIRST.index(found.dialect) + 1
    for older in _NEWEST_FIRST[later : later + 1]:
        if trial := _TRIALS.get(older.name):
            call = Call(Operation.REQUEST, older.submit_path, trial)
            reply = await caller.look(call, context)
            if isinstance(reply, Reply) and reply.status in _UNREADABLE:
                return Finding(older)
    return found


def _dialect_of(document: dict[str, Any], route: str, site: str) -> Dialect:
    newest = _newest_of(route)
    dialect = spoken_in(site, document, newest)
    return dialect if dialect.submit_path == route else newest


def _newest_of(route: str) -> Dialect:
    return next(d for d in _NEWEST_FIRST if d.submit_path == route)
