"""Errors that a use case raises: each is one clear answer to its caller.

The HTTP layer maps each class to a status in one table; none of them knows HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.domain.outcomes import SiteAnswer


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with an input.

    Attributes:
        pointer: JSON pointer to the place, ``""`` for the whole document.
        reason: What is wrong there, in words for the person who wrote it.
        line: The line of the place in the text as it was sent, from 1.
        column: Its column, from 1.
    """

    pointer: str
    reason: str
    line: int | None = None
    column: int | None = None


class MetaBrokerError(Exception):
    """Base of all that a use case may raise to its caller."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class InputError(MetaBrokerError):
    """An input can't be understood, or is not what the protocol allows."""

    def __init__(self, detail: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(detail)
        self.violations = tuple(violations)


class SyntaxFault(InputError):
    """The text isn't well-formed JSON, YAML or XML."""


class InvalidInput(InputError):
    """The text is well-formed, its content is not what the protocol allows."""


class UnknownPolicy(InvalidInput):
    """A ranking policy was asked for that can't be chosen."""


class PolicyFailed(MetaBrokerError):
    """A filter or weigher of a ranking policy failed: a fault in its code."""


class UnsupportedMediaType(MetaBrokerError):
    """The body's media type is none that we read."""


class NotAcceptable(MetaBrokerError):
    """None of the media types or dialects that the client accepts is ours."""


class BodyTooLarge(MetaBrokerError):
    """A body is larger than the service reads."""


class UnknownResource(MetaBrokerError):
    """There is no such offer set or session, or none that the caller may see."""


class ImpossibleUpdate(MetaBrokerError):
    """A well-formed update that can't be done now: a sibling won, it expired, ..."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class AcceptPending(MetaBrokerError):
    """The site has not yet said whether it took the acceptance.

    Attributes:
        session: The session to follow, or to accept again.
    """

    def __init__(self, detail: str, session: str, retry_after: float) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.session = session


class Overloaded(MetaBrokerError):
    """More is asked than the limits allow; nothing was begun."""


class StoreUnavailable(MetaBrokerError):
    """The store can't be written or read, so nothing that must last was done."""


class SiteUnavailable(MetaBrokerError):
    """The owning site can't be reached, and nothing is known to answer instead."""


class FanOutFailed(MetaBrokerError):
    """No offer came, and that isn't a NO.

    Attributes:
        offer_set: The uuid of the set that late answers may still fill.
        answers: What each site did.
    """

    def __init__(
        self,
        detail: str,
        offer_set: str,
        answers: Sequence[SiteAnswer],
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.offer_set = offer_set
        self.answers = tuple(answers)


class SitesUnavailable(FanOutFailed):
    """A site that was asked didn't answer, and none made an offer."""


class SitesSilent(FanOutFailed):
    """Nothing came from any site that was asked before the deadline."""


class NoSiteToAsk(FanOutFailed):
    """There is no site to which the request could go."""


class CredentialsWanted(FanOutFailed):
    """Every site refused for lack of credentials.

    Attributes:
        forbidden: True where credentials were given but don't suffice.
    """

    def __init__(
        self,
        detail: str,
        offer_set: str,
        answers: Sequence[SiteAnswer],
        *,
        forbidden: bool,
    ) -> None:
        super().__init__(detail, offer_set, answers)
        self.forbidden = forbidden


class LoopDetected(MetaBrokerError):
    """A request came back to us through other meta-brokers."""


class InvalidToken(MetaBrokerError):
    """A token isn't valid, or not for us."""


class TokenMissing(MetaBrokerError):
    """A token is required, and none was sent."""


class NotAllowed(MetaBrokerError):
    """Only others may do this, such as operators."""


class IdentityUnavailable(MetaBrokerError):
    """Whether a token is valid can't be found out now."""


class UserOverLimit(MetaBrokerError):
    """One user asks for more at once than is granted to each."""


class KeyReused(MetaBrokerError):
    """An idempotency key comes with another request than before."""


class AnswerPending(MetaBrokerError):
    """An earlier request of the same idempotency key is still under way."""
