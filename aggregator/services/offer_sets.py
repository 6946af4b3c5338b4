"""Offer sets as they are shown: offers, what each site did, and why this order."""

from collections.abc import Mapping
from typing import Any

from aggregator.domain.errors import UnknownResource
from aggregator.domain.messages import Level, Message
from aggregator.domain.outcomes import ANSWERED, NOT_ASKED, SiteAnswer
from aggregator.domain.principal import Principal
from aggregator.domain.records import OfferSet, Route
from aggregator.domain.status import shown_phase
from aggregator.domain.views import OfferSetView, SessionView
from aggregator.ports.clock import Clock
from aggregator.ports.store import OfferSets, Routes
from aggregator.services.requesting import raise_unless_answered


class ShownOfferSets:
    """Reads offer sets, and shows them with the phases that are known now."""

    def __init__(self, offer_sets: OfferSets, routes: Routes, clock: Clock) -> None:
        self._offer_sets = offer_sets
        self._routes = routes
        self._clock = clock

    async def get(self, uuid: str, principal: Principal) -> OfferSet:
        """Return a set of ``principal``.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
        """
        offer_set = await self._offer_sets.get(uuid)
        if offer_set is None or not principal.owns(offer_set.issuer, offer_set.subject):
            raise UnknownResource(f"there is no offer set {uuid}")
        return offer_set

    async def view(self, uuid: str, principal: Principal) -> OfferSetView:
        """Return a set of ``principal`` as it is shown now.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
            FanOutFailed: It has no offers, and that isn't a NO.
        """
        offer_set = await self.get(uuid, principal)
        raise_unless_answered(offer_set)
        routes = await self._routes.of_offer_set(uuid)
        return self.show(offer_set, {route.session: route for route in routes})

    def show(
        self, offer_set: OfferSet, routes: Mapping[str, Route] | None = None
    ) -> OfferSetView:
        """Return a set as it is shown.

        Args:
            offer_set: The set.
            routes: What was learnt of its sessions since, by uuid; none for a set
                that was just made.
        """
        reasons = _reasons(offer_set.ranking)
        known = routes or {}
        return OfferSetView(
            uuid=offer_set.uuid,
            name=offer_set.request.name,
            created=offer_set.created,
            offers=tuple(
                self._offer_view(
                    offer_set, offer.session, reasons, known.get(offer.session), index
                )
                for index, offer in enumerate(offer_set.offers)
            ),
            request_residue=offer_set.request.residue,
            dialect=offer_set.request.dialect,
            messages=offer_set.messages,
            site_messages=tuple(
                _of_site(answer.site, message)
                for answer in offer_set.answers
                for message in answer.messages
            ),
            version=offer_set.version,
            complete=all(
                answer.outcome in ANSWERED | NOT_ASKED for answer in offer_set.answers
            ),
        )

    def _offer_view(
        self,
        offer_set: OfferSet,
        session: str,
        reasons: Mapping[str, Mapping[str, Any]],
        route: Route | None,
        index: int,
    ) -> SessionView:
        offer = offer_set.offers[index]
        return SessionView(
            session=session,
            payload=route.last_payload if route is not None else offer.payload,
            residue=route.last_residue if route is not None else offer.residue,
            request_residue=offer_set.request.residue,
            dialect=offer_set.request.dialect,
            phase=(
                shown_phase(route, self._clock.now()) if route is not None else None
            ),
            messages=_rank_messages(offer_set, reasons.get(session)),
        )


def _reasons(ranking: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {ranked["session"]: ranked for ranked in ranking.get("offers", ())}


def _rank_messages(
    offer_set: OfferSet, ranked: Mapping[str, Any] | None
) -> tuple[Message, ...]:
    if ranked is None:
        return ()
    return (
        Message(
            "urn:metabroker:rank",
            Level.INFO,
            "rank {rank} of {offers}, at {site}: {reason}",
            {
                "rank": str(ranked["rank"]),
                "offers": str(len(offer_set.offers)),
                "site": str(ranked["site"]),
                "reason": str(ranked["reason"]),
            },
            offer_set.created,
        ),
    )


def _of_site(site: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a site's message so that a reader knows whose it is."""
    values = message.get("values")
    known = values if isinstance(values, Mapping) else {}
    return {**message, "values": {"site": site, **known}}


def site_documents(answers: tuple[SiteAnswer, ...]) -> list[dict[str, Any]]:
    """Return what each site did as plain data, in configured order."""
    return [
        {
            "site": answer.site,
            "outcome": answer.outcome.value,
            "asked": answer.outcome not in NOT_ASKED,
            "seconds": round(answer.seconds, 3),
            "offers": answer.offer_count,
            "detail": answer.detail,
            "changes": list(answer.changes),
            "messages": [dict(message) for message in answer.messages],
        }
        for answer in answers
    ]
