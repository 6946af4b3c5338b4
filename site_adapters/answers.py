"""What sites' answers say: documents read, with no fault of theirs or ours let out."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import orjson
import structlog

from aggregator.domain.outcomes import Outcome, SessionReading, SiteAnswer
from aggregator.wire.dialects import detect_dialect
from aggregator.wire.dialects.base import Dialect
from aggregator.wire.reading import (
    BadPayload,
    SiteOfferSet,
    read_site_offer_set,
    read_site_session,
)
from aggregator.wire.sizes import are_large
from site_adapters.outcomes import Failure, plain

_log = structlog.get_logger(__name__)

_Value = TypeVar("_Value")


def written(site: str, write: Callable[[], Mapping[str, Any]]) -> bytes | Failure:
    """Return as JSON what ``write`` makes; a failure where it can't be said so."""
    try:
        return orjson.dumps(write())
    except Exception as error:  # noqa: BLE001 - costs this one site, not the fan-out
        _log.error("site_document_unwritable", site=site, error=type(error).__name__)
        return Failure(Outcome.INCAPABLE, "this can't be said in its dialect")


def spoken_in(site: str, document: dict[str, Any], default: Dialect) -> Dialect:
    """Return the dialect that an answer is in, ``default`` where that may well be."""
    name = default.name
    dialect = _read(site, lambda: detect_dialect(document, name, preferred=name))
    return default if isinstance(dialect, Failure) else dialect


async def read_offers(
    site: str, document: dict[str, Any], dialect: Dialect, most: int
) -> SiteAnswer:
    """Return what an offer set says; of more than ``most`` offers the first ones.

    A large one is read off the loop.
    """
    made = document.get("offers")
    left_out = 0
    if isinstance(made, list) and len(made) > most:
        left_out = len(made) - most
        document = {**document, "offers": made[:most]}
    read = partial(_read, site, partial(read_site_offer_set, site, document, dialect))
    is_large = isinstance(made, list) and are_large(made[:most])
    offer_set = await asyncio.to_thread(read) if is_large else read()
    if isinstance(offer_set, Failure):
        return SiteAnswer(site, offer_set.outcome, detail=offer_set.detail)
    return _answer(site, offer_set, left_out)


def _answer(site: str, offer_set: SiteOfferSet, left_out: int) -> SiteAnswer:
    messages = offer_set.messages
    if not offer_set.offers and (offer_set.result or offer_set.dropped):
        detail = "none of the offers that it made can be read"
        return SiteAnswer(site, Outcome.BAD_PAYLOAD, messages=messages, detail=detail)
    if not offer_set.offers:
        return SiteAnswer(site, Outcome.NO_OFFER, messages=messages)
    return SiteAnswer(
        site,
        Outcome.OK,
        offer_set.offers,
        messages=messages,
        detail=_omissions(offer_set.dropped, left_out),
    )


def _omissions(dropped: int, left_out: int) -> str:
    parts = []
    if dropped:
        parts.append(f"offers that can't be read: {dropped}")
    if left_out:
        parts.append(f"offers beyond the limit: {left_out}")
    return ", ".join(parts)


def read_reading(
    site: str, session: str, document: dict[str, Any], dialect: Dialect
) -> SessionReading:
    """Return what a document says of ``session``; another's is a bad payload."""
    read = _read(site, lambda: read_site_session(document, dialect))
    if isinstance(read, Failure):
        return SessionReading(site, read.outcome, detail=read.detail)
    payload, residue, phase = read
    if _uuid_of(payload) != session.lower():
        detail = "it answered with another session than the one asked for"
        return SessionReading(site, Outcome.BAD_PAYLOAD, detail=detail)
    return SessionReading(site, Outcome.OK, phase, payload, residue)


def _uuid_of(payload: Mapping[str, Any]) -> str | None:
    meta = payload.get("meta")
    uuid = meta.get("uuid") if isinstance(meta, Mapping) else None
    return uuid.lower() if isinstance(uuid, str) else None


def _read(site: str, read: Callable[[], _Value]) -> _Value | Failure:
    try:
        return read()
    except BadPayload as error:
        return Failure(Outcome.BAD_PAYLOAD, plain(str(error)))
    except Exception as error:  # noqa: BLE001 - costs this one site, not the fan-out
        _log.error("site_answer_unreadable", site=site, error=type(error).__name__)
        return Failure(Outcome.BAD_PAYLOAD, "the answer can't be read")
