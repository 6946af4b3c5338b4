"""Admission: only so many do the same at once, of all users and of each."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aggregator.domain.errors import Overloaded, UserOverLimit
from aggregator.domain.principal import Principal


def _tell_nobody(_: int) -> None:
    pass


class Admission:
    """Lets in whom there is room for, and refuses the others at once.

    Args:
        who: Who does it, such as ``requests``.
        does: What they do, such as ``are under way``.
        in_all: How many may at once.
        per_user: How many of one user; nobody in particular is not held to it.
        retry_after: Seconds after which to try again.
        tell: Is told how many are doing it, each time that this changes.
    """

    def __init__(
        self,
        who: str,
        does: str,
        *,
        in_all: int,
        per_user: int,
        retry_after: float,
        tell: Callable[[int], None] = _tell_nobody,
    ) -> None:
        self._who = who
        self._does = does
        self._in_all = in_all
        self._per_user = per_user
        self._retry_after = retry_after
        self._tell = tell
        self._inside: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def admitted(self, principal: Principal) -> Iterator[None]:
        """Count one of ``principal`` for as long as the context lasts.

        Raises:
            Overloaded: As many as may are doing it.
            UserOverLimit: The same of this user.
        """
        # Whoever comes with another token, of other groups, is the same user.
        user = (principal.issuer, principal.subject)
        if self._inside.total() >= self._in_all:
            raise Overloaded(
                f"{self._in_all} {self._who} {self._does}, which is the limit",
                retry_after=self._retry_after,
            )
        if not principal.is_anonymous and self._inside[user] >= self._per_user:
            yours = f"{self._per_user} of your {self._who}"
            raise UserOverLimit(
                f"{yours} {self._does}, which is the limit",
                retry_after=self._retry_after,
            )
        self._inside[user] += 1
        self._tell(self._inside.total())
        try:
            yield
        finally:
            self._inside -= Counter([user])
            self._tell(self._inside.total())
