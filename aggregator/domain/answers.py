"""What the outcomes of all sites together mean for the client, and how it is said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from aggregator.domain.events import Completeness
from aggregator.domain.messages import Level, Message
from aggregator.domain.outcomes import (
    ANSWERED,
    CREDENTIALS_WANTED,
    NOT_ASKED,
    REFUSALS,
    SILENT,
    Outcome,
    SiteAnswer,
)
from aggregator.domain.ranking.explanation import FunnelStep
from aggregator.domain.records import OfferSet


class Standing(StrEnum):
    """What a fan-out came to."""

    OFFERS = "offers"
    NO = "no"
    UNAVAILABLE = "unavailable"
    SILENT = "silent"
    NOBODY_TO_ASK = "nobody_to_ask"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"


def standing(offers: int, answers: Sequence[SiteAnswer]) -> Standing:
    """Say what a fan-out came to.

    A site that wasn't asked because it can't do this has as good as said NO: the
    same request had its NO before that was known, and gets it again.

    Args:
        offers: How many offers there are after filtering.
        answers: One for each configured site, asked or not.
    """
    outcomes = {answer.outcome for answer in answers}
    asked = outcomes - NOT_ASKED
    if offers:
        return Standing.OFFERS
    if not asked:
        known = Outcome.INCAPABLE in outcomes
        return Standing.NO if known else Standing.NOBODY_TO_ASK
    if asked <= CREDENTIALS_WANTED:
        wanted = Outcome.UNAUTHORIZED in asked
        return Standing.UNAUTHORIZED if wanted else Standing.FORBIDDEN
    if asked <= ANSWERED:
        return Standing.NO
    return Standing.SILENT if asked <= SILENT else Standing.UNAVAILABLE


def completeness(answers: Sequence[SiteAnswer]) -> Completeness:
    """Say how much of the federation that was asked has answered."""
    asked = [a.outcome for a in answers if a.outcome not in NOT_ASKED]
    answered = sum(outcome in ANSWERED for outcome in asked)
    if not answered:
        return Completeness.NONE
    return Completeness.COMPLETE if answered == len(asked) else Completeness.PARTIAL


_MOST_REASONS: Final = 3
_LONGEST_REASON: Final = 200

_WORDS: Final = {
    Outcome.NO_OFFER: "said NO",
    Outcome.REFUSED_4XX: "refused the request",
    Outcome.UNAUTHORIZED: "wants credentials",
    Outcome.FORBIDDEN: "doesn't allow this user",
    Outcome.MISCONFIGURED: "doesn't speak the protocol as configured",
    Outcome.NO_TOKEN: "couldn't be asked without a token for it",
    Outcome.THROTTLED: "asked to be left alone for a while",
    Outcome.ERROR_5XX: "failed",
    Outcome.CONNECT_ERROR: "couldn't be reached",
    Outcome.TIMEOUT: "didn't answer in time",
    Outcome.BAD_PAYLOAD: "answered what isn't an offer set",
    Outcome.TOO_LARGE: "answered more than is read",
    Outcome.LOOP: "would have asked us again",
    Outcome.CANCELLED: "was no longer waited for",
    Outcome.PENDING: "hasn't answered yet; its offers join this set if they come",
    Outcome.BREAKER_OPEN: "wasn't asked: it failed too often just now",
    Outcome.DRAINED: "wasn't asked: its operator drained it",
    Outcome.DOWNTIME: "wasn't asked: it is in a downtime",
    Outcome.DISABLED: "wasn't asked: it is disabled",
    Outcome.INCAPABLE: "wasn't asked: it can't do this",
    Outcome.BUSY: "wasn't asked: too many calls to it are open",
}


def site_messages(answers: Sequence[SiteAnswer], now: datetime) -> tuple[Message, ...]:
    """Return a message for each site whose offers aren't in the set."""
    return tuple(
        _site_message(answer, now)
        for answer in answers
        if answer.outcome is not Outcome.OK
    )


def _site_message(answer: SiteAnswer, now: datetime) -> Message:
    said_no = answer.outcome in REFUSALS
    template = "{site} " + _WORDS[answer.outcome]
    values = {"site": answer.site, "outcome": answer.outcome.value}
    detail = answer.detail or "; ".join(_reasons(answer.messages)[:_MOST_REASONS])
    if detail:
        template += ": {detail}"
        values["detail"] = detail
    return Message(
        kind="urn:metabroker:site-said-no"
        if said_no
        else "urn:metabroker:site-missing",
        level=Level.INFO if said_no else Level.WARN,
        template=template,
        values=values,
        time=now,
    )


def _reasons(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the texts of a site's messages that tell why it said no."""
    errors = [m for m in messages if m.get("level") == Level.ERROR]
    texts = (m.get("message") or m.get("template") for m in errors or messages)
    return [text[:_LONGEST_REASON] for text in texts if isinstance(text, str) and text]


def as_known(offer_set: OfferSet, now: datetime) -> OfferSet:
    """Return a set in which no site is still waited for that no longer is.

    Nothing joins a set that is decided, or whose time for late answers is over,
    whatever the sites were doing when it was last written.
    """
    if offer_set.open and (offer_set.late_until is None or now < offer_set.late_until):
        return offer_set
    over = Outcome.TIMEOUT if offer_set.open else Outcome.CANCELLED
    answers = tuple(
        replace(answer, outcome=over) if answer.outcome is Outcome.PENDING else answer
        for answer in offer_set.answers
    )
    said = {message.values["site"]: message for message in site_messages(answers, now)}
    messages = tuple(
        replace(said[message.values["site"]], time=message.time)
        if message.values.get("outcome") == Outcome.PENDING
        else message
        for message in offer_set.messages
    )
    return replace(offer_set, answers=answers, messages=messages)


def funnel_messages(funnel: Sequence[FunnelStep], now: datetime) -> tuple[Message, ...]:
    """Return a message for each filter of the policy that took offers out."""
    return tuple(
        Message(
            kind="urn:metabroker:offers-filtered",
            level=Level.INFO,
            template="filter {filter} took {count} of {before} offers",
            values={
                "filter": step.filter,
                "count": str(step.before - step.after),
                "before": str(step.before),
            },
            time=now,
        )
        for step in funnel
        if step.after < step.before
    )


def request_notes(answers: Sequence[SiteAnswer]) -> tuple[str, ...]:
    """Return a sentence for each change of the request on its way to sites."""
    sites: dict[str, list[str]] = {}
    for answer in answers:
        for change in answer.changes:
            sites.setdefault(change, []).append(answer.site)
    return tuple(f"{change} ({', '.join(names)})" for change, names in sites.items())
