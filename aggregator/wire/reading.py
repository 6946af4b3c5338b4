"""Reading: decoded documents into the domain's values."""

from aggregator.wire.answers import (
    BadPayload,
    SiteOfferSet,
    offer_from_payload,
    read_site_offer_set,
    read_site_session,
)
from aggregator.wire.requests import read_request, read_update

__all__ = [
    "BadPayload",
    "SiteOfferSet",
    "offer_from_payload",
    "read_request",
    "read_site_offer_set",
    "read_site_session",
    "read_update",
]
