"""Answers of sites: offer sets and sessions, read so that rubbish costs only itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aggregator.domain.offers import Offer
from aggregator.domain.phases import SessionPhase, session_phase
from aggregator.wire import extraction
from aggregator.wire.dialects import Canonical, Dialect, detect_dialect
from aggregator.wire.documents import DEEPEST_OF_SITES, is_deeper_than

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOST_MESSAGES: Final = 50
_RESULTS: Final = {"YES": True, "NO": False}

T = TypeVar("T")


class BadPayload(ValueError):
    """A site's answer isn't what the protocol says; the text tells why, shortly."""


@dataclass(frozen=True, slots=True)
class SiteOfferSet:
    """What a site answered to a request for offers.

    Attributes:
        result: Whether it says that it offers something, or does.
        offers: Its offers, in its own order.
        messages: Its first messages, as the canonical vocabulary has them.
        dropped: How many of its offers couldn't be read, or came twice.
    """

    result: bool
    offers: tuple[Offer, ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()
    dropped: int = 0


def read_site_offer_set(site: str, document: object, dialect: Dialect) -> SiteOfferSet:
    """Read what a site answered to a request for offers.

    Args:
        site: The configured name of the site.
        document: The decoded body.
        dialect: The dialect that the site is thought to speak.

    Raises:
        BadPayload: It isn't an offer set.
    """
    if not isinstance(document, dict):
        raise BadPayload("the answer is not a mapping")
    listed = document.get("offers")
    if listed is not None and not isinstance(listed, list):
        raise BadPayload("its offers are not a list")
    envelope = {key: value for key, value in document.items() if key != "offers"}
    if is_deeper_than(envelope, DEEPEST_OF_SITES):
        raise BadPayload("the answer is nested too deeply")
    spoken = _spoken(document, dialect)
    payload = spoken.offer_set_payload(envelope)
    offers = _offers(site, listed or [], spoken)
    result = payload.get("result")
    says = _RESULTS.get(result.strip().upper()) if isinstance(result, str) else None
    if says is None and listed is None:
        raise BadPayload("there is neither a result nor a list of offers")
    return SiteOfferSet(
        result=bool(says or offers),
        offers=offers,
        messages=tuple(
            extraction.mappings(extraction.mapping(payload, "meta"), "messages")
        )[:_MOST_MESSAGES],
        dropped=len(listed or []) - len(offers),
    )


def read_site_session(
    document: object, dialect: Dialect
) -> tuple[dict[str, Any], dict[str, Any], SessionPhase | None]:
    """Read a session as a site gave it.

    Returns:
        Its payload and residue, and its phase, None where that is none that is known.

    Raises:
        BadPayload: It isn't a session.
    """
    if not isinstance(document, dict):
        raise BadPayload("the answer is not a mapping")
    if is_deeper_than(document, DEEPEST_OF_SITES):
        raise BadPayload("the answer is nested too deeply")
    canonical = _canonical_session(document, _spoken(document, dialect))
    payload = canonical.payload
    phase = session_phase(payload.get("phase"))
    if phase is None and _uuid(payload) is None:
        raise BadPayload("there is neither a phase nor a uuid")
    return payload, canonical.residue, phase


def offer_from_payload(
    site: str, payload: Mapping[str, Any], residue: Mapping[str, Any], position: int
) -> Offer:
    """Read an offer out of a session's canonical payload.

    Args:
        site: The configured name of the site that made it.
        payload: The session in the canonical vocabulary.
        residue: What came with it.
        position: Its place in the site's own order, from 0.

    Raises:
        BadPayload: It has no uuid, or is no offer any more.
    """
    uuid = _uuid(payload)
    if uuid is None:
        raise BadPayload("an offer has no valid uuid")
    if payload.get("phase") not in (None, SessionPhase.OFFERED):
        raise BadPayload(f"an offer is in phase {payload['phase']!r}")
    compute = extraction.mapping(payload, "compute")
    parts = [extraction.mapping(node, "schedule") for node in (payload, compute)]
    preparing = [extraction.mapping(part, "preparing") for part in parts]
    available = [extraction.mapping(part, "available") for part in parts]
    return Offer(
        site=site,
        session=uuid,
        site_session=uuid,
        position=position,
        start=_first(extraction.interval(part, "start") for part in available),
        preparing=_first(extraction.seconds(part, "duration") for part in preparing),
        available=_first(extraction.seconds(part, "duration") for part in available),
        expires=extraction.instant(payload, "expires"),
        cores=extraction.amount(compute, "cores"),
        memory=extraction.amount(compute, "memory"),
        data=extraction.data_items(payload),
        costs=extraction.quotes(payload, "costs")
        or extraction.quotes(compute, "costs"),
        metrics=(
            extraction.quotes(payload, "metrics")
            or extraction.quotes(compute, "metrics")
        ),
        payload=payload,
        residue=residue,
    )


def _offers(site: str, listed: list[Any], dialect: Dialect) -> tuple[Offer, ...]:
    offers: dict[str, Offer] = {}
    for position, document in enumerate(listed):
        if not isinstance(document, dict) or is_deeper_than(document, DEEPEST_OF_SITES):
            continue
        canonical = _canonical_session(document, dialect)
        try:
            offer = offer_from_payload(
                site, canonical.payload, canonical.residue, position
            )
        except BadPayload:
            continue
        offers.setdefault(offer.session, offer)
    return tuple(offers.values())


def _canonical_session(document: dict[str, Any], dialect: Dialect) -> Canonical:
    """Return a session as canonical, with its residue where that is ever restored."""
    if dialect.restores_sessions:
        return dialect.session_to_canonical(document)
    return Canonical(dialect.session_payload(document))


def _spoken(document: dict[str, Any], dialect: Dialect) -> Dialect:
    """Return the dialect that a site really spoke: a site may have been upgraded."""
    if dialect.discriminator in document:
        return dialect
    return detect_dialect(document, dialect.name)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _uuid(payload: Mapping[str, Any]) -> str | None:
    uuid = extraction.text(extraction.mapping(payload, "meta"), "uuid")
    if uuid is None:
        uuid = extraction.text(payload, "uuid")
    if uuid is None or _UUID.fullmatch(uuid) is None:
        return None
    return uuid.lower()
