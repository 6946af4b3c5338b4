"""What can go wrong between a client and a broker, as two kinds of exception."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aggregator.client import reading
from aggregator.client.answers import SiteReport
from aggregator.domain.errors import Violation


class BrokerError(Exception):
    """Base of all that ``BrokerClient`` raises; its text is fit for users."""


class BrokerProblem(BrokerError):
    """The broker answered, and its answer is an error.

    Attributes:
        status: The answer's HTTP status.
        title: What kind of problem it is.
        detail: What happened this time; empty where the broker doesn't say.
        violations: What is wrong with the input, place by place.
        retry_after: Seconds after which the broker asked to be tried again.
        document: The problem details as they came (RFC 9457), every key kept;
            empty where the body was none.
    """

    def __init__(
        self,
        status: int,
        title: str,
        *,
        detail: str = "",
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.document = document or {}

    @property
    def sites(self) -> tuple[SiteReport, ...]:
        """What each site did, where a meta-broker says that."""
        return tuple(map(SiteReport, reading.mappings(self.document.get("sites"))))

    @property
    def offer_set(self) -> str:
        """The uuid of the set that late answers may still fill; empty if none."""
        url = reading.text(self.document.get("offerset"))
        return url.rstrip("/").rpartition("/")[2]

    @property
    def wants_credentials(self) -> bool:
        """Whether the broker refused for lack of (other) credentials."""
        return self.status in {401, 403}

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed later."""
        is_theirs = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return is_theirs or self.status == HTTPStatus.TOO_MANY_REQUESTS


class BrokerUnreachable(BrokerError):
    """No answer came, or what came isn't one of an Execution Broker."""


class InsecureToken(BrokerError):
    """A token was to be sent in clear text over a network."""


class WatchEnded(BrokerError):
    """The deadline of a watch passed before the session came to its end."""
