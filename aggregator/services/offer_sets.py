"""Offer sets as they are shown: offers, what each site did, and why this order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aggregator.domain.answers import as_known
from aggregator.domain.errors import UnknownResource
from aggregator.domain.messages import Level, Message
from aggregator.domain.notices import store_away_notice
from aggregator.domain.outcomes import ANSWERED, NOT_ASKED, SiteAnswer
from aggregator.domain.principal import Principal
from aggregator.domain.records import OfferSet, Route
from aggregator.domain.status import shown_phase
from aggregator.domain.views import OfferSetView, SessionView
from aggregator.ports.clock import Clock
from aggregator.services.known_offer_sets import KnownOfferSet, KnownOfferSets
from aggregator.services.requesting import raise_unless_answered


class ShownOfferSets:
    """Reads offer sets, and shows them with the phases that are known now."""

    def __init__(self, known: KnownOfferSets, clock: Clock) -> None:
        self._known = known
        self._clock = clock

    async def get(self, uuid: str, principal: Principal) -> OfferSet:
        """Return a set of ``principal``.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
            StoreUnavailable: It isn't known whether there is one.
        """
        return (await self._of(uuid, principal)).offer_set

    async def view(self, uuid: str, principal: Principal) -> OfferSetView:
        """Return a set of ``principal`` as it is shown now, or was known last.

        Raises:
            UnknownResource: There is none, or none that the principal may see.
            FanOutFailed: It has no offers, and that isn't a NO.
            StoreUnavailable: It isn't known whether there is one.
        """
        known = await self._of(uuid, principal)
        raise_unless_answered(known.offer_set)
        view = self._show(known.offer_set, known.routes)
        if not known.fault:
            return view
        notice = store_away_notice(known.fault, known.read)
        return replace(view, messages=(*view.messages, notice))

    def made(self, offer_set: OfferSet) -> OfferSetView:
        """Return a set that was just made as it is shown."""
        self._known.remember(offer_set)
        return self._show(offer_set, {})

    async def _of(self, uuid: str, principal: Principal) -> KnownOfferSet:
        known = await self._known.get(uuid)
        if known is None or not principal.owns(
            known.offer_set.issuer, known.offer_set.subject
        ):
            raise UnknownResource(f"there is no offer set {uuid}")
        offer_set = as_known(known.offer_set, self._clock.now())
        return replace(known, offer_set=offer_set)

    def _show(self, offer_set: OfferSet, routes: Mapping[str, Route]) -> OfferSetView:
        reasons = _reasons(offer_set.ranking)
        return OfferSetView(
            uuid=offer_set.uuid,
            name=offer_set.request.name,
            created=offer_set.created,
            offers=tuple(
                self._offer_view(
                    offer_set, offer.session, reasons, routes.get(offer.session), index
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
