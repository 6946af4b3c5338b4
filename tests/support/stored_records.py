"""Records to keep: offer sets, offers, winners and releases with sensible members."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.domain.messages import Level, Message
from aggregator.domain.offers import Amount, DataItem, Offer, Quote
from aggregator.domain.outcomes import Outcome, SiteAnswer
from aggregator.domain.records import OfferSet, Release, Winner, WinnerState
from aggregator.domain.replicas import Did
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SET = "4c2e6ab8-3f60-4b8e-9a5d-0d6a63a3f001"
FIRST = "b1a9f6d2-0000-4000-8000-000000000001"
SECOND = "b1a9f6d2-0000-4000-8000-000000000002"
THIRD = "b1a9f6d2-0000-4000-8000-000000000003"


def later(seconds: float) -> datetime:
    """Return the moment that many seconds after ``NOW``."""
    return NOW + timedelta(seconds=seconds)


def offer(session: str = FIRST, **members: Any) -> Offer:
    """Return an offer of a site for ten minutes, valid for five."""
    return Offer(
        **{
            "site": "lisboa",
            "session": session,
            "site_session": session,
            "start": StartInterval(later(60), later(120)),
            "preparing": 1.5,
            "available": 600.0,
            "expires": later(300),
            "cores": Amount(1, 4),
            "memory": Amount(2, None),
            "data": (DataItem("in", Did("testing", "a"), 2**45 + 1, ("PT_STORM",)),),
            "costs": (Quote("urn:cost", None, 1.25),),
            "payload": {"meta": {"uuid": session}, "phase": "OFFERED"},
            "residue": {"/meta": {"type": "x"}},
            **members,
        }
    )


def offer_set(*sessions: str, uuid: str = SET, **members: Any) -> OfferSet:
    """Return an open set with an offer for each of ``sessions``."""
    return OfferSet(
        **{
            "uuid": uuid,
            "created": NOW,
            "request": ExecutionRequest(
                "docker-container",
                name="mosaic",
                duration=600.0,
                dialect="2025-11",
                payload={"executable": {"kind": "urn:docker"}},
                residue={"/executable": {"digest": "0000"}},
            ),
            "issuer": "https://issuer.example",
            "subject": "ana",
            "offers": tuple(offer(session) for session in sessions),
            "answers": (
                SiteAnswer("lisboa", Outcome.OK, seconds=0.25),
                SiteAnswer("madrid", Outcome.TIMEOUT, detail="nothing came"),
            ),
            "messages": (
                Message("urn:m", Level.WARN, "{site} is missing", {"site": "madrid"}),
            ),
            "ranking": {"policy": "default", "offers": [{"rank": 1, "delay": 60.0}]},
            "late_until": later(60),
            **members,
        }
    )


def winner(session: str = FIRST, **members: Any) -> Winner:
    """Return the claim of an offer as the winner of its set."""
    return Winner(
        **{
            "offer_set": SET,
            "session": session,
            "site": "lisboa",
            "site_session": session,
            "state": WinnerState.ACCEPTING,
            "since": NOW,
            "give_up": later(330),
            **members,
        }
    )


def release(session: str = SECOND, **members: Any) -> Release:
    """Return the release of an offer, due at ``NOW``."""
    return Release(
        **{
            "site": "lisboa",
            "session": session,
            "reason": "a sibling won",
            "queued": NOW,
            "expires": later(300),
            **members,
        }
    )
