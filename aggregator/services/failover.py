"""Failover: accepting along the ranking, on only after a definite refusal."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aggregator.domain.errors import ImpossibleUpdate, UnknownResource
from aggregator.domain.messages import Level, Message
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import OfferSet, Route
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.views import SessionView
from aggregator.ports.clock import Clock
from aggregator.ports.store import Routes, WinnerReadings
from aggregator.services.accepting import Accepting
from aggregator.services.caller import Caller
from aggregator.services.repeating import Repeating, Requested
from aggregator.services.sessions import Sessions, Status

_ENDS_THE_SET: Final = frozenset({"sibling-accepted", "accept-lost"})


@dataclass(frozen=True, slots=True)
class DirectExecution:
    """What became of a direct execution; ``taken`` says whether a site runs it."""

    view: SessionView
    taken: bool


class Failover:
    """Accepts the first offer of several that its site takes.

    Where a site doesn't say whether it took one, no other is tried: two sites could
    end up running the same.
    """

    def __init__(
        self,
        *,
        repeating: Repeating,
        winners: WinnerReadings,
        accepting: Accepting,
        sessions: Sessions,
        routes: Routes,
        clock: Clock,
        now: Callable[[], float],
        new_uuid: Callable[[], str],
    ) -> None:
        self._repeating = repeating
        self._winners = winners
        self._accepting = accepting
        self._sessions = sessions
        self._routes = routes
        self._clock = clock
        self._now = now
        self._new_uuid = new_uuid

    async def execute(
        self, request: ExecutionRequest, caller: Caller
    ) -> DirectExecution:
        """Ask for offers and accept the best that its site takes.

        Raises:
            FanOutFailed: No offer came, and that isn't a NO.
            AcceptPending: A site has not said yet whether it took the offer.
            Overloaded, StoreUnavailable: As for the two steps by themselves.
        """
        requested = await self._repeating.request_offers(request, caller)
        # The wait that the client granted was for the offers; accepting has its own.
        patient = replace(caller, received=self._now(), wait=None)
        offer_set = requested.offer_set.uuid
        async with self._accepting.in_time(offer_set, patient):
            return await self._accept_any(requested, patient)

    async def _accept_any(
        self, requested: Requested, caller: Caller
    ) -> DirectExecution:
        offer_set = requested.offer_set
        routes = await self._routes.of_offer_set(offer_set.uuid)
        if requested.repeated:
            routes = await self._winner_first(offer_set.uuid, routes)
        taken, refusals = await self._first_taken(routes, caller)
        if taken is None:
            return DirectExecution(self._refused(offer_set, refusals), taken=False)
        return DirectExecution(await self._view(taken, refusals), taken=True)

    async def accept(self, session: str, caller: Caller) -> SessionView:
        """Accept ``session``, or else the next best offer of its set.

        Where none could be accepted, the session is returned as it is with the
        reasons; strict callers get the error.

        Raises:
            UnknownResource: There is no such session of the caller's.
            ImpossibleUpdate: None could be accepted, and the caller is strict.
            AcceptPending: A site has not said yet whether it took the offer.
        """
        async with self._accepting.in_time(session, caller):
            wanted = await self._sessions.route(session, caller.principal)
        async with self._accepting.in_time(wanted.offer_set, caller):
            return await self._accept(wanted, caller)

    async def _accept(self, wanted: Route, caller: Caller) -> SessionView:
        siblings = await self._routes.of_offer_set(wanted.offer_set)
        following = [r for r in siblings if r.position > wanted.position]
        taken, refusals = await self._first_taken((wanted, *following), caller)
        if taken is not None:
            return await self._view(taken, refusals)
        if caller.strict:
            raise ImpossibleUpdate(
                "offer-refused", "; ".join(message.text for message in refusals)
            )
        return await self._view(
            wanted, [replace(m, level=Level.ERROR) for m in refusals]
        )

    async def _winner_first(
        self, offer_set: str, routes: Sequence[Route]
    ) -> Sequence[Route]:
        winner = await self._winners.of_offer_set(offer_set)
        session = winner.session if winner is not None else None
        return sorted(routes, key=lambda route: route.session != session)

    async def _first_taken(
        self, routes: Iterable[Route], caller: Caller
    ) -> tuple[Route | None, list[Message]]:
        refusals: list[Message] = []
        for route in routes:
            try:
                await self._accepting.accept(route, caller)
            except ImpossibleUpdate as error:
                refusals.append(self._refusal(route, error))
                if error.kind in _ENDS_THE_SET:
                    break
            else:
                return route, refusals
        return None, refusals

    def _refusal(self, route: Route, error: ImpossibleUpdate) -> Message:
        return Message(
            f"urn:metabroker:{error.kind}",
            Level.WARN,
            "offer {session} of {site} was not accepted: {reason}",
            {"session": route.session, "site": route.site, "reason": error.detail},
            self._clock.now(),
        )

    async def _view(self, taken: Route, refusals: list[Message]) -> SessionView:
        route = await self._routes.get(taken.session)
        if route is None:
            raise UnknownResource(f"there is no session {taken.session}")
        return self._sessions.view(Status(route), *refusals)

    def _refused(self, offer_set: OfferSet, refusals: list[Message]) -> SessionView:
        request = offer_set.request
        payload = {
            key: value
            for key, value in request.payload.items()
            if key in {"executable", "compute", "storage", "data"}
        }
        return SessionView(
            session=self._new_uuid(),
            payload=payload,
            request_residue=request.residue,
            dialect=request.dialect,
            phase=SessionPhase.FAILED,
            messages=(*offer_set.messages, *refusals),
        )
