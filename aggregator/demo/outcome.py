"""The demo's outcome as one document, for machines."""

from collections.abc import Mapping
from typing import Any

from aggregator.client import RankedOfferAnswer, SessionAnswer
from aggregator.demo.story import Offers


def as_document(offers: Offers, session: SessionAnswer) -> dict[str, Any]:
    """Return the ranked offers, what each site did, and the final session.

    Offers have a ``rank`` from 1, times in seconds from the moment of ranking
    (``start_s``, ``data_ready_s``), ``bytes_to_move``, and ``memory`` in GiB.
    """
    ranked = offers.ranking.by_session
    return {
        "offer_set": offers.offer_set.uuid,
        "result": offers.offer_set.result,
        "offers": [
            _offer(rank, offer, ranked)
            for rank, offer in enumerate(offers.offer_set.offers, start=1)
        ],
        "sites": [report.document for report in offers.sites],
        "session": session.document,
    }


def _offer(
    rank: int, offer: SessionAnswer, ranked: Mapping[str, RankedOfferAnswer]
) -> dict[str, Any]:
    why = ranked.get(offer.uuid, RankedOfferAnswer({}))
    return {
        "rank": rank,
        "site": why.site,
        "session": offer.uuid,
        "start_s": why.offered_start,
        "data_ready_s": why.data_ready,
        "bytes_to_move": why.bytes_to_move,
        "cores": {"min": offer.cores.min, "max": offer.cores.max},
        "memory": {"min": offer.memory.min, "max": offer.memory.max},
        "why": why.reason,
    }
