"""HTTP answers of sites, and what those say that aren't successes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from aggregator.domain.events import Operation
from aggregator.domain.outcomes import Outcome
from site_adapters.bodies import decode_document, peek_document
from site_adapters.headers import retry_after
from site_adapters.outcomes import Failure, outcome_of_status, plain

SUCCESSES: Final = range(200, 300)

_REASONS: Final = ("detail", "message", "error", "title")
_QUOTED: Final = frozenset({Outcome.REFUSED_4XX, Outcome.ERROR_5XX})
_HARMLESS_BEHIND_REDIRECT: Final = frozenset({Outcome.ERROR_5XX, Outcome.THROTTLED})


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whatever its status, with its whole body.

    Attributes:
        certificate_expires: When the certificate ends by which it came, if any.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    certificate_expires: datetime | None = None

    @property
    def content_type(self) -> str:
        """What the body claims to be, empty where it claims nothing."""
        return self.headers.get("Content-Type", "")

    async def document(self) -> dict[str, Any]:
        """Return the object in the body.

        Raises:
            CallFailed: There is none that can be read.
        """
        return await decode_document(self.body, self.content_type)

    def refusal(self, operation: Operation, now: datetime, secret: str) -> Failure:
        """Return what the reply's failing status says of the call.

        Args:
            operation: What the call was for.
            now: The time of day.
            secret: What was sent as credentials, never to be quoted back.
        """
        outcome = outcome_of_status(self.status, operation)
        detail = f"it answered {self.status}"
        if outcome in _QUOTED and (reason := self._reason(secret)):
            detail += f": {reason}"
        wait = retry_after(self.headers, now)
        return Failure(outcome, plain(detail), wait, self.status)

    def _reason(self, secret: str) -> str:
        document = peek_document(self.body) or {}
        for name in _REASONS:
            text = document.get(name)
            if isinstance(text, str) and text:
                return "" if secret and secret in text else text
        return ""


def behind_redirect(refused: Failure, *, was_sent: bool) -> Failure:
    """Return what a refusal means that came after a redirect was followed.

    Where something was sent before, the site may well have carried it out: then no
    status of what it redirected to may count as the refusal of what was sent.
    """
    if not was_sent or refused.outcome in _HARMLESS_BEHIND_REDIRECT:
        return replace(refused, status=None)
    detail = plain(f"following its redirect, {refused.detail}")
    return Failure(Outcome.BAD_PAYLOAD, detail, refused.retry_after)
