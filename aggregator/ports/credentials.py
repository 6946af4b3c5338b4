"""The port to credentials: what calls to a site show, where that is to be had first."""

from dataclasses import dataclass, field
from typing import Protocol

from aggregator.domain.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a call shows to its site.

    Attributes:
        header: The ``Authorization`` header, None for none; never stored or logged.
        key: Under which the token in it is remembered; None where it isn't ours.
    """

    header: str | None = field(repr=False)
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NoAuthorization:
    """Why there is nothing to show to a site, so that it can't be called.

    Attributes:
        outcome: Of the call that isn't made.
        detail: What was wrong, in words for the user.
    """

    outcome: Outcome
    detail: str


class SiteCredentials(Protocol):
    """Where one site's credentials come from.

    Deadlines are on the event loop's clock. Nothing is raised but for the
    cancellation of the calling task.
    """

    async def for_call(
        self, authorization: str | None, deadline: float
    ) -> Authorization | NoAuthorization:
        """Return what a call for the sender of ``authorization`` shows."""
        ...

    @property
    def releases_itself(self) -> bool:
        """Whether the service may release at the site in a name of its own."""
        ...

    async def for_release(self, deadline: float) -> Authorization | NoAuthorization:
        """Return what shows the service itself, where it may release."""
        ...

    def doubt(self, shown: Authorization) -> bool:
        """Take note that the site answered 401 to what it was shown.

        Returns:
            Whether there may be something newer to show.
        """
        ...
